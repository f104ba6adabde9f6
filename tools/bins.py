"""A folder of preprocessed images, `<id>.bin` each: made on all cores, resumable, and read back."""

from __future__ import annotations

import functools
import hashlib
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tools.errors import PreprocessingError
from tools.files import cpu_count, sha256_of
from tools.parallel import in_order
from tools.preprocess import UnreadableImageError, image_tensor
from tools.progress import progress
from tools.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".bin"
JOURNAL = ".preprocessing.journal"
NAMED_AT_MOST = 20


class Made(msgspec.Struct, frozen=True, array_like=True):
    """One line of a journal: which result was made, from what (`key`), and the CRC-32 of its bytes.

    The CRC tells a resumed run what an interrupted one left whole: it costs a third of a sha256, and is no proof
    against forgery. What is published is digested by the artifact store.
    """

    id: str
    key: str
    crc32: int


def bin_bytes(recipe: Preprocessing) -> int:
    """Size of one bin: 3 channels of crop x crop float32 (602,112 bytes at 224)."""
    return 3 * recipe.crop_px * recipe.crop_px * 4


def write_bins(images: Mapping[str, Path], folder: Path, recipe: Preprocessing) -> None:
    """Write `<id>.bin` for every image; bins of an interrupted run are kept where image and bin are unchanged.

    Every unreadable image is named in one PreprocessingError at the end; bins that belong to no image are refused
    first, because the vendor's tools take whatever lies in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refuse_strangers(images, folder)

    def make(name: str, known: Made | None) -> Made:
        target, key = folder / f"{name}{SUFFIX}", made_key(images[name], recipe)
        if known is not None and known.key == key and _crc32_of(target) == known.crc32:
            return known
        tensor = image_tensor(images[name], recipe)
        write_bin(target, tensor)
        return Made(id=name, key=key, crc32=zlib.crc32(tensor.data))

    make_all(images, folder / JOURNAL, make)


def write_bin(target: Path, tensor: NDArray[np.float32]) -> None:
    """Write one bin under a private name and give it its own when it is whole.

    Nothing is synced to the disk: 50,000 syncs would cost minutes, and what a power cut tears has another CRC-32.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as handle:
            handle.write(tensor.data)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def make_all(images: Mapping[str, Path], journal: Path, make: Callable[[str, Made | None], Made]) -> None:
    """Call `make(id, what an earlier run says it made)` for every image, on all cores, and keep a journal.

    PreprocessingError at the end that names the unreadable images; any other error ends the work at once.
    """
    known, workers, bad = _read_journal(journal), cpu_count(), []

    def attempt(name: str) -> Made | UnreadableImageError:
        try:
            return make(name, known.get(name))
        except UnreadableImageError as error:
            return error

    with (
        journal.open("ab") as lines,
        ThreadPoolExecutor(workers) as pool,
        closing(in_order(pool, attempt, images, window=4 * workers)) as outcomes,
    ):
        for name, outcome in progress(zip(images, outcomes, strict=True), what="preprocess", total=len(images)):
            if isinstance(outcome, UnreadableImageError):
                bad.append(f"{images[name].name} ({outcome})")
            elif outcome != known.get(name):
                lines.write(b"\n" + msgspec.json.encode(outcome))
    if bad:
        raise PreprocessingError(
            f"{len(bad)} of {len(images)} images cannot be read: {'; '.join(bad[:NAMED_AT_MOST])}",
            gate="preprocessing.images",
            where=next(iter(images.values())).parent,
            fix="restore these files from the data set's archive",
        )


def made_key(image: Path, recipe: Preprocessing) -> str:
    """Digest of all that a preprocessed image depends on: its file's bytes, recipe, library versions."""
    parts = (sha256_of(image), repr(recipe), *_library_versions())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def refuse_strangers(images: Mapping[str, object], folder: Path) -> None:
    """PreprocessingError when the folder holds bins that belong to none of these ids."""
    strangers = sorted(list_bins(folder).keys() - images.keys())
    if strangers:
        raise PreprocessingError(
            f"{len(strangers)} bins belong to no image: {', '.join(strangers[:NAMED_AT_MOST])}",
            gate="preprocessing.bins",
            where=folder,
            fix="name an empty folder, or delete them",
        )


def list_bins(folder: Path) -> dict[str, Path]:
    """id -> path of every .bin in a folder, sorted by id."""
    found = {path.name.removesuffix(SUFFIX): path for path in folder.iterdir() if path.name.endswith(SUFFIX)}
    return dict(sorted(found.items()))


def read_bins(folder: Path, ids: Sequence[str], recipe: Preprocessing) -> NDArray[np.float32]:
    """The bins of these ids as float32 (N, 3, crop, crop); PreprocessingError when one has another size."""
    import numpy as np

    batch = np.empty((len(ids), 3, recipe.crop_px, recipe.crop_px), np.dtype("<f4"))
    for row, name in enumerate(ids):
        path = folder / f"{name}{SUFFIX}"
        if path.stat().st_size != bin_bytes(recipe):
            raise PreprocessingError(
                "a bin has the wrong size",
                gate="preprocessing.bin_size",
                where=path,
                measured=f"{path.stat().st_size} bytes",
                allowed=f"{bin_bytes(recipe)} bytes",
                fix="delete it and preprocess again",
            )
        batch[row] = np.fromfile(path, np.dtype("<f4")).reshape(batch.shape[1:])
    return batch


@functools.cache
def _library_versions() -> tuple[str, ...]:
    """Asked once: reading a package's metadata takes a tenth of the time of an image."""
    return version("Pillow"), version("numpy")


def _crc32_of(path: Path) -> int | None:
    """CRC-32 of a file's bytes, None where there is none."""
    return zlib.crc32(path.read_bytes()) if path.is_file() else None


def _read_journal(path: Path) -> dict[str, Made]:
    """What an earlier run says it made; a line torn by a crash is not believed, its bin is made again."""
    entries = map(_entry, path.read_bytes().splitlines() if path.is_file() else [])
    return {entry.id: entry for entry in entries if entry is not None}


def _entry(line: bytes) -> Made | None:
    try:
        return msgspec.json.decode(line, type=Made)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
