"""A file's bytes read once and sealed: what is digested is what is loaded, whoever writes to the file meanwhile.

The bytes go into a file without a name, in memory, which the kernel lets nobody change any more. torch maps it instead
of reading it, so that a checkpoint of 2.5 GB takes 2.5 GB and not twice as much.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 2**20
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK


@dataclass(frozen=True)
class Sealed:
    """The bytes of a file: `path` is the file they came from, `digests` were taken while they were read."""

    path: Path
    handle: BinaryIO
    size_bytes: int
    digests: dict[str, str]

    @property
    def place(self) -> str:
        """Where the sealed bytes can be opened by a name, while they are held."""
        return f"/proc/self/fd/{self.handle.fileno()}"

    def head(self, count: int) -> bytes:
        """The first bytes."""
        return os.pread(self.handle.fileno(), count, 0)


@contextmanager
def sealed(path: Path, digests: Mapping[str, hashlib._Hash]) -> Iterator[Sealed]:
    """Hold a file's bytes; what was mapped of them stays readable afterwards.

    OSError when it cannot be read, or is larger than all the memory that there is.
    """
    descriptor = os.memfd_create("checkpoint", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(descriptor, "r+b") as handle:
        size = 0
        with path.open("rb", buffering=0) as source:
            _require_room(os.fstat(source.fileno()).st_size)
            while chunk := source.read(CHUNK_BYTES):
                size += len(chunk)
                _require_room(size)
                for digest in digests.values():
                    digest.update(chunk)
                _write(descriptor, chunk)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
        handle.seek(0)
        yield Sealed(path, handle, size, {name: digest.hexdigest() for name, digest in digests.items()})


def memory_bytes() -> int:
    """How much memory this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _require_room(size_bytes: int) -> None:
    if size_bytes > memory_bytes():
        raise OSError(errno.EFBIG, f"{size_bytes} bytes are more than this machine's memory")


def _write(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
