"""What acceptance.json keeps of the images: the data set, and their ids from step to step."""

from __future__ import annotations

from dataclasses import dataclass

from tools.judge.handover import Handover


@dataclass(frozen=True)
class DatasetRecord:
    """The labelled images: `gap` says why they are not those that the spec asks for, empty when they are.

    `embedded_sample` where any of them is the sample's, known by its bytes under any name.

    `labels_by_reference` says why a made sample's labels are its own checkpoint's predictions, empty where they are not
    (tools/sample/any_port.py). `ids_sha256` is taken over the ids joined by newlines, `images_sha256` over the bytes
    (tools/store/content.py), `labels_sha256` over the sorted lines `<id> <label>`. `foreign_ids` counts those that are
    none of the spec's, and `byte_equal` names, a group each, the images that are byte for byte the same.
    """

    images: int
    embedded_sample: bool
    limit: int | None
    ids_sha256: str
    images_sha256: str
    labels_sha256: str
    foreign_ids: int
    byte_equal: tuple[tuple[str, ...], ...]
    gap: str
    labels_by_reference: str = ""


@dataclass(frozen=True)
class HandoverFacts:
    """The ids on both sides of one hand-over: `step` is labels, images, bins, info, or a variant's name."""

    step: str
    handover: Handover
