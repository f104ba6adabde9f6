"""One fuzz target: a parser behind its public door, and what it may do with any bytes whatever."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MEMORY_FOLDER = Path("/dev/shm")
"""Files that a parser must read by path are kept off the disk, where the host has such a place."""
LONGEST_MESSAGE = 5_000
"""Characters of an error: hostile input is quoted in part, never as a whole."""

Case = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """A parser to be fuzzed.

    `case` hands bytes to it; `documented` are the only exceptions that may come back. `modules` are instrumented, and
    their coverage is reported. `seeds` makes real examples; `words` go into libFuzzer's dictionary.
    """

    name: str
    case: Case
    documented: tuple[type[Exception], ...]
    modules: tuple[str, ...]
    seeds: Callable[[], tuple[bytes, ...]]
    longest_bytes: int
    words: tuple[str, ...] = ()


class Overlong(AssertionError):
    """An error message that quotes hostile input at length."""


def run_case(target: Target, data: bytes) -> None:
    """One case: a documented exception of bounded length is an answer, anything else goes up as a finding."""
    try:
        target.case(data)
    except target.documented as error:
        length = len(str(error))
        if length > LONGEST_MESSAGE:
            raise Overlong(f"an error of {length} characters: {str(error)[:200]}") from error


def text_of(data: bytes) -> str:
    """Bytes as the suite decodes what tools print."""
    return data.decode("utf-8", "replace")


@functools.cache
def scratch_folder(name: str) -> Path:
    """A folder in memory of this process and name, so that a case costs no disk."""
    base = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None
    place = Path(_kept_folder(base).name) / name
    place.mkdir()
    return place


def scratch_file(name: str, data: bytes) -> Path:
    """A file in memory with this content, overwritten by the next case."""
    path = scratch_folder("files") / name
    path.write_bytes(data)
    return path


@functools.cache
def _kept_folder(base: Path | None) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fuzz-", dir=base)
