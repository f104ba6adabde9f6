"""A bundle's files: held against the manifest, and read with nothing but the standard library."""

from __future__ import annotations

import array
import ast
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.judge import strict_json
from tools.judge.layout import MANIFEST, SIGNATURE

LARGEST_FILE_BYTES, LARGEST_READ_BYTES = 4_000_000_000, 200_000_000
LONGEST_NPY_HEADER = 10 + 4096
LATEST = "latest"
"""The link beside the folders of runs that leads to the newest one."""
EARLIER = ".earlier-"
"""What stands between the name of a bundle that was moved aside and the time when a later run began."""


class Refused(Exception):
    """A bundle that is damaged or not understood: nothing can be judged."""


def read_json(content: bytes, where: str) -> Any:  # noqa: ANN401 - any JSON
    """A JSON document; Refused names it when it is none that a bundle holds."""
    if len(content) > LARGEST_READ_BYTES:
        raise Refused(f"{where}: {len(content)} bytes are more than any bundle holds")
    try:
        return strict_json.parse(content)
    except ValueError as error:
        raise Refused(f"{where}: not the JSON of a bundle: {error}") from error


def short(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True)
class Files:
    """A bundle's folder, whose files have been held against its manifest."""

    folder: Path
    digests: dict[str, str]
    manifest_sha256: str

    def read(self, name: str) -> bytes:
        """The content of a file that the manifest names; what is read is what was digested."""
        if name not in self.digests:
            raise Refused(f"{name} is missing")
        content = read_whole(self.folder / name)
        if hashlib.sha256(content).hexdigest() != self.digests[name]:
            raise Refused(f"{name} was changed after the manifest was written")
        return content

    def rows(self, name: str, kinds: dict[str, str], columns: int) -> Iterator[array.array[Any]]:
        """The rows of an .npy file of any size, one at a time; Refused at its end where the bytes are not those that
        were digested."""
        if name not in self.digests:
            raise Refused(f"{name} is missing")
        digest, path = hashlib.sha256(), self.folder / name
        with path.open("rb") as handle:
            head = handle.read(LONGEST_NPY_HEADER)
            code, count, start = _npy_header(head, name, kinds, columns)
            digest.update(head[:start])
            handle.seek(start)
            width = columns * array.array(code).itemsize
            _require_size(name, path.stat().st_size - start, count, width)
            for _ in range(count):
                row = handle.read(width)
                digest.update(row)
                yield _values(row, code)
        if digest.hexdigest() != self.digests[name]:
            raise Refused(f"{name} was changed after the manifest was written")

    def json(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """A JSON file, read strictly."""
        return read_json(self.read(name), name)


def read_whole(path: Path) -> bytes:
    """The content of a file, refused by its size before it is read into memory."""
    size = path.stat().st_size
    if size > LARGEST_READ_BYTES:
        raise Refused(f"{path.name}: {size} bytes are more than the {LARGEST_READ_BYTES} that any bundle holds")
    return path.read_bytes()


def check_manifest(folder: Path) -> tuple[Files, list[str]]:
    """Hold every file of the folder against MANIFEST.sha256; the problems name each file."""
    if not folder.is_dir():
        raise Refused(_no_folder(folder))
    manifest = folder / MANIFEST
    if not manifest.is_file() or manifest.is_symlink():
        below = f"; runs have folders of their own in it: {LATEST}" if (folder / LATEST).is_symlink() else ""
        raise Refused(f"{MANIFEST} is missing: this is no whole bundle{below}")
    content = read_whole(manifest)
    named = _manifest_lines(content)
    found, odd = _files_below(folder)
    huge = sorted(name for name in found if (folder / name).stat().st_size > LARGEST_FILE_BYTES)
    if huge:
        raise Refused(f"{huge[0]} is larger than the {LARGEST_FILE_BYTES} bytes that any file of a bundle has")
    problems = [f"{name} is no plain file" for name in odd]
    problems += [f"{name} is missing" for name in sorted(named.keys() - found)]
    problems += [f"{name} is not in the manifest" for name in sorted(found - named.keys())]
    problems += [
        f"{name} was changed after the manifest was written"
        for name in sorted(found & named.keys())
        if _sha256_of(folder / name) != named[name]
    ]
    return Files(folder, named, hashlib.sha256(content).hexdigest()), problems


def _no_folder(folder: Path) -> str:
    """Why nothing is there: the link to the newest run leads nowhere until that run has left its evidence."""
    if not folder.is_symlink():
        return "no such folder"
    return f"this link leads to {short(os.readlink(str(folder)))}: that run goes on, or it has left no evidence"


def _manifest_lines(content: bytes) -> dict[str, str]:
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Refused(f"{MANIFEST} is no text") from error
    if lines.pop() or not lines:
        raise Refused(f"{MANIFEST} is cut short")
    named: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = re.fullmatch(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._/-]*)", line)
        if match is None or any(part in ("", ".", "..") for part in match[2].split("/")) or match[2] in named:
            raise Refused(f"{MANIFEST} line {number} is not `<sha256>  <file>`, each file once: {short(line[64:])}")
        named[match[2]] = match[1]
    return named


def _files_below(folder: Path) -> tuple[set[str], list[str]]:
    """Relative names of all plain files but manifest and signature, and of what is neither file nor folder."""
    plain: set[str] = set()
    odd: list[str] = []
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            relative, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
            if stat.S_ISREG(mode):
                plain.add(relative)
            elif not stat.S_ISDIR(mode):
                odd.append(relative)
    return plain - {MANIFEST, SIGNATURE}, sorted(odd)


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_npy(content: bytes, where: str, kinds: dict[str, str], columns: int | None) -> array.array[Any]:
    """The values of a little-endian .npy file of version 1.0 with N rows, row after row.

    `kinds` maps the dtypes allowed to the type codes of the array module; `columns` None means a vector.
    """
    code, rows, start = _npy_header(content, where, kinds, columns)
    _require_size(where, len(content) - start, rows, (columns or 1) * array.array(code).itemsize)
    return _values(content[start:], code)


def _npy_header(content: bytes, where: str, kinds: dict[str, str], columns: int | None) -> tuple[str, int, int]:
    """Type code, number of rows, and where the values begin."""
    length = int.from_bytes(content[8:10], "little")
    if content[:8] != b"\x93NUMPY\x01\x00" or len(content) < 10 + length or length > 4096:
        raise Refused(f"{where}: not an .npy file of version 1.0")
    try:
        header = ast.literal_eval(content[10 : 10 + length].decode("latin-1").strip())
        dtype, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
        rows = shape[0]
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, MemoryError, RecursionError) as error:
        raise Refused(f"{where}: its .npy header is damaged") from error
    expected = (rows,) if columns is None else (rows, columns)
    if dtype not in kinds or fortran is not False or shape != expected or type(rows) is not int or rows < 1:
        raise Refused(f"{where}: {short(header)}; allowed are {', '.join(kinds)} of N rows and {columns or 1} columns")
    return kinds[dtype], rows, 10 + length


def _require_size(where: str, found: int, rows: int, width: int) -> None:
    """Refused unless there are that many rows of `width` bytes."""
    if found != rows * width:
        raise Refused(f"{where}: {found} bytes are not {rows} rows")


def _values(body: bytes, code: str) -> array.array[Any]:
    """Little-endian values of a type code, as this machine has them."""
    values = array.array(code)
    values.frombytes(body)
    if sys.byteorder == "big":
        values.byteswap()
    return values
