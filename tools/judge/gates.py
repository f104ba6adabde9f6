"""The inventory of gates: every assertion of the suite, with its question and how it is judged, written once.

What a run must decide is known before it starts, so that nothing can go missing unseen. A gate's function makes a check
from evidence (tools/judge/evidence.py); a run and the offline judge call the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Callable

from tools.base.errors import Stage
from tools.base.text_enum import TextEnum
from tools.judge import agreement, ids
from tools.judge.checks import complete, conserved, made, none_of, pinned, same, within
from tools.judge.description import description_mismatches
from tools.judge.device import fastest, floor, idle, plausible, slowest_rates, stated
from tools.judge.evidence import Evidence
from tools.judge.ids import ONNX, PTH, GateId, Variant
from tools.judge.published import published_accuracy
from tools.judge.results import Check
from tools.judge.spec import Spec
from tools.judge.throughput import check_reported

Judge = Callable[[Evidence, int], Check]
"""From evidence and the batch size (0 where the gate has none) to a check."""
NAMES = "guide, pth2onnx.py"
RECIPE = "guide, imagenet_torch_preprocess.py"


class Where(TextEnum):
    """In which runs a gate exists."""

    ALWAYS = "in every run"
    SAMPLE = "by the embedded sample's spec only: its own integrity"
    DEVICE = "on a device, by a spec of a published model or with machine classes: a simulator can say nothing"


class Basis(TextEnum):
    """What an offline judge's word on a gate rests on."""

    RECOMPUTED = "recomputed"
    JUDGED_AGAIN = "judged again"
    AS_RECORDED = "taken as recorded"


@dataclass(frozen=True)
class Asked:
    """What a run is about: the spec, and whether a device is there."""

    spec: Spec
    on_device: bool


@dataclass(frozen=True)
class Gate:
    """One assertion of the suite: a stable id, its stage, the question it answers, and the function that answers it.

    `per_batch` gates exist once for every batch size of the spec, as `id[bs16]`; `where` says in which runs the
    question is asked at all; `basis` is RECOMPUTED where the bundle holds the predictions or raw samples that decide,
    JUDGED_AGAIN where it holds the facts that were measured.
    """

    id: GateId
    stage: Stage
    question: str
    judge: Judge
    basis: Basis = Basis.JUDGED_AGAIN
    per_batch: bool = False
    where: Where = Where.ALWAYS


def _md5(evidence: Evidence, batch: int) -> Check:
    published = evidence.spec.checkpoint
    return same(str(evidence.digest("checkpoint").md5), published.md5, unit="md5", source=published.source)


def _loads(evidence: Evidence, batch: int) -> Check:
    return made(f"{evidence.checkpoint().tensors} tensors")


def _keys(evidence: Evidence, batch: int) -> Check:
    facts = evidence.checkpoint()
    return _tensors(evidence, facts.missing + facts.unexpected, "tensors odd")


def _shapes(evidence: Evidence, batch: int) -> Check:
    return _tensors(evidence, evidence.checkpoint().misshapen, "tensors misshapen")


def _finite_weights(evidence: Evidence, batch: int) -> Check:
    return _tensors(evidence, evidence.checkpoint().not_finite, "tensors not finite")


def _tensors(evidence: Evidence, offenders: tuple[str, ...], unit: str) -> Check:
    return none_of(offenders, among=evidence.checkpoint().expected, unit=unit, source=evidence.spec.model.name)


def _content(evidence: Evidence, batch: int) -> Check:
    asked = evidence.spec.checkpoint
    measured = evidence.checkpoint().content_sha256
    return same(measured, str(asked.content_sha256), unit="sha256", source=asked.source)


def _export(evidence: Evidence, batch: int) -> Check:
    return made(f"{len(evidence.onnx().operators)} nodes")


def _checker(evidence: Evidence, batch: int) -> Check:
    source = "onnx.checker with full shape inference"
    return same(evidence.checker().answer, "accepted", unit="answer", source=source)


def _opset(evidence: Evidence, batch: int) -> Check:
    asked = evidence.spec.onnx.opset
    opsets = ", ".join(evidence.onnx().opsets)
    return same(opsets, f"ai.onnx {asked.exactly:g}", unit="opset", source=asked.source)


def _input(evidence: Evidence, batch: int) -> Check:
    return same("; ".join(evidence.onnx().inputs), str(evidence.spec.onnx.input), unit="input", source=NAMES)


def _output(evidence: Evidence, batch: int) -> Check:
    return same("; ".join(evidence.onnx().outputs), str(evidence.spec.onnx.output), unit="output", source=NAMES)


def _weights(evidence: Evidence, batch: int) -> Check:
    facts = evidence.weights()
    return none_of(facts.offenders, among=facts.among, unit="tensors", source="bit for bit")


def _logits_follow(evidence: Evidence, batch: int) -> Check:
    return within(evidence.logit_errors().to_reference, evidence.spec.onnx.logits_abs_error)


def _onnx_batches(evidence: Evidence, batch: int) -> Check:
    return within(evidence.logit_errors().between_batches, evidence.spec.onnx.batch_invariance_abs_error)


def _labels(evidence: Evidence, batch: int) -> Check:
    return made(f"{evidence.dataset().images} labels")


def _images(evidence: Evidence, batch: int) -> Check:
    handed = evidence.handover("images")
    return made(f"{handed.expected} images") if handed.conserved else conserved(handed)


def _handed_over(step: str, evidence: Evidence, batch: int) -> Check:
    return conserved(evidence.handover(step))


def _complete(evidence: Evidence, batch: int) -> Check:
    return complete(evidence.gap(), evidence.spec.dataset.images, required=evidence.on_device)


def _pinned_images(evidence: Evidence, batch: int) -> Check:
    data = evidence.dataset()
    own = not data.embedded_sample or data.limit is not None
    return pinned(data.images_sha256, evidence.spec.dataset, own=own)


def _bin_size(evidence: Evidence, batch: int) -> Check:
    facts = evidence.bins()
    return none_of(facts.wrong_size, among=facts.among, unit="bins of other size", source=RECIPE)


def _finite_bins(evidence: Evidence, batch: int) -> Check:
    facts = evidence.bins()
    return none_of(facts.not_finite, among=facts.among, unit="bins not finite", source=RECIPE)


def _value_range(evidence: Evidence, batch: int) -> Check:
    facts = evidence.bins()
    return none_of(facts.out_of_range, among=facts.among, unit="bins out of range", source=RECIPE)


def _parity(evidence: Evidence, batch: int) -> Check:
    facts = evidence.parity()
    return none_of(facts.differing, among=len(facts.looked_at), unit="bins differing", source=RECIPE)


def _toolkit(evidence: Evidence, batch: int) -> Check:
    facts = evidence.toolkit()
    return made(f"{facts.target}, {facts.infer_tool}")


def _device(evidence: Evidence, batch: int) -> Check:
    machine = evidence.machine()
    return made(f"{machine.soc}, device {', '.join(map(str, machine.devices))}")


def _compiled(evidence: Evidence, batch: int) -> Check:
    return made(PurePath(evidence.digest(ids.om(batch)).path).name)


def _described(evidence: Evidence, batch: int) -> Check:
    asked = evidence.spec.onnx.input
    found = description_mismatches(
        evidence.described(batch),
        input_name=asked.name,
        shape=(batch, *asked.shape[1:]),
        soc=evidence.machine().soc,
    )
    return none_of(found, among=1, unit="mismatches", source="atc --mode=1")


def _ran(evidence: Evidence, batch: int) -> Check:
    return made(f"{evidence.handover(ids.om(batch)).expected} outputs")


def _om_batches(evidence: Evidence, batch: int) -> Check:
    return within(evidence.batch_errors().largest, evidence.spec.om.batch_bound(on_device=evidence.on_device))


def _predicted(variant: Variant, evidence: Evidence) -> Check:
    handed = conserved(evidence.handover(variant))
    if handed.passed:
        evidence.top_five(variant)
    return handed


def _finite(variant: Variant, evidence: Evidence) -> Check:
    return made(f"{evidence.top_five(variant).images} rows")


def _drop(k: int, variant: Variant, evidence: Evidence) -> Check:
    return evidence.loss(variant, k).check


def _reference_published(k: int, variant: Variant, evidence: Evidence) -> Check:
    asked = evidence.spec.accuracy
    published, error = (
        (asked.pth_top1, asked.pth_top1_error_pp) if k == 1 else (asked.pth_top5, asked.pth_top5_error_pp)
    )
    return published_accuracy(evidence.top_five(variant).top_k(k), published, error, incomplete=evidence.gap())


def _om_published(k: int, variant: Variant, evidence: Evidence) -> Check:
    asked = evidence.device_class()
    published, error = (asked.om_top1, asked.om_top1_error_pp) if k == 1 else (asked.om_top5, asked.om_top5_error_pp)
    return published_accuracy(evidence.top_five(variant).top_k(k), published, error, incomplete=evidence.gap())


def _agrees(question: str, variant: Variant, evidence: Evidence) -> Check:
    bounds = evidence.spec.agreement
    asked = bounds.onnx if variant == ONNX else bounds.om(on_device=evidence.on_device)
    return agreement.CHECKS[question](evidence.agreement(variant), getattr(asked, question))


def _host_ratio(evidence: Evidence, batch: int) -> Check:
    return within(evidence.host_throughput(batch).ratio, evidence.spec.host_ratio(batch))


def _reading(evidence: Evidence, batch: int) -> Check:
    return check_reported(stated(evidence.device_throughput(batch).runs), evidence.spec.om.reported_rate_error_percent)


def _idle(evidence: Evidence, batch: int) -> Check:
    return idle(evidence.device_throughput(batch).busy, tolerated=evidence.tolerate_busy)


def _floor(evidence: Evidence, batch: int) -> Check:
    found = evidence.device_throughput(batch)
    return floor(slowest_rates(found.runs), evidence.device_class(), batch, busy=found.busy)


def _plausible(evidence: Evidence, batch: int) -> Check:
    found = evidence.device_throughput(batch)
    return plausible(fastest(found.runs), evidence.device_class(), evidence.spec.model, batch)


OfVariant = Callable[[Variant, Evidence], Check]


def _of(kind: str, judge: OfVariant) -> Judge:
    """The judge of a gate about one variant's predictions: of the OM, the one of the batch size."""
    return lambda evidence, batch: judge(ids.om(batch) if kind == "om" else Variant(kind), evidence)


def _accuracy(kind: str, *gates: tuple[str, str, OfVariant], basis: Basis, where: Where = Where.ALWAYS) -> list[Gate]:
    return [
        Gate(
            id=GateId(f"{kind}.accuracy.{name}"),
            stage=Stage.ACCURACY,
            question=question,
            judge=_of(kind, judge),
            basis=basis,
            per_batch=kind == "om",
            where=where,
        )
        for name, question, judge in gates
    ]


def _compared(kind: str, what: str) -> list[Gate]:
    """A variant held against the checkpoint: what Top-1 shows, and what it hides, asked of every image's logits."""
    again = (
        ("min_cosine", f"Do {what}'s logits point where the checkpoint's do, for the worst image?"),
        ("mean_cosine_distance", f"Do {what}'s logits point there on average, to rounding?"),
        ("max_abs_error", f"Is no logit of {what} further off than its arithmetic explains?"),
    )
    from_top_five = (
        ("flips_beyond_near_tie", f"Does {what}'s top class change at near ties only?"),
        ("top5_set_changed_percent", f"Do {what}'s five best classes stay, but for a few images?"),
    )
    return [
        *_accuracy(
            kind,
            ("top1_drop_pp", f"Does {what} keep the checkpoint's Top-1 on the same images?", partial(_drop, 1)),
            ("top5_drop_pp", f"Does {what} keep the checkpoint's Top-5 on the same images?", partial(_drop, 5)),
            basis=Basis.RECOMPUTED,
        ),
        *_accuracy(kind, *((name, text, partial(_agrees, name)) for name, text in again), basis=Basis.JUDGED_AGAIN),
        *_accuracy(
            kind, *((name, text, partial(_agrees, name)) for name, text in from_top_five), basis=Basis.RECOMPUTED
        ),
    ]


def _gates(stage: Stage, *gates: tuple[GateId, str, Judge], **others: object) -> list[Gate]:
    return [Gate(name, stage, question, judge, **others) for name, question, judge in gates]  # type: ignore[arg-type]


INVENTORY: tuple[Gate, ...] = (
    *_gates(
        Stage.CHECKPOINT,
        (ids.CHECKPOINT_MD5, "Is the file the published one, byte for byte, before anything is unpickled?", _md5),
        (ids.CHECKPOINT_LOADS, "Is it a plain state_dict that loads without running code?", _loads),
        (ids.CHECKPOINT_KEYS, "Does it hold exactly the tensors of the network?", _keys),
        (ids.CHECKPOINT_SHAPES, "Has each tensor the network's shape and dtype?", _shapes),
        (ids.CHECKPOINT_FINITE, "Is every weight a finite number?", _finite_weights),
    ),
    *_gates(
        Stage.CHECKPOINT,
        (
            ids.CHECKPOINT_CONTENT_SHA256,
            "Are the sample's tensors, whatever the file format, the pinned ones?",
            _content,
        ),
        where=Where.SAMPLE,
    ),
    *_gates(
        Stage.ONNX,
        (ids.ONNX_EXPORT, "Could the checkpoint be exported to a readable ONNX file?", _export),
        (ids.ONNX_CHECKER, "Does onnx.checker, with full shape inference, accept the produced file?", _checker),
        (ids.ONNX_OPSET, "Is the produced file of the opset that atc parses, and of that domain alone?", _opset),
        (
            ids.ONNX_INPUT,
            "Has the produced file the one input, with the name, dtype and dynamic batch axis asked for?",
            _input,
        ),
        (
            ids.ONNX_OUTPUT,
            "Has the produced file the one output, with the name, dtype and shape asked for?",
            _output,
        ),
        (ids.ONNX_WEIGHTS, "Is every initializer equal to its checkpoint tensor, bit for bit?", _weights),
        (ids.ONNX_LOGITS_ABS_ERROR, "Do onnxruntime's logits follow torch's?", _logits_follow),
        (
            ids.ONNX_BATCH_INVARIANCE_ABS_ERROR,
            "Does an image get the same logits in a batch of 16 as alone?",
            _onnx_batches,
        ),
    ),
    *_gates(
        Stage.PREPROCESSING,
        (ids.PREPROCESSING_LABELS, "Can every label line be read, once for each image and in range?", _labels),
        (ids.PREPROCESSING_IMAGES, "Can every image be decoded to its last pixel?", _images),
        (
            ids.PREPROCESSING_IDS,
            "Has every label its image and every image its label?",
            partial(_handed_over, "labels"),
        ),
        (
            ids.PREPROCESSING_DATASET_COMPLETE,
            "Are these the images that the spec asks for, all of them?",
            _complete,
        ),
        (
            ids.PREPROCESSING_BINS,
            "Has every image its bin, and no bin another image?",
            partial(_handed_over, "bins"),
        ),
        (ids.PREPROCESSING_INFO, "Does the .info list name every bin once?", partial(_handed_over, "info")),
        (ids.PREPROCESSING_BIN_SIZE, "Has every bin the size of one float32 image?", _bin_size),
        (ids.PREPROCESSING_FINITE, "Is every value of every bin finite?", _finite_bins),
        (
            ids.PREPROCESSING_VALUE_RANGE,
            "Does every value lie between what bytes 0 and 255 are normalised to?",
            _value_range,
        ),
        (
            ids.PREPROCESSING_TORCHVISION_PARITY,
            "Are the bins byte for byte what torchvision's transforms make?",
            _parity,
        ),
    ),
    *_gates(
        Stage.PREPROCESSING,
        (ids.PREPROCESSING_IMAGES_SHA256, "Are the sample's images and labels the pinned ones?", _pinned_images),
        where=Where.SAMPLE,
    ),
    *_gates(
        Stage.OM,
        (ids.OM_TOOLKIT, "Is everything there that compiles and runs offline models?", _toolkit),
        (ids.OM_DEVICE, "Is the device there, healthy, and of the chip that was asked for?", _device),
    ),
    *_gates(
        Stage.OM,
        (ids.OM_COMPILED, "Has atc said that it succeeded, and made a fresh OM?", _compiled),
        (
            ids.OM_DESCRIBED,
            "Does the OM say of itself the batch, input and chip that were asked for?",
            _described,
        ),
        (ids.OM_RAN, "Has the vendor's tool run the OM and given one output an image?", _ran),
        per_batch=True,
    ),
    *_gates(
        Stage.OM,
        (
            ids.OM_BATCH_INVARIANCE_ABS_ERROR,
            "Does every batch size give an image the same logits as the first one?",
            _om_batches,
        ),
    ),
    *_accuracy(
        PTH,
        ("ids", "Has the checkpoint given one prediction for every label?", _predicted),
        ("finite", "Are the checkpoint's logits finite for every image?", _finite),
        (
            "top1_error_pp",
            "Does the checkpoint reach its published Top-1 on the full data set?",
            partial(_reference_published, 1),
        ),
        (
            "top5_error_pp",
            "Does the checkpoint reach its published Top-5 on the full data set?",
            partial(_reference_published, 5),
        ),
        basis=Basis.RECOMPUTED,
    ),
    *_accuracy(
        ONNX,
        ("ids", "Has the ONNX file given one prediction for every label?", _predicted),
        ("finite", "Are the ONNX file's logits finite for every image?", _finite),
        basis=Basis.RECOMPUTED,
    ),
    *_compared(ONNX, "the ONNX file"),
    *_accuracy(
        "om",
        ("ids", "Has the OM given one prediction for every label?", _predicted),
        ("finite", "Is every output of the OM whole, of the right width, and finite?", _finite),
        basis=Basis.RECOMPUTED,
    ),
    *_compared("om", "the OM"),
    *_accuracy(
        "om",
        (
            "top1_error_pp",
            "Does the OM reach the published OM's Top-1 on the full data set?",
            partial(_om_published, 1),
        ),
        (
            "top5_error_pp",
            "Does the OM reach the published OM's Top-5 on the full data set?",
            partial(_om_published, 5),
        ),
        basis=Basis.RECOMPUTED,
        where=Where.DEVICE,
    ),
    *_gates(
        Stage.PERF,
        (
            ids.HOST_ONNX_TO_TORCH,
            "Is onnxruntime, measured in turn with torch, as quick as it should be?",
            _host_ratio,
        ),
        (
            ids.OM_PERF_READING,
            "Has the tool stated a throughput that is whole and does not contradict itself?",
            _reading,
        ),
        per_batch=True,
        basis=Basis.RECOMPUTED,
    ),
    *_gates(
        Stage.PERF,
        (ids.OM_PERF_DEVICE_IDLE, "Was the device free of other work before and after?", _idle),
        per_batch=True,
    ),
    *_gates(
        Stage.PERF,
        (ids.OM_PERF_FLOOR, "Is one chip as quick as the floor of its machine class?", _floor),
        (
            ids.OM_PERF_PLAUSIBLE,
            "Is the throughput one that the chip can reach, and not images counted twice?",
            _plausible,
        ),
        per_batch=True,
        where=Where.DEVICE,
        basis=Basis.RECOMPUTED,
    ),
)

BY_ID = {gate.id: gate for gate in INVENTORY}
COMPARED = frozenset(
    name.rpartition(".")[2] for name in BY_ID if name.startswith("onnx.accuracy.") and "drop" in name
) | frozenset(agreement.CHECKS)
"""Questions that hold a variant's predictions against the checkpoint's."""


def find(name: str) -> Gate:
    """The gate of a full id such as `om.accuracy.top1_drop_pp[bs16]`; KeyError when the inventory has none."""
    return BY_ID[GateId(name).gate]


def compared_variant(name: str) -> Variant | None:
    """The variant that a gate holds against the checkpoint, None for any other gate."""
    return GateId(name).variant if GateId(name).gate.rpartition(".")[2] in COMPARED else None


def applies(gate: Gate, asked: Asked) -> bool:
    """Whether this run asks the gate's question at all."""
    return {
        Where.ALWAYS: True,
        Where.SAMPLE: asked.spec.kind == "sample",
        Where.DEVICE: asked.on_device and (asked.spec.kind == "published" or bool(asked.spec.devices)),
    }[gate.where]


def expected(asked: Asked) -> tuple[GateId, ...]:
    """The full ids of every gate that an acceptance asks, in the order of the stages."""
    return tuple(
        gate.id.at(batch)
        for gate in INVENTORY
        if applies(gate, asked)
        for batch in (asked.spec.batches if gate.per_batch else (None,))
    )


def judge(name: str, evidence: Evidence) -> Check:
    """The answer of one gate, by its full id, from the evidence."""
    batch = GateId(name).batch
    return find(name).judge(evidence, 0 if batch is None else batch)


def in_order(names: Sequence[GateId]) -> list[GateId]:
    """Ids in the order of the inventory; those that it does not know come last."""
    order = {gate: place for place, gate in enumerate(BY_ID)}
    return sorted(names, key=lambda name: order.get(name.gate, len(order)))
