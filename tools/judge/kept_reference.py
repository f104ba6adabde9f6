"""Does what a bundle says of the checkpoint's predictions fit all else in it, and are the logits that it keeps they?"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Iterator

from tools.judge.basis import DeviceKind, ReferenceBasis, recipe_words
from tools.judge.bundle import Bundle
from tools.judge.bundle_record import SCORE_CODES
from tools.judge.differences import differences
from tools.judge.evidence import NoEvidence
from tools.judge.files import short
from tools.judge.ids import PTH
from tools.judge.layout import FILE, REFERENCE_LOGITS
from tools.judge.prediction_records import ReferenceRecord


def check_reference(bundle: Bundle) -> None:
    """Collect in `bundle.problems` whatever does not fit."""
    record = bundle.record
    if record.reference is not None:
        bundle.problems += _whose(record.reference)
    if record.reference_basis is not None:
        bundle.problems += _basis(bundle, record.reference_basis)
    probe = record.reference_probe
    if probe is not None and (probe.image not in probe.ids or probe.largest < 0):
        bundle.problems.append(f"{FILE}.reference_probe: {probe.largest:g} of {short(probe.image)} is no largest error")
    if probe is not None and record.dataset is not None:
        try:
            bundle.reference_probe()
        except NoEvidence as error:
            bundle.problems.append(f"{FILE}.reference_probe: {error}")
    if REFERENCE_LOGITS in bundle.files.digests:
        bundle.problems += _logits(bundle)


def _whose(record: ReferenceRecord) -> Iterator[str]:
    """What is said of the device is said of the one that made the predictions."""
    if record.taken is not None and record.device != record.taken.device:
        yield f"{FILE}.reference.device: not the device of what was taken"
    if (record.device.kind is DeviceKind.CUDA) != bool(record.device.cuda):
        yield f"{FILE}.reference.device.cuda: {short(record.device.cuda)} does not fit a device {record.device.kind}"


def _basis(bundle: Bundle, basis: ReferenceBasis) -> Iterator[str]:
    """The basis is that of this bundle: what it names stands in the record again."""
    where, record, spec = f"{FILE}.reference_basis", bundle.record, bundle.spec
    said: dict[str, object] = {
        "classes": spec.classes,
        "output": spec.onnx.judged_output,
        "recipe": recipe_words(spec.preprocessing),
    }
    if "checkpoint" in bundle.digests:
        said["checkpoint_sha256"] = bundle.digests["checkpoint"].sha256
    if record.dataset is not None:
        said.update(images=record.dataset.images, ids_sha256=record.dataset.ids_sha256)
    if record.spec is not None:
        said["network"] = {name: record.spec.code.get(name, "none") for name in basis.network}
        if basis.network.get("model") != spec.model.source:
            yield f"{where}.network: {short(basis.network.get('model'))} is not the port's {spec.model.source}"
    for name, ours in said.items():
        yield from differences(getattr(basis, name), ours, f"{where}.{name}")


def _logits(bundle: Bundle) -> Iterator[str]:
    """Row by row: the five best of the logits are the predictions that are kept of the checkpoint."""
    if PTH not in bundle.variants:
        yield f"{REFERENCE_LOGITS}: logits of a checkpoint of which no predictions are kept"
        return
    top, places = bundle.top_five(PTH), bundle.spec.places
    counted = 0
    for number, row in enumerate(bundle.files.rows(REFERENCE_LOGITS, SCORE_CODES, bundle.spec.classes)):
        counted += 1
        if counted > top.images:
            continue
        classes = [column[number] for column in top.columns]
        scores = list(top.scores[number * places : (number + 1) * places])
        if not math.isfinite(sum(row)) or _best(row, places) != (classes, scores):
            yield f"{REFERENCE_LOGITS}: the best of image {short(bundle.ids[number])} are not its kept predictions"
            return
    if counted != top.images:
        yield f"{REFERENCE_LOGITS}: {counted} rows for {top.images} images"


def _best(row: array[float], places: int) -> tuple[list[int], list[float]]:
    """The classes of the highest logits, best first, ties by the lowest class, and these logits."""
    scores = heapq.nlargest(places, row)
    if len(set(scores)) == places:  # the first place of a score is that of its lowest class
        return [row.index(score) for score in scores], scores
    classes = sorted(range(len(row)), key=lambda name: (-row[name], name))[:places]
    return classes, [row[name] for name in classes]
