"""Files that are whole or absent: atomic writing, digests, and how many cores may work on them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
"""The repository's folder."""

SCRATCH_LOCK = ".scratch.lock"


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
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


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
