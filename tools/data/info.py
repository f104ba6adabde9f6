"""The vendor's .info file, `<index> <path> <width> <height>` a line: what benchmark reads its inputs from."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.base.errors import PreprocessingError
from tools.base.files import atomic
from tools.base.progress import progress
from tools.base.reading import flat_folder, some, text_lines
from tools.data.labels import image_id
from tools.judge.ids import PREPROCESSING_IMAGES, PREPROCESSING_INFO

BIN_SUFFIX = ".bin"
_WRITABLE = re.compile(r"[^\s\0\ud800-\udfff]+")

_refuse = functools.partial(PreprocessingError, gate=PREPROCESSING_INFO)


@dataclass(frozen=True)
class InfoRow:
    """One input: `path` is written as it was given, because the tool resolves it against its own working folder."""

    index: int
    path: str
    width: int
    height: int

    @property
    def id(self) -> str:
        """The image's id, as the tool's outputs will be named after it."""
        return image_id(PurePosixPath(self.path).name)


def bin_rows(folder: str, width: int, height: int) -> tuple[InfoRow, ...]:
    """A row for each .bin of a folder, sorted by id; width and height are the caller's, as in the guide's script."""
    names = flat_folder(
        Path(folder),
        lambda name: name.endswith(BIN_SUFFIX),
        _refuse,
        unit="bins",
        hint="name the folder that imagenet_torch_preprocess.py wrote",
    )
    ordered = sorted(names, key=image_id)
    return tuple(InfoRow(index, _joined(folder, name), width, height) for index, name in enumerate(ordered))


def rows_of(images: Mapping[str, Path], folder: str) -> tuple[InfoRow, ...]:
    """A row for each of these images of a folder, with the size in its header (EXIF orientation ignored).

    The pixels are not decoded, so a file that is cut short after its header passes here and fails in preprocessing.
    """
    sizes, bad = _header_sizes(images)
    if bad:
        raise PreprocessingError(
            f"{len(bad)} of {len(images)} images cannot be read: {some(bad)}",
            gate=PREPROCESSING_IMAGES,
            where=folder,
            fix="restore these files from the data set's archive",
        )
    return tuple(
        InfoRow(index, _joined(folder, path.name), *sizes[key]) for index, (key, path) in enumerate(images.items())
    )


def write_info(rows: Sequence[InfoRow], out: Path) -> None:
    """Write the .info file, whole or not at all; PreprocessingError when a row would break the vendor's format."""
    problems = _problems(rows)
    if problems:
        raise _refuse(
            f"{len(problems)} of {len(rows)} lines would break the .info format: {'; '.join(problems[:5])}", where=out
        )
    if not rows:
        raise _refuse("there is no input to write", where=out)
    with atomic(out) as partial:
        lines = [f"{row.index} {row.path} {row.width} {row.height}\n" for row in rows]
        partial.write_bytes("".join(lines).encode())


def read_info(path: Path) -> tuple[InfoRow, ...]:
    """Read a .info file strictly: four fields, single spaces, indices 0, 1, 2 …, no id twice, a whole last line.

    The tool itself accepts more (blank lines, any index), but a file that deviates was not written by write_info.
    """
    lines = text_lines(path, _refuse)
    with path.open("rb") as handle:
        handle.seek(-1, 2)
        if handle.read(1) != b"\n":
            raise _refuse("the last line has no line feed, the file may be cut short", where=f"{path}:{len(lines)}")
    rows = tuple(_parsed(line, f"{path}:{number}") for number, line in enumerate(lines, start=1))
    problems = _problems(rows)
    if problems:
        raise _refuse(f"{len(problems)} of {len(rows)} lines are bad: {'; '.join(problems[:5])}", where=path)
    return rows


def _parsed(line: str, where: str) -> InfoRow:
    match = re.fullmatch(r"([0-9]{1,9}) (\S+) ([0-9]{1,9}) ([0-9]{1,9})", line)
    if match is None:
        raise _refuse(f"not `<index> <path> <width> <height>`: {line[:120]!r}", where=where)
    index, name, width, height = match.groups()
    return InfoRow(int(index), name, int(width), int(height))


def _problems(rows: Sequence[InfoRow]) -> list[str]:
    """What is wrong with each bad row, in order; ids are compared because outputs are named after them."""
    found: list[str] = []
    seen: set[str] = set()
    for number, row in enumerate(rows):
        name = PurePosixPath(row.path).name
        if row.index != number:
            found.append(f"index {row.index} where {number} is due")
        elif not _WRITABLE.fullmatch(row.path):
            found.append(f"path {row.path!r} holds white space or what is no text")
        elif row.width < 1 or row.height < 1:
            found.append(f"{row.path} is {row.width} x {row.height}")
        elif image_id(name) in seen:
            found.append(f"id {image_id(name)} is there twice")
        seen.add(image_id(name))
    return found


def _header_sizes(images: Mapping[str, Path]) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Width and height by id, and a line for each file that is not an image."""
    from PIL import Image

    sizes: dict[str, tuple[int, int]] = {}
    bad: list[str] = []
    for key, path in progress(images.items(), what="read sizes", total=len(images)):
        try:
            with Image.open(path) as image:
                sizes[key] = image.size
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            bad.append(f"{path.name} ({type(error).__name__})")
    return sizes, bad


def _joined(folder: str, name: str) -> str:
    """Folder and name as the guide's script joins them: `./bins` keeps its `./`, which pathlib would drop."""
    return f"{folder.rstrip('/')}/{name}"
