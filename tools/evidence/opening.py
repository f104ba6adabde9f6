"""A run's evidence begins: what stands where it is expected is moved aside, what killed runs left is cleared."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tools.evidence.aside import set_aside
from tools.evidence.pieces import EvidenceError
from tools.evidence.place import Place, held, hidden, hold, unknown_files
from tools.evidence.scrub import Scrubber
from tools.evidence.staging import Staging
from tools.judge.layout import FILE


def open_staging(
    place: Path,
    scrub: Scrubber,
    pid: int | None = None,
    *,
    judges: bool = True,
    latest: Path | None = None,
    uses: Sequence[Path] = (),
) -> Staging:
    """Begin a run's evidence: clear what killed runs left beside `place`, and make the folder of its pieces.

    `pid` is that of the process that reports, None for this one; its workers name it to share one folder. The bundle of
    an earlier run is moved aside, unless this run `judges` nothing by its very purpose; `latest` then leads here, which
    is nowhere until the evidence is whole. No other run removes what this one `uses`.
    EvidenceError for a folder that is no bundle, and where nothing can be written.
    """
    where, folder, holds = Place(place, latest), hidden(place, pid or os.getpid()), ExitStack()
    try:
        _refuse_what_is_no_bundle(place)
        earlier = _make_way(where) if judges and pid is None else None
        for leftover in where.leftovers():
            if not _alive(leftover, ours=folder):
                shutil.rmtree(leftover, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=pid is not None)
        for used in (folder, *uses) if pid is None else ():
            hold(used, holds)
        if judges and pid is None:
            where.point()
    except OSError as error:
        raise EvidenceError(
            f"evidence cannot be written here: {error}", where=place, fix="name another folder with --evidence"
        ) from error
    return Staging(place, folder, scrub, earlier, latest, holds)


def _make_way(place: Place) -> Path | None:
    """Move aside what stands where this run's evidence is expected, which is returned; None where nothing does.

    Before runs had folders of their own, the folder around them was the evidence of the last one.
    """
    root = place.folder.parent
    return set_aside(root if place.latest is not None and (root / FILE).is_file() else place.folder)


def _refuse_what_is_no_bundle(place: Path) -> None:
    """EvidenceError for a file, and for a folder with files that no bundle put there."""
    if os.path.lexists(place) and not place.is_dir():
        raise EvidenceError("this is a file, evidence is a folder", where=place, fix="name another with --evidence")
    if place.is_dir() and any(place.iterdir()) and not (place / FILE).is_file():
        raise EvidenceError(
            f"this folder holds files but no {FILE}, and evidence takes the whole folder",
            where=place,
            fix="name an empty or new folder with --evidence",
        )
    if place.is_dir() and (unknown := unknown_files(place)):
        raise EvidenceError(
            f"{unknown[0]} is no file of the evidence, and evidence takes the whole folder",
            where=place,
            fix="move them, or name another folder with --evidence",
        )


def _alive(leftover: Path, *, ours: Path) -> bool:
    """Whether the run that made this goes on. A run with our own number was killed (a container counts from 1), but for
    others of this very process, which hold their folders."""
    pid = leftover.name.split(".")[-2]
    if pid.isdecimal() and int(pid) != os.getpid() and Path("/proc", pid).exists():
        return True
    with contextlib.suppress(OSError):
        return leftover != ours and held(leftover)
    return False
