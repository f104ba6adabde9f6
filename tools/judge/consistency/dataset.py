"""Are ids and labels whole, and does the record describe them?"""

from __future__ import annotations

import hashlib

from tools.judge.bundle import Bundle
from tools.judge.dataset import foreign_ids, labels_sha256, other_images
from tools.judge.files import Refused, short
from tools.judge.layout import FILE, IDS, LABELS


def check_dataset(bundle: Bundle) -> None:
    """Ids and labels are whole, and the record describes them."""
    recorded = bundle.record.dataset
    if recorded is None:
        return
    ids, labels, where = bundle.ids, bundle.labels, f"{FILE}.dataset"
    if len(set(ids)) != len(ids) or len(labels) != len(ids):
        raise Refused(f"{IDS} and {LABELS}: {len(ids)} ids, {len(set(ids))} different, {len(labels)} labels")
    classes = bundle.spec.classes
    if min(labels) < 0 or max(labels) >= classes:
        bundle.problems.append(f"{LABELS}: a label outside 0..{classes - 1}")
    bundle.compare(f"{where}.images", recorded.images, len(ids))
    if recorded.limit is not None:
        bundle.compare(f"{where}.limit", recorded.limit, len(ids))
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    bundle.compare(f"{where}.ids_sha256", recorded.ids_sha256, digest)
    offset = bundle.spec.model.label_offset
    bundle.compare(
        f"{where}.labels_sha256",
        recorded.labels_sha256,
        labels_sha256({name: label - offset for name, label in zip(ids, labels)}),
    )
    if recorded.labels_by_reference and bundle.spec.kind != "sample":
        bundle.problems.append(f"{where}.labels_by_reference: only a sample is labelled by its own checkpoint")
    bundle.compare(f"{where}.foreign_ids", recorded.foreign_ids, foreign_ids(ids, bundle.spec.dataset))
    _byte_equal(bundle, f"{where}.byte_equal", recorded.byte_equal)
    if bool(recorded.gap) != other_images(ids, recorded.images_sha256, bundle.spec.dataset):
        bundle.problems.append(f"{where}.gap: {short(recorded.gap)} does not fit the ids and the port")


def _byte_equal(bundle: Bundle, where: str, groups: tuple[tuple[str, ...], ...]) -> None:
    """Each group names several images of the data set, and no image stands in two."""
    named = [name for names in groups for name in names]
    whole = len(set(named)) == len(named) and set(named) <= set(bundle.ids)
    if not whole or any(len(names) < 2 for names in groups):
        bundle.problems.append(f"{where}: not groups of two and more images of the data set")
