"""Where a run leaves its evidence: in a folder that was named, or in one of its own, beside a link to the newest."""

from __future__ import annotations

import fcntl
import os
import re
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tools.judge.files import EARLIER, LATEST
from tools.judge.layout import MANIFEST, SIGNATURE

STAMP = "%Y%m%dT%H%M%SZ"
RUN_FOLDER = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
LEFTOVER = "partial"
DIGITS_OF_RUN = 8


@dataclass(frozen=True)
class Place:
    """The `folder` that the evidence gets; with `latest`, a link that leads to the run which began or ended last.

    The link leads nowhere while that run goes on, and when it left nothing: what an earlier run has found out never
    stands where the evidence of this one is expected.
    """

    folder: Path
    latest: Path | None = None

    @property
    def own(self) -> bool:
        """Whether the folder is the run's own, which no other run takes."""
        return RUN_FOLDER.fullmatch(self.folder.name) is not None

    def leftovers(self) -> list[Path]:
        """Hidden folders that runs have left beside it: of this very name, or of any run's own folder."""
        beside = self.folder.parent.glob(f".*.{LEFTOVER}" if self.own else f".{self.folder.name}.*.{LEFTOVER}")
        return [path for path in beside if not self.own or RUN_FOLDER.fullmatch(path.name.split(".")[1])]

    def others(self) -> list[Path]:
        """The folders of other runs here, the newest first: of their own, or moved aside from this very place."""
        aside = re.compile(rf"{re.escape(self.folder.name + EARLIER)}\d{{8}}T\d{{6}}Z(-\d+)?")
        name = RUN_FOLDER if self.own else aside
        found = [path for path in self.folder.parent.iterdir() if name.fullmatch(path.name) and path != self.folder]
        return sorted(found, key=_by_time, reverse=True)

    def point(self) -> None:
        """Let `latest` lead here in one step: whoever reads it meanwhile finds one run or the other."""
        if self.latest is None:
            return
        new = self.latest.with_name(f".{self.latest.name}.{uuid.uuid4().hex}")
        new.symlink_to(self.folder.name)
        try:
            new.replace(self.latest)
        finally:
            new.unlink(missing_ok=True)


def own_place(root: Path, run: str, now: datetime) -> Place:
    """A folder below `root` for this run alone, named by when it began (UTC) and by the beginning of its name."""
    return Place(root / f"{now.strftime(STAMP)}-{run[:DIGITS_OF_RUN]}", root / LATEST)


def hidden(folder: Path, pid: int) -> Path:
    """The folder beside it in which a process works on what nobody is to look at."""
    return folder.with_name(f".{folder.name}.{pid}.{LEFTOVER}")


def hold(folder: Path, until: ExitStack) -> None:
    """Say that this process uses a folder, however it is renamed; the kernel takes that back when the process ends."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    until.callback(os.close, handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
    except OSError:  # a file system without such locks: whoever asks is told that nobody knows
        return


def held(folder: Path) -> bool:
    """Whether any process has said that it uses the folder; OSError where the file system cannot tell."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def unknown_files(folder: Path) -> list[str]:
    """Files of a bundle's folder that no bundle put there."""
    manifest = folder / MANIFEST
    lines = manifest.read_text(encoding="utf-8").splitlines() if manifest.is_file() else []
    ours = {MANIFEST, SIGNATURE, *(line.partition("  ")[2] for line in lines)}
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(name for name in files if name not in ours)


def _by_time(path: Path) -> tuple[str, int, str]:
    """By the second in the name; those that were moved aside in one second are numbered."""
    stamp, _, rest = path.name.rpartition("Z")
    number = rest.removeprefix("-")
    return stamp, int(number) if len(number) < DIGITS_OF_RUN and number.isdecimal() else 0, number
