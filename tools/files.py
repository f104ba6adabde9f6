"""Files that are whole or absent: atomic writing, digests, and how many cores may work on them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
