"""Where bundles lie below the folders that were named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from tools.base.errors import SuiteError
from tools.judge.layout import FILE, MANIFEST


def bundle_folders(places: Sequence[Path]) -> list[Path]:
    """Every folder below `places` that holds a bundle or what is left of one, each once, in order of their names.

    Links to folders are not followed (`latest` names a bundle that lies beside it), hidden folders are those of runs
    that have not ended, and below a bundle there are no others. SuiteError for a place that is no folder or holds none,
    and for a folder that cannot be looked into: the newest run may lie there.
    """
    found: dict[Path, Path] = {}
    for place in places:
        if not place.is_dir():
            raise SuiteError("no such folder", where=place, fix="name folders with bundles below them")
        below = sorted(_below(place))
        if not below:
            raise SuiteError(f"no bundle ({FILE}) lies below", where=place, fix="name the folder that runs write into")
        for folder in below:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def files_named(places: Sequence[Path], name: str) -> list[Path]:
    """Every plain file of this name below `places`, each once; those in bundles and in hidden folders are none."""
    found = (folder / name for place in places for folder, files in _walk(place) if name in files)
    return list({path.resolve(): path for path in sorted(found) if path.is_file()}.values())


def _below(place: Path) -> Iterator[Path]:
    return (folder for folder, files in _walk(place) if _is_bundle(files))


def _walk(place: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders with the names of their files; not into bundles, links and hidden folders."""
    for folder, names, files in os.walk(place, onerror=_refuse):
        if _is_bundle(files):
            names.clear()
        yield Path(folder), files
        names[:] = [name for name in names if not name.startswith(".")]


def _is_bundle(files: Sequence[str]) -> bool:
    return FILE in files or MANIFEST in files


def _refuse(error: OSError) -> NoReturn:
    fix = "make it readable, or name folders beside it"
    raise SuiteError(f"cannot look into this folder: {error.strerror}", where=error.filename, fix=fix) from error
