"""Strict reading of what others made: flat folders and small text files, refused with one clear error."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Collection
from pathlib import Path

from tools.base.errors import StageError
from tools.base.printable import cut

MAX_TEXT_BYTES = 64 * 2**20
NAMED_AT_MOST = 5
_CR_ALONE = re.compile(r"\r(?!\n|$)")

Refusal = Callable[..., StageError]  # a StageError subclass with its gate already given


def flat_folder(folder: Path, wanted: Callable[[str], bool], refuse: Refusal, *, unit: str, hint: str) -> list[str]:
    """Names of the wanted files in a folder, sorted; refused when there is anything else or nothing.

    Hidden entries (journals, half files, `.DS_Store`) are not looked at. Sub-folders, files that are not wanted,
    dangling links and names that no text file can hold are refused by name: passing over them would lose data.
    """
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
            folders = [entry.name for entry in visible if entry.is_dir()]
            found = [entry.name for entry in visible if entry.is_file() and _is_plain(entry.name)]
    except OSError as error:
        raise refuse(f"cannot list the folder: {error.strerror}", where=error.filename or folder) from error
    if folders:
        raise refuse(
            f"{len(folders)} sub-folders where a flat folder is asked for: {some(folders)}", where=folder, fix=hint
        )
    names = sorted(name for name in found if wanted(name))
    unknown = {entry.name for entry in visible}.difference(names)
    if unknown:
        raise refuse(
            f"{len(unknown)} entries are not {unit}: {some(unknown)}", where=folder, fix=f"move them out; {hint}"
        )
    if not names:
        raise refuse(f"the folder holds no {unit}", where=folder, fix=hint)
    return names


def small_file(path: Path, most_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """The bytes of a file that nobody vouches for; OSError (EFBIG), before it is read, when there are more of them."""
    size = path.stat().st_size
    if size > most_bytes:
        raise OSError(errno.EFBIG, f"the file is too large: {size} bytes, at most {most_bytes} are read", str(path))
    return path.read_bytes()


def text_lines(path: Path, refuse: Refusal) -> list[str]:
    """The lines of a UTF-8 text file without line feeds; a byte order mark and blank lines at the end are dropped.

    Refused: not a regular file, more than MAX_TEXT_BYTES (before reading it), not UTF-8, nothing in it, or lines that
    end with a carriage return alone, which would all be one.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
            raise refuse(f"{kind} where a text file is asked for", where=path)
        if found.st_size > MAX_TEXT_BYTES:
            raise refuse(
                "the file is too large", where=path, measured=f"{found.st_size} bytes", allowed=f"{MAX_TEXT_BYTES}"
            )
        content = path.read_bytes()
    except OSError as error:
        raise refuse(f"cannot read the file: {error.strerror}", where=path) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse("not UTF-8 text", where=f"{path}:{line}", fix="save the file as UTF-8") from error
    if not text.strip():
        raise refuse("the file is empty", where=path)
    if alone := _CR_ALONE.search(text):
        raise refuse(
            "lines end with a carriage return (CR) alone",
            where=f"{path}:{text.count(chr(10), 0, alone.start()) + 1}",
            fix="save the file with LF line ends, e.g. by `tr '\\r' '\\n'`",
        )
    lines = text.split("\n")
    while not lines[-1].strip():
        lines.pop()
    return lines


def some(names: Collection[str], most: int = NAMED_AT_MOST) -> str:
    """The first few of some names, sorted and printable, and how many more there are."""
    shown = [name if name.isprintable() else ascii(name) for name in map(cut, sorted(names)[:most])]
    return ", ".join(shown) + (f", … {len(names) - most} more" if len(names) > most else "")


def _is_plain(name: str) -> bool:
    """No control characters, no bytes outside UTF-8 (surrogates): both would break label and info lines."""
    return name.isprintable()
