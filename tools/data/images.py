"""The photographs: one flat folder, one id each."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from tools.base.errors import PreprocessingError
from tools.base.reading import flat_folder, some
from tools.data.labels import image_id
from tools.judge.ids import PREPROCESSING_IMAGES

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
LAYOUT = (
    "images lie side by side in one folder, as in the guide, and get their class from the label file; "
    "class folders (the ImageFolder layout) are not read"
)

LONGEST_ID_BYTES = 200
"""A file name has 255 bytes at most; bins, dumps and half-written files add up to 40 of their own to the id."""

_refuse = functools.partial(PreprocessingError, gate=PREPROCESSING_IMAGES)


def list_images(folder: Path) -> dict[str, Path]:
    """id -> path of the images in a folder, sorted by id; the extension (any case) is told from the name alone.

    PreprocessingError for a missing, unreadable or empty folder, for sub-folders, for other files (named: an image
    with an odd extension would otherwise be lost), and for two files with one id (both named).
    """
    names = flat_folder(folder, is_image_name, _refuse, unit=f"images ({' '.join(SUFFIXES)})", hint=LAYOUT)
    _refuse_long(names, folder)
    by_id: dict[str, str] = {}
    twins: list[str] = []
    for name in names:
        other = by_id.setdefault(image_id(name), name)
        if other != name:
            twins.append(f"{other} and {name}")
    if twins:
        raise _refuse(
            f"{len(twins)} ids belong to two files: {some(twins)}",
            where=folder,
            fix="an id is the file name without its last extension; rename or remove one of the two",
        )
    return {key: folder / by_id[key] for key in sorted(by_id)}


def _refuse_long(names: list[str], folder: Path) -> None:
    sizes = {name: len(os.fsencode(image_id(name))) for name in names}
    long = [name for name in names if sizes[name] > LONGEST_ID_BYTES]
    if long:
        raise _refuse(
            f"{len(long)} ids are too long for what is named after them: {some(long, most=1)}",
            where=folder,
            measured=f"{max(sizes.values())} bytes",
            allowed=f"{LONGEST_ID_BYTES} bytes",
            fix="rename these images, in the label file too",
        )


def is_image_name(name: str) -> bool:
    """True for a name with one of the extensions of an image, in any case."""
    return name.lower().endswith(SUFFIXES)
