"""A labelled set of images: labels and image files joined by id, none without the other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tools.base.errors import PreprocessingError
from tools.base.reading import some
from tools.data.images import list_images
from tools.data.labels import read_labels
from tools.judge.handover import Handover, handover
from tools.judge.ids import PREPROCESSING_IDS, PREPROCESSING_IMAGES, PREPROCESSING_LABELS
from tools.store import content


@dataclass(frozen=True)
class LabelledImages:
    """`images` (id -> path) and `labels` (id -> class) hold the same ids, sorted; `handover` says how they matched."""

    images: dict[str, Path]
    labels: dict[str, int]
    label_file: Path
    handover: Handover
    limited: bool

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids in the order in which everything downstream keeps them."""
        return tuple(self.images)

    @property
    def ids_sha256(self) -> str:
        """Digest of the ids in use (a limit leaves the folder's files as they are)."""
        return hashlib.sha256("\n".join(self.ids).encode()).hexdigest()


def read_dataset(images: Path, labels: Path, *, classes: int, limit: int | None) -> LabelledImages:
    """Read a folder of images and its label file, the first `limit` ids where a limit is given.

    PreprocessingError with gate `preprocessing.ids` when an image has no label or a label no image.
    """
    files, classes_by_id = list_images(images), read_labels(labels, classes=classes)
    matched = handover("labels", classes_by_id, "images", files)
    if not matched.conserved:
        raise PreprocessingError(
            f"labels and images do not belong together: {matched}",
            gate=PREPROCESSING_IDS,
            where=f"{labels} and {images}",
            fix="every image needs exactly one label line and every line its image",
        )
    ids = sorted(files)[:limit]
    return LabelledImages(
        images={name: files[name] for name in ids},
        labels={name: classes_by_id[name] for name in ids},
        label_file=labels,
        handover=matched,
        limited=limit is not None and limit < len(files),
    )


def dataset_digests(dataset: LabelledImages, *, classes: int) -> dict[str, str]:
    """File name -> sha256 of every image and of the label file, which still holds the labels that were read from it.

    PreprocessingError when a file cannot be read, or the labels were edited meanwhile: the digest would name others.
    """
    try:
        digests = content.file_digests([*dataset.images.values(), dataset.label_file])
    except OSError as error:
        raise PreprocessingError(f"cannot be read: {error}", gate=PREPROCESSING_IMAGES) from error
    now = read_labels(dataset.label_file, classes=classes)
    changed = [name for name, label in dataset.labels.items() if now.get(name) != label]
    if changed:
        raise PreprocessingError(
            f"{len(changed)} of {len(dataset.labels)} labels changed while the run was using them: {some(changed)}",
            gate=PREPROCESSING_LABELS,
            where=dataset.label_file,
            fix="run again when the file is at rest",
        )
    return digests
