"""Files that are whole or absent: atomic writing, digests, and how many cores may work on them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
"""The folder of the suite's own files: the checkout, or the package that pip has installed."""
PACKAGE = ".".join(__name__.split(".")[:-3])
"""The installed package that the suite's modules lie in; empty in a checkout, where they stand at the top."""
IMPORTED_FROM = ROOT.parent if PACKAGE else ROOT
"""The folder that imports of the suite's modules begin in."""
MADE_BELOW = Path() if PACKAGE else ROOT
"""Where files are written that no other place was named for: an installed package is left as it is."""

SCRATCH_LOCK = ".scratch.lock"

SETTLED_NS = 2 * 10**9
"""A change may hide behind the clock tick of the one before it (two seconds on FAT): how long a file must have rested
before its digest can stand for it."""
_known: dict[tuple[str | int, ...], str] = {}


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a private path beside `path`; it takes the final name only when the block ends without an error.

    The name is `.<name>.<pid>.partial`, so a crash leaves nothing that a later run could take for the result.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def owner_writes_only(path: Path) -> None:
    """Take the right to write from group and others, whatever the umask gave: tools refuse what others may change."""
    path.chmod(stat.S_IMODE(path.stat().st_mode) & ~(stat.S_IWGRP | stat.S_IWOTH))


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Yield a new folder for temporary files; it is removed at the end, those of killed runs at the start.

    A folder in use is known by the lock on a file in it, which the kernel undoes however its owner ends.
    """
    for lock in Path(tempfile.gettempdir()).glob(f"{prefix}*/{SCRATCH_LOCK}"):
        _remove_unless_locked(lock)
    with tempfile.TemporaryDirectory(prefix=prefix) as folder, (Path(folder) / "new").open("wb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        (Path(folder) / "new").rename(Path(folder) / SCRATCH_LOCK)
        yield Path(folder)


def md5_of(path: Path) -> str:
    """Hex md5 of a file: the digest in which checkpoints are published (not a security property)."""
    return _digest_of(path, "md5", lambda: hashlib.md5(usedforsecurity=False))


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file."""
    return _digest_of(path, "sha256", hashlib.sha256)


def _digest_of(path: Path, algorithm: str, new: Callable[[], hashlib._Hash]) -> str:
    """The digest; one that this process took of a settled file counts until the file changes in any way.

    The change time, which nobody can set, tells of every write, also of one that was made while the digest was taken.
    """
    with path.open("rb") as handle:
        found = os.fstat(handle.fileno())
        state = (algorithm, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if state in _known:
            return _known[state]
        settled = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > SETTLED_NS
        digest = hashlib.file_digest(handle, new).hexdigest()
    if settled:
        _known[state] = digest
    return digest


def cpu_count() -> int:
    """Cores this process may use (a container's affinity, not the machine's)."""
    return len(os.sched_getaffinity(0))


def _remove_unless_locked(lock: Path) -> None:
    try:
        with lock.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent)
    except OSError:  # in use, of another user, or just being removed by another run
        return
