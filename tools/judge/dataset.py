"""Are these the images that the port asks for? By their ids, and by content where that is pinned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tools.judge.handover import handover
from tools.judge.shipped import holds_sample

if TYPE_CHECKING:
    from tools.judge.image_records import DatasetRecord
    from tools.judge.spec import Dataset, Spec


def other_images(ids: Sequence[str], images_sha256: str, asked: Dataset) -> bool:
    """Whether they are others; the ids of the spec are spelled out only where there are as many, for a spec may ask
    for any number."""
    found = set(ids)
    others = len(found) != asked.images.exactly or found != set(asked.ids())
    return others or asked.content_sha256 not in (None, images_sha256)


def incompleteness(ids: Sequence[str], images_sha256: str, asked: Dataset) -> str:
    """Why these are not the images that the spec asks for, empty when they are."""
    matched = handover("the port's data set", asked.ids(), "this one", ids)
    if not matched.conserved:
        return str(matched)
    if asked.content_sha256 not in (None, images_sha256):
        return f"the content is {images_sha256}, not {asked.content_sha256}"
    return ""


def foreign_ids(ids: Sequence[str], asked: Dataset) -> int:
    """How many ids are none of the spec's; 0 for the whole data set and for any part of it."""
    return sum(not _is_own(name, asked) for name in ids)


def _is_own(name: str, asked: Dataset) -> bool:
    prefix, last = asked.id_format.partition("{")[0], asked.id_format.format(int(asked.images.exactly))
    digits = name[len(prefix) :]
    if len(name) > len(last) or not digits.isdecimal():
        return False
    return 1 <= int(digits) <= asked.images.exactly and asked.id_format.format(int(digits)) == name


def all_by_name(data: DatasetRecord, asked: Dataset) -> bool:
    """Whether each image that the spec asks for is there, and no other, as far as names tell."""
    return data.foreign_ids == 0 and data.images == asked.images.exactly


def ports_own(data: DatasetRecord, spec: Spec) -> bool:
    """Whether the port's figures speak of these images, or of the whole that they are a part of.

    By content where it is pinned and all images are there, else by names. The embedded sample bears the names of
    ImageNet, of which it holds nothing.
    """
    if spec.kind != "sample" and (data.embedded_sample or holds_sample(None, data.images_sha256)):
        return False
    pinned = spec.dataset.content_sha256
    other_content = all_by_name(data, spec.dataset) and pinned not in (None, data.images_sha256)
    return data.foreign_ids == 0 and not other_content


def labels_sha256(labels: Mapping[str, int]) -> str:
    """Hex sha256 over the lines `<id> <label>`, sorted by id: of the labels, whatever file and order they came in."""
    digest = hashlib.sha256()
    for name in sorted(labels):
        digest.update(f"{name} {labels[name]}\n".encode())
    return digest.hexdigest()


def byte_equal(digests: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Ids of images with one digest, a group each, from id -> sha256 of an image's bytes."""
    of_digest: dict[str, list[str]] = {}
    for name in sorted(digests):
        of_digest.setdefault(digests[name], []).append(name)
    return tuple(tuple(names) for names in of_digest.values() if len(names) > 1)


def byte_equal_percent(data: DatasetRecord) -> float:
    """Images that are another one's copy, in percent of all; the first of each group is no copy."""
    return 100 * sum(len(names) - 1 for names in data.byte_equal) / max(1, data.images)
