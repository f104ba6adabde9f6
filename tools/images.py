"""The photographs: one flat folder, one id each."""

from __future__ import annotations

import functools
from pathlib import Path

from tools.errors import PreprocessingError
from tools.labels import image_id
from tools.reading import flat_folder, some

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
LAYOUT = (
    "images lie side by side in one folder, as in the guide, and get their class from the label file; "
    "class folders (the ImageFolder layout) are not read"
)

_refuse = functools.partial(PreprocessingError, gate="preprocessing.images")


def list_images(folder: Path) -> dict[str, Path]:
    """id -> path of the images in a folder, sorted by id; the extension (any case) is told from the name alone.

    PreprocessingError for a missing, unreadable or empty folder, for sub-folders, for other files (named: an image
    with an odd extension would otherwise be lost), and for two files with one id (both named).
    """
    names = flat_folder(folder, is_image_name, _refuse, unit=f"images ({' '.join(SUFFIXES)})", hint=LAYOUT)
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


def is_image_name(name: str) -> bool:
    """True for a name with one of the extensions of an image, in any case."""
    return name.lower().endswith(SUFFIXES)
