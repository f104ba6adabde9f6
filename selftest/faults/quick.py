"""The faults that `make test` injects: for every gate the quickest that proves it, and more that cost next to nothing.

The whole catalogue takes ten times as long: `make faults`, every night.
"""

from __future__ import annotations

CHECKPOINT = (
    *(
        "another sha256 than the port states",
        "the pth truncated",
        "code in the pickle",
        "a whole training state instead of a state_dict",
    ),
    *("a layer's bias dropped", "weights stored as float16", "one weight NaN", "two conv filters swapped"),
)
ONNX = (
    *("the exporter leaves half a file", "an input that no node makes", "a second opset domain", "a fixed batch"),
    *("the output renamed", "a layer's bias lost in the export"),
    "a threshold of 0, which is a value and not `none`",
    *(
        "a node that atc's parser does not know",
        "an image's logits depend on its neighbours",
        "a graph step that spoils a bias",
    ),
)
PREPROCESSING = (
    *("a label line twice", "labels counted from 1", "a label that is no number", "a truncated JPEG"),
    *("an HTML page named .JPEG", "an image edited after its digest was taken", "one image missing"),
    *("one label missing", "images missing on a machine that must have all", "a sample of another seed"),
    *("one bin missing", "a line missing in the .info list", "one bin truncated", "one value NaN"),
    *("no division by 255", "two bins swapped", "BGR instead of RGB"),
    *("a PNG file named .jpg for a chip that decodes JPEG", "JPEG files listed with the size of the OM's input"),
    *("other labels than the port pins", "one photograph under two names"),
    *("a label line that leads out of the folder", "a label file of 1 GB", "a named pipe among the images"),
)
OM = (
    *("no CANN on a machine that must have it", "a toolkit folder, but no device and no atc"),
    *("the inference tool is missing", "the device is unhealthy", "npu-smi's table is cut short"),
    *("npu-smi is missing", "npu-smi hangs", "the device is another chip than asked for"),
    *("atc exits with an error code", "atc exits 0 with an error text", "atc is missing"),
    *("the OM is of another batch", "dumps of an earlier run left behind", "the tool is killed"),
    *(
        "batches give different logits",
        "mean and std of an AIPP file that changed places",
        "an AIPP file that atc ignores",
    ),
)
ACCURACY = (
    *("reference predictions of another checkpoint", "reference predictions rounded to bfloat16"),
    *("one pth prediction lost", "one pth logit NaN", "pth predictions in another order than the images"),
    *("the published Top-5 of another model", "one ONNX prediction lost", "one ONNX logit NaN"),
    *("ONNX logits shifted by one class", "only the top class of the ONNX file is right"),
    *("one OM prediction lost", "one output NaN", "OM logits shifted by one class"),
    *("only the top class of the OM is right", "the OM's Top-1 is not the published one"),
    *("the OM's Top-5 is not the published one", "the background class forgotten in the port"),
)
AGREEMENT = tuple(
    f"{name} ({variant})"
    for variant in ("onnx", "om")
    for name in (
        *("one image with another's logits", "coarser arithmetic than stated", "one logit off"),
        *("best classes changed places", "fifth and sixth exchanged"),
        *("all logits times nearly 1", "all logits a little too high", "one class favoured", "1 image in 24 scaled"),
    )
)
PERF = (
    *("onnxruntime computes everything thirty times", "a perf text cut short", "the device is busy"),
    *("throughput 3 % under the floor", "throughput 1 % under the floor", "a card's throughput taken for a chip's"),
    "a throughput run gives other outputs than the predictions",
    *("the profiler's table cut short in a row", "a profile of another OM"),
)
QUICK = frozenset((*CHECKPOINT, *ONNX, *PREPROCESSING, *OM, *ACCURACY, *AGREEMENT, *PERF))
