"""Every image of a data set decoded once, on all cores; a journal lets an interrupted run go on where it stopped."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tools.base.errors import PreprocessingError
from tools.base.files import cpu_count
from tools.base.parallel import SMALL_JOBS, in_order
from tools.base.progress import progress
from tools.data import pixel_maker
from tools.data.pixel_maker import MakePixels, PixelMaker, PortFunctionError
from tools.data.preprocess import UnreadableImageError, read_image
from tools.judge.ids import PREPROCESSING_IMAGES
from tools.store.dependencies import dependencies

NAMED_AT_MOST = 20


class ChangedImageError(Exception):
    """An image file whose bytes are not those that the run took the digest of."""


class Made(msgspec.Struct, frozen=True, array_like=True):
    """One line of a journal: which result was made, from what (`key`), and the CRC-32 of its bytes.

    The CRC tells a resumed run what an interrupted one left whole: it costs a third of a sha256, and is no proof
    against forgery. What is published is digested by the artifact store.
    """

    id: str
    key: str
    crc32: int


@dataclass(frozen=True)
class Output:
    """Where results go: `crc32_of(id)` of what lies there (None where nothing does), `write(id, pixels)` -> CRC-32.

    `made_by` is all of the recipe that a result depends on, code of the port's own included: what was made by another
    one is made again.
    """

    made_by: str
    crc32_of: Callable[[str], int | None]
    write: Callable[[str, bytes], int]


def make_all(
    images: Mapping[str, Path],
    journal: Path,
    maker: PixelMaker,
    output: Output,
    expected: Mapping[str, str] | None = None,
) -> None:
    """Decode every image and write its pixels, but for what the journal knows and the output still holds.

    `expected` is id -> sha256 of the file as the run knows it: the very bytes that are decoded are held against it.
    PreprocessingError at the end that names the images which are unreadable or were changed; any other error ends the
    work at once.
    """
    known, make = _read_journal(journal), maker.ready()

    def attempt(name: str) -> Made | UnreadableImageError | ChangedImageError:
        try:
            content, sha256 = _read(images[name], None if expected is None else expected[name])
            return _made(name, content, f"{sha256} {_made_by_digest(output.made_by)}", known.get(name), make, output)
        except (UnreadableImageError, ChangedImageError) as error:
            return error

    workers, bad = cpu_count(), dict[str, Exception]()
    with (
        journal.open("ab") as lines,
        ThreadPoolExecutor(workers) as pool,
        closing(in_order(pool, attempt, images, window=2 * workers, chunk=SMALL_JOBS)) as outcomes,
    ):
        for name, outcome in progress(zip(images, outcomes, strict=True), what="preprocess", total=len(images)):
            if isinstance(outcome, Exception):
                bad[name] = outcome
            elif outcome != known.get(name):
                lines.write(b"\n" + msgspec.json.encode(outcome))
    _refuse(images, bad)


def _read(image: Path, expected: str | None) -> tuple[bytes, str]:
    """A file's bytes and their sha256, which must be the expected one."""
    content = read_image(image)
    sha256 = hashlib.sha256(content).hexdigest()
    if expected not in (None, sha256):
        raise ChangedImageError(f"sha256 {sha256[:12]}, was {str(expected)[:12]}")
    return content, sha256


def _made(name: str, content: bytes, key: str, earlier: Made | None, make: MakePixels, output: Output) -> Made:
    """What an earlier run made, where its key is the same and its bytes are still there; else made now."""
    if earlier is not None and earlier.key == key and output.crc32_of(name) == earlier.crc32:
        return earlier
    return Made(id=name, key=key, crc32=output.write(name, make(content)))


def _refuse(images: Mapping[str, Path], bad: Mapping[str, Exception]) -> None:
    """One error: of the images that changed where there are any, for they explain the others."""
    changed = {name: error for name, error in bad.items() if isinstance(error, ChangedImageError)}
    named = [f"{images[name].name} ({error})" for name, error in (changed or bad).items()]
    if named:
        fix = "restore these files from the data set's archive"
        if all(isinstance(error, PortFunctionError) for error in bad.values()):
            fix = "mend the port's function; these files may be sound"
        raise PreprocessingError(
            f"{len(named)} of {len(images)} images "
            f"{'were changed while the run was using them' if changed else 'cannot be read'}: "
            f"{'; '.join(named[:NAMED_AT_MOST])}",
            gate=PREPROCESSING_IMAGES,
            where=next(iter(images.values())).parent,
            fix="leave them alone during a run, and run again" if changed else fix,
        )


@functools.cache
def _made_by_digest(made_by: str) -> str:
    """Digest of all but the file that a preprocessed image depends on: recipe, code and library versions."""
    parts = (f"{name}={value}" for name, value in sorted(dependencies((pixel_maker,)).items()))
    return hashlib.sha256("\n".join((made_by, *parts)).encode()).hexdigest()


def _read_journal(path: Path) -> dict[str, Made]:
    """What an earlier run says it made; a line torn by a crash is not believed, its result is made again."""
    entries = map(_entry, path.read_bytes().splitlines() if path.is_file() else [])
    return {entry.id: entry for entry in entries if entry is not None}


def _entry(line: bytes) -> Made | None:
    try:
        return msgspec.json.decode(line, type=Made)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
