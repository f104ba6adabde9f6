"""Older folders of evidence that are removed because a number to keep was named, and never anything else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from tools.evidence.place import Place, held, hidden, unknown_files
from tools.evidence.record_file import read_acceptance
from tools.judge.layout import FILE, MANIFEST, SIGNATURE


def prune(place: Place, keep: int, gates: int, used: Collection[Path] = ()) -> list[str]:
    """Keep the newest `keep` folders of evidence at this place, this run's among them; a line says what was removed.

    What lies there by the name of one and is none, is signed, decided more than the `gates` of this run, is one of
    `used`, or is in use by a process that goes on, is left, and the line says why.
    """
    removed: list[str] = []
    left: list[str] = []
    for folder in place.others()[keep - 1 :]:
        try:
            why = _why_not(folder, gates, used)
            if not why:
                _remove(folder)
        except (OSError, ValueError) as error:
            why = str(error)
        (left if why else removed).append(f"{folder.name} ({why})" if why else folder.name)
    lines = [f"removed by --keep {keep}: {', '.join(removed)}"] if removed else []
    return [*lines, *([f"older than --keep {keep} and left: {', '.join(left)}"] if left else [])]


def _why_not(folder: Path, gates: int, used: Collection[Path]) -> str:
    """Why a folder is not removed, empty where it is; ValueError where its record cannot be read."""
    if folder.is_symlink() or not folder.is_dir():
        return "no folder"
    if not (folder / FILE).is_file() or not (folder / MANIFEST).is_file():
        return f"no {FILE} with its {MANIFEST}"
    if unknown := unknown_files(folder):
        return f"{unknown[0]} is no file of the evidence"
    if (folder / SIGNATURE).exists():
        return "signed"
    if folder.resolve() in used or held(folder):
        return "in use"
    decided = len(read_acceptance(folder).gates)
    return f"{decided} gates, and this run decided {gates}" if decided > gates else ""


def _remove(folder: Path) -> None:
    """First out of sight in one step, so that nobody finds half of it; what is left of that the next run removes."""
    going = hidden(folder, os.getpid())
    folder.rename(going)
    shutil.rmtree(going)
