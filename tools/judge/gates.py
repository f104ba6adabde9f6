"""The inventory of gates: what a run must decide is known before it starts, so that nothing can go missing unseen."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tools.base.errors import Stage
from tools.judge.spec import Spec


class Where(enum.Enum):
    """In which runs a gate exists."""

    ALWAYS = "in every run"
    SAMPLE = "by the embedded sample's spec only: its own integrity"
    DEVICE = "on a device, by a spec of a published model or with machine classes: a simulator can say nothing"


@dataclass(frozen=True)
class Asked:
    """What a run is about: the spec, and whether a device is there."""

    spec: Spec
    on_device: bool


@dataclass(frozen=True)
class Gate:
    """One assertion of the suite: a stable id, its stage and the question it answers.

    `per_batch` gates exist once for every batch size of the spec, as `id[bs16]`; `where` says in which runs the
    question is asked at all.
    """

    id: str
    stage: Stage
    question: str
    per_batch: bool
    where: Where


def _gates(stage: Stage, *gates: tuple[str, str], per_batch: bool = False, where: Where | None = None) -> list[Gate]:
    return [Gate(name, stage, question, per_batch, where or Where.ALWAYS) for name, question in gates]


def _agreement(variant: str, what: str) -> tuple[tuple[str, str], ...]:
    """What Top-1 hides, asked of every image's logits."""
    return (
        (f"{variant}.accuracy.min_cosine", f"Do {what} logits point where the checkpoint's do, for the worst image?"),
        (f"{variant}.accuracy.mean_cosine_distance", f"Do {what} logits point there on average, to rounding?"),
        (f"{variant}.accuracy.max_abs_error", f"Is no logit of {what} further off than its arithmetic explains?"),
        (f"{variant}.accuracy.flips_beyond_near_tie", f"Does {what} top class change at near ties only?"),
        (f"{variant}.accuracy.top5_set_changed_percent", f"Do {what} five best classes stay, but for a few images?"),
    )


INVENTORY: tuple[Gate, ...] = (
    *_gates(
        Stage.CHECKPOINT,
        ("checkpoint.md5", "Is the file the published one, byte for byte, before anything is unpickled?"),
        ("checkpoint.loads", "Is it a plain state_dict that loads without running code?"),
        ("checkpoint.keys", "Does it hold exactly the tensors of the network?"),
        ("checkpoint.shapes", "Has each tensor the network's shape and dtype?"),
        ("checkpoint.finite", "Is every weight a finite number?"),
    ),
    *_gates(
        Stage.CHECKPOINT,
        ("checkpoint.content_sha256", "Are the sample's tensors, whatever the file format, the pinned ones?"),
        where=Where.SAMPLE,
    ),
    *_gates(
        Stage.ONNX,
        ("onnx.export", "Could the checkpoint be exported to a readable ONNX file?"),
        ("onnx.checker", "Does onnx.checker, with full shape inference, accept the produced file?"),
        ("onnx.opset", "Is the produced file of the opset that atc parses, and of that domain alone?"),
        ("onnx.input", "Has the produced file the one input, with the name, dtype and dynamic batch axis asked for?"),
        ("onnx.output", "Has the produced file the one output, with the name, dtype and shape asked for?"),
        ("onnx.weights", "Is every initializer equal to its checkpoint tensor, bit for bit?"),
        ("onnx.logits_abs_error", "Do onnxruntime's logits follow torch's?"),
        ("onnx.batch_invariance_abs_error", "Does an image get the same logits in a batch of 16 as alone?"),
    ),
    *_gates(
        Stage.PREPROCESSING,
        ("preprocessing.labels", "Can every label line be read, once for each image and in range?"),
        ("preprocessing.images", "Can every image be decoded to its last pixel?"),
        ("preprocessing.ids", "Has every label its image and every image its label?"),
        ("preprocessing.dataset_complete", "Are these the images that the spec asks for, all of them?"),
        ("preprocessing.bins", "Has every image its bin, and no bin another image?"),
        ("preprocessing.info", "Does the .info list name every bin once?"),
        ("preprocessing.bin_size", "Has every bin the size of one float32 image?"),
        ("preprocessing.finite", "Is every value of every bin finite?"),
        ("preprocessing.value_range", "Does every value lie between what bytes 0 and 255 are normalised to?"),
        ("preprocessing.torchvision_parity", "Are the bins byte for byte what torchvision's transforms make?"),
    ),
    *_gates(
        Stage.PREPROCESSING,
        ("preprocessing.images_sha256", "Are the sample's images and labels the pinned ones?"),
        where=Where.SAMPLE,
    ),
    *_gates(
        Stage.OM,
        ("om.toolkit", "Is everything there that compiles and runs offline models?"),
        ("om.device", "Is the device there, healthy, and of the chip that was asked for?"),
    ),
    *_gates(
        Stage.OM,
        ("om.compiled", "Has atc said that it succeeded, and made a fresh OM?"),
        ("om.described", "Does the OM say of itself the batch, input and chip that were asked for?"),
        ("om.ran", "Has the vendor's tool run the OM and given one output an image?"),
        per_batch=True,
    ),
    *_gates(
        Stage.OM,
        ("om.batch_invariance_abs_error", "Does every batch size give an image the same logits as the first one?"),
    ),
    *_gates(
        Stage.ACCURACY,
        ("pth.accuracy.ids", "Has the checkpoint given one prediction for every label?"),
        ("pth.accuracy.finite", "Are the checkpoint's logits finite for every image?"),
        ("pth.accuracy.top1_error_pp", "Does the checkpoint reach its published Top-1 on the full data set?"),
        ("pth.accuracy.top5_error_pp", "Does the checkpoint reach its published Top-5 on the full data set?"),
        ("onnx.accuracy.ids", "Has the ONNX file given one prediction for every label?"),
        ("onnx.accuracy.finite", "Are the ONNX file's logits finite for every image?"),
        ("onnx.accuracy.top1_drop_pp", "Does the ONNX file keep the checkpoint's Top-1 on the same images?"),
        ("onnx.accuracy.top5_drop_pp", "Does the ONNX file keep the checkpoint's Top-5 on the same images?"),
        *_agreement("onnx", "the ONNX file's"),
    ),
    *_gates(
        Stage.ACCURACY,
        ("om.accuracy.ids", "Has the OM given one prediction for every label?"),
        ("om.accuracy.finite", "Is every output of the OM whole, of the right width, and finite?"),
        ("om.accuracy.top1_drop_pp", "Does the OM keep the checkpoint's Top-1 on the same images?"),
        ("om.accuracy.top5_drop_pp", "Does the OM keep the checkpoint's Top-5 on the same images?"),
        *_agreement("om", "the OM's"),
        per_batch=True,
    ),
    *_gates(
        Stage.ACCURACY,
        ("om.accuracy.top1_error_pp", "Does the OM reach the published OM's Top-1 on the full data set?"),
        ("om.accuracy.top5_error_pp", "Does the OM reach the published OM's Top-5 on the full data set?"),
        per_batch=True,
        where=Where.DEVICE,
    ),
    *_gates(
        Stage.PERF,
        ("host.perf.onnx_to_torch", "Is onnxruntime, measured in turn with torch, as quick as it should be?"),
        ("om.perf.reading", "Has the tool stated a throughput that is whole and does not contradict itself?"),
        ("om.perf.device_idle", "Was the device free of other work before and after?"),
        per_batch=True,
    ),
    *_gates(
        Stage.PERF,
        ("om.perf.images_per_second_per_chip", "Is one chip as quick as the floor of its machine class?"),
        ("om.perf.plausible", "Is the throughput one that the chip can reach, and not images counted twice?"),
        per_batch=True,
        where=Where.DEVICE,
    ),
)

BY_ID = {gate.id: gate for gate in INVENTORY}


def gate_id(gate: Gate, batch: int | None) -> str:
    """The full id, with the batch size where the gate has one."""
    return gate.id if batch is None else f"{gate.id}[bs{batch}]"


def find(full_id: str) -> Gate:
    """The gate of a full id such as `om.accuracy.top1_drop_pp[bs16]`; KeyError when the inventory has none."""
    return BY_ID[full_id.partition("[")[0]]


def compared_variant(full_id: str) -> str | None:
    """`onnx` or `om` where a gate holds that variant's predictions against the checkpoint's, else None."""
    variant, _, rest = full_id.partition(".accuracy.")
    compares = rest.startswith(("top1_drop", "top5_drop", "min_", "mean_", "max_", "flips_", "top5_set"))
    return variant if compares and variant in ("onnx", "om") else None


def applies(gate: Gate, asked: Asked) -> bool:
    """Whether this run asks the gate's question at all."""
    return {
        Where.ALWAYS: True,
        Where.SAMPLE: asked.spec.kind == "sample",
        Where.DEVICE: asked.on_device and (asked.spec.kind == "published" or bool(asked.spec.devices)),
    }[gate.where]


def expected(asked: Asked) -> tuple[str, ...]:
    """The full ids of every gate that an acceptance owes, in the order of the stages."""
    return tuple(
        gate_id(gate, batch)
        for gate in INVENTORY
        if applies(gate, asked)
        for batch in (asked.spec.batches if gate.per_batch else (None,))
    )
