"""The options of a run, written once: pytest, the variables and the command that runs a gate again take them here."""

from __future__ import annotations

from collections.abc import Sequence

from tools.base.misspelt import nearest
from tools.base.variables import variable_of

VALUED: dict[str, tuple[str, str]] = {
    "port": (
        "NAME",
        "what is judged: a port of the suite such as resnet50, or a file such as ./mine.yaml (default: alexnet)",
    ),
    "checkpoint": (
        "PTH",
        "the port's weights (default: its file in this folder, for AlexNet else the embedded sample)",
    ),
    "onnx": (
        "FILE",
        "an ONNX file of your own, judged in place of the suite's export (a port of fixed batch sizes: one each, a,b)",
    ),
    "om": ("LIST", "OMs of your own, judged in place of what atc would make: a.om,b.om or a folder, one a batch size"),
    "imagenet": ("DIR", "folder with val/ and val_label.txt (default: /opt/npu/imagenet, else the embedded sample)"),
    "images": ("DIR", "folder of images, together with --labels"),
    "labels": ("FILE", "label file, lines `<image file name> <label>`, together with --images"),
    "limit": ("N", "use the first N images only; the verdict is then INCOMPLETE"),
    "cache": ("DIR", "where artifacts are kept between runs (default: build/cache)"),
    "evidence": (
        "DIR",
        "where the run's results are written (default: its own folder in build/evidence)",
    ),
    "keep": ("N", "keep the evidence of the newest N runs there and remove older (default: all of it is kept)"),
    "baseline": ("DIR", "evidence of an earlier run: fail on a loss that the port does not allow"),
    "reference": (
        "BUNDLE",
        "evidence of another run, made with --keep-reference: its predictions of the checkpoint are taken, not made",
    ),
    "reference-device": ("WORD", "where torch computes the checkpoint's predictions: cpu (default) or cuda"),
    "target": ("WHERE", "where OMs run: auto, ascend or simulator (default: auto; ascend never simulates)"),
    "infer-tool": ("TOOL", "auto, benchmark or ais_bench (default: auto, what is installed)"),
    "device": ("LIST", "devices that share the data set, e.g. 0,1,2,3 (default: 0)"),
    "soc": ("NAME", "insist on a chip such as Ascend310P3 (default: the port's, else the device's own)"),
    "ais-bench-python": ("PROGRAM", "the interpreter that has ais_bench and aclruntime"),
    "busy-device": ("WORD", "refuse a busy device (default), or call its throughput inconclusive"),
    "lang": ("LANGUAGE", "what is shown: en or zh (default: zh where the locale is Chinese); evidence stays English"),
}
"""Option without its dashes -> the name of its value and what it means; each has an environment variable."""
FLAGS: dict[str, str] = {
    "remeasure": "measure throughput anew (on a device it always is)",
    "profile": "say in which operators the chip spends its time (the vendor's profiler, at every batch size)",
    "strict-accuracy": "the tight bound on the drop fails, not only warns",
    "keep-reference": "keep every logit of the checkpoint in the evidence, for --reference of another run",
    "sample": "use the embedded sample even where real inputs are found; with --port, one that is made for it",
}
DIAGNOSE = ("on-failure", "always", "never")
VARIABLES: dict[str, str] = {name.replace("-", "_"): variable_of(name) for name in VALUED}
"""Option as Python spells it -> its environment variable."""
WITH_VALUE = frozenset(f"--{name}" for name in (*VALUED, "diagnose"))
WITHOUT_VALUE = frozenset(f"--{name}" for name in FLAGS)


def joined(words: Sequence[str]) -> list[str]:
    """The words with each of the suite's options and its separate value as one word, `--option=value`."""
    found: list[str] = []
    for word in words:
        if found and found[-1] in WITH_VALUE:
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def misspelt(words: Sequence[str]) -> dict[str, str]:
    """Each long option that is none of the suite's -> the one that is most like it; it may still be pytest's own."""
    names = [word.partition("=")[0] for word in words if word.startswith("--")]
    strange = [name for name in names if name not in WITH_VALUE | WITHOUT_VALUE]
    return {name: near for name in strange if (near := nearest(name, WITH_VALUE | WITHOUT_VALUE))}
