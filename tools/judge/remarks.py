"""What stands beside a verdict without changing it: how far the checkpoint, the images and the recipe are known, and
what was made before the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tools.judge import handed_in
from tools.judge.atc_flags import precision_remark
from tools.judge.basis import MadeBy
from tools.judge.dataset import all_by_name, byte_equal_percent, ports_own
from tools.judge.handover import first_few
from tools.judge.label_order import OTHER_ORDER
from tools.judge.reference import departs, of_reference
from tools.judge.unseen import unseen_percent, wrong_bins_percent, wrong_labels_percent

if TYPE_CHECKING:
    from tools.judge.acceptance import Reused
    from tools.judge.basis import ReferenceProbe
    from tools.judge.facts import JpegFacts, ParityFacts, RecipeFacts, WeightFacts
    from tools.judge.handed_in import HandedIn
    from tools.judge.image_records import DatasetRecord
    from tools.judge.operators import OperatorFacts
    from tools.judge.prediction_records import ReferenceRecord, VariantRecord
    from tools.judge.spec import Spec

MOST_NAMED = 3

OWN_PREDICTIONS = "the labels are the reference's own predictions: accuracy of the reference says nothing"
HOST_THROUGHPUT, OM_THROUGHPUT = "host-throughput", "throughput-om"
TIMED = (HOST_THROUGHPUT, OM_THROUGHPUT)
MEASURED = ("predictions-", *TIMED)
"""Kinds of artifacts that are outputs or times, with what they begin."""


def remarks(
    spec: Spec,
    dataset: DatasetRecord | None,
    recipe: RecipeFacts | None,
    parity: ParityFacts | None = None,
    reference: VariantRecord | None = None,
    operators: OperatorFacts | None = None,
    reused: Sequence[Reused] = (),
    files: Sequence[HandedIn] = (),
    weights: WeightFacts | None = None,
    *,
    jpegs: JpegFacts | None = None,
    made: ReferenceRecord | None = None,
    probe: ReferenceProbe | None = None,
    on_device: bool = False,
) -> tuple[str, ...]:
    """The remarks in words; the same from a run's own records and from a bundle's. `reference` is the pth's record,
    `files` are those that were handed in, `made` says who has computed its predictions, `probe` how far that is
    confirmed here."""
    of_data: tuple[str, ...] = ()
    if dataset is not None:
        of_data = (
            *_images(spec, dataset),
            *_labels(spec, dataset),
            *_byte_equal(dataset),
            *_bins(dataset, parity),
            *_others(spec, dataset, reference),
        )
    arithmetic = (*_arithmetic(spec), *_precision(spec, on_device=on_device))
    own = (*handed_in.said(files), *_aipp(spec, files), *_weights(spec, weights), *arithmetic)
    own = (*own, *_decoder(spec, on_device=on_device), *_turned(jpegs))
    of_reference = _elsewhere(made, probe, 0 if dataset is None else dataset.images)
    said = (*_said(recipe), *_said(operators), *of_reference, *_reused(reused))
    return (*own, *_checkpoint(spec), *of_data, *said)


def _weights(spec: Spec, facts: WeightFacts | None) -> tuple[str, ...]:
    declared = spec.onnx.handed_in
    if facts is None or declared is None:
        return ()
    return handed_in.of_declared(facts.declared, declared.reason)


def _aipp(spec: Spec, files: Sequence[HandedIn]) -> tuple[str, ...]:
    """That nobody saw the AIPP file of an OM that was handed in."""
    if spec.preprocessing.aipp is None or all(file.is_onnx for file in files):
        return ()
    return ("the AIPP file that OMs handed in were made with was not seen: they are judged by their outputs",)


def _decoder(spec: Spec, *, on_device: bool) -> tuple[str, ...]:
    """What nobody can hold the OMs to where the chip decodes, and what stands for its decoder on the simulator."""
    recipe = spec.preprocessing
    if not recipe.is_jpeg:
        return ()
    height, width = recipe.pixels_size
    kept = isinstance(recipe.resize_px, int)
    whole = f", and it squeezes every picture into {width} x {height}, which the recipe does not" if kept else ""
    stands = "" if on_device else "; the simulator stands for it with Pillow's decoder and filter"
    return (
        f"JPEG input: the chip decodes and resizes (DVPP), by an arithmetic that is not known{whole}{stands}: no gate "
        "compares the OM's pixels or logits with the checkpoint's, the OMs are judged by the accuracy that they lose",
    )


def _turned(jpegs: JpegFacts | None) -> tuple[str, ...]:
    if jpegs is None or not jpegs.turned:
        return ()
    named = first_few(jpegs.turned, MOST_NAMED)
    return (
        f"{len(jpegs.turned)} images have an EXIF orientation, which the chip's decoder obeys and the recipe does not: "
        f"{named}",
    )


def _arithmetic(spec: Spec) -> tuple[str, ...]:
    """That the bounds are those of int8, and of what."""
    judged = [name for kind, name in (("onnx", "the ONNX file"), ("om", "the OMs")) if spec.is_int8(kind)]
    if not judged:
        return ()
    return (f"int8: {' and '.join(judged)} against the float checkpoint, by the bounds of agreement.int8",)


def _checkpoint(spec: Spec) -> tuple[str, ...]:
    asked = spec.checkpoint
    if asked.sha256 or asked.md5 or asked.sha256_prefix is None:
        return ()
    return (f"the checkpoint is pinned by the first {len(asked.sha256_prefix)} digits of its sha256 alone",)


def _precision(spec: Spec, *, on_device: bool) -> tuple[str, ...]:
    said = precision_remark(spec.om.atc_extra_args, on_device=on_device, fp16_bounds=not spec.is_int8("om"))
    return (said,) if said else ()


def _images(spec: Spec, dataset: DatasetRecord) -> tuple[str, ...]:
    if dataset.gap or spec.dataset.content_sha256 is not None:
        return ()
    return ("the images are known by their names alone, no digest of the data set is pinned",)


def _labels(spec: Spec, dataset: DatasetRecord) -> tuple[str, ...]:
    """What share of wrong labels nothing here could have told, where no digest tells them all."""
    if dataset.labels_by_reference:
        return (f"{OWN_PREDICTIONS} ({dataset.labels_by_reference})",)
    asked, whole = spec.dataset, all_by_name(dataset, spec.dataset)
    if not ports_own(dataset, spec) or (whole and (asked.content_sha256 or asked.labels_sha256)):
        return ()
    published, error = of_reference(spec.accuracy, 1)
    if published is None:
        return ("no digest of the labels is pinned and nobody published an accuracy: wrong labels could pass unseen",)
    unseen = wrong_labels_percent(published, error, dataset.images, asked.classes, whole=whole)
    why = f"nothing pins them, and {dataset.images} images tell no fewer"
    return (f"up to {unseen:.2g} % of the labels could be wrong unseen: {why}",)


def _byte_equal(dataset: DatasetRecord) -> tuple[str, ...]:
    if not dataset.byte_equal:
        return ()
    named = first_few(tuple(" and ".join(names[:MOST_NAMED]) for names in dataset.byte_equal), MOST_NAMED)
    return (f"{byte_equal_percent(dataset):.2g} % of the images are byte for byte another one: {named}",)


def _bins(dataset: DatasetRecord, parity: ParityFacts | None) -> tuple[str, ...]:
    """What share of wrong bins those that were compared could have missed."""
    looked_at = 0 if parity is None else len(parity.looked_at)
    if not 0 < looked_at < dataset.images:
        return ()
    unseen = wrong_bins_percent(looked_at, dataset.images)
    compared = f"bins of {looked_at} of {dataset.images} images were compared with a library's transforms"
    return (f"{compared}: wrong ones of fewer than {unseen:.2g} % of the images could pass unseen (95 %)",)


def _others(spec: Spec, dataset: DatasetRecord, reference: VariantRecord | None) -> tuple[str, ...]:
    """On images that the published accuracy does not speak of, one far from it is worth a look and proves nothing."""
    published, error = of_reference(spec.accuracy, 1)
    of_sample = dataset.embedded_sample and spec.kind != "sample"
    if reference is None or published is None or of_sample or ports_own(dataset, spec):
        return ()
    measured = reference.accuracy[0]
    apart = departs(measured, published, error, min(measured.images, spec.dataset.classes))
    if not apart:
        return ()
    seen = f"Top-1 of the checkpoint is {measured.percent:.3f} % on these images, {published.value} % was published"
    return (f"{seen} on others" + (f": {OTHER_ORDER}, or these images are harder" if apart == -1 else ""),)


def _said(facts: RecipeFacts | OperatorFacts | None) -> tuple[str, ...]:
    return () if facts is None or not facts.remark else (facts.remark,)


def _elsewhere(made: ReferenceRecord | None, probe: ReferenceProbe | None, images: int) -> tuple[str, ...]:
    """Whose predictions of the checkpoint these are where this run's CPU has not made them, and how sure that is."""
    if made is None or made.made_by is MadeBy.CPU:
        return ()
    whose, taken = f"reference predictions of {made.made_by}", made.taken
    if taken is not None:
        host = f"{taken.host.cpu_model}, {taken.host.cores} cores, {taken.host.system}"
        whose = f"reference predictions of another run, {taken.run}, made {taken.finished_utc} on a host with {host}"
    again = 0 if probe is None else len(probe.ids)
    if not again:
        return (f"{whose}, {made.device}; none was computed again here",)
    said = f"{whose}, {made.device}; {again} of {images} were computed again here on the CPU"
    if again >= images:
        return (said,)
    unseen = unseen_percent(again, images)
    return (f"{said}: wrong ones of fewer than {unseen:.2g} % of the images could pass unseen (95 %)",)


def _reused(reused: Sequence[Reused]) -> tuple[str, ...]:
    """What this run has not made itself: outputs and times by kind with the date of the oldest (of times also with its
    host), the others counted."""
    oldest: dict[str, str] = {}
    where: dict[str, str] = {}
    for entry in sorted(reused, key=lambda entry: entry.made_utc, reverse=True):
        kind = entry.name.partition("/")[0]
        oldest[kind if kind.startswith(MEASURED) else ""] = entry.made_utc
        where[kind] = f" on a host with {entry.made_on}" if kind.startswith(TIMED) and entry.made_on else ""
    others = sum(not entry.name.startswith(MEASURED) for entry in reused)
    words = [f"{kind} made {oldest[kind]}{where[kind]}" for kind in sorted(oldest) if kind]
    words += [f"{others} other artifacts, the oldest made {oldest['']}"] if others else []
    return (f"reused from earlier runs: {'; '.join(words)}",) if words else ()
