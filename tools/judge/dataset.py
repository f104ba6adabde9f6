"""Are these the images that the port asks for? By their ids, and by content where that is pinned."""

from __future__ import annotations

from collections.abc import Sequence

from tools.judge.handover import handover
from tools.judge.spec import Dataset


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
