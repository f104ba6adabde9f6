"""The compact store: preprocessed images as uint8, a quarter of the bins' bytes, normalised on the way out.

One file holds the pixels of all images in the order of their ids, HWC, 150,528 bytes each at 224 x 224: RGB, or in the
order in which a function of the port's own gives them. Bins, for the tools that read files, can be written from it,
byte for byte what `tools.data.bins` writes.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tools.base.errors import PreprocessingError
from tools.base.files import atomic, cpu_count
from tools.base.parallel import SMALL_JOBS, in_order
from tools.base.progress import progress
from tools.data.bins import SUFFIX, BinType, bin_content, refuse_unknown, write_bin
from tools.data.journal import Output, make_all
from tools.data.pixel_maker import PixelMaker
from tools.data.preprocess import normalise_into
from tools.judge.ids import PREPROCESSING_IMAGES
from tools.judge.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PIXELS, INDEX, JOURNAL = "pixels.u8", "index.json", ".pixels.journal"


class Index(msgspec.Struct, frozen=True):
    """What lies in a store: row i of the pixels belongs to `ids[i]`; written last, so that it marks a whole store."""

    ids: tuple[str, ...]
    geometry: str


class PixelStore:
    """A whole store, opened for reading; threads may share it."""

    def __init__(self, folder: Path, recipe: Preprocessing) -> None:
        """PreprocessingError when the folder holds no whole store, or one of images cut in another way."""
        self.folder, self.recipe = folder, recipe
        self.ids = _read_index(folder, recipe).ids
        self._row = {name: row for row, name in enumerate(self.ids)}
        self._pixels = (folder / PIXELS).open("rb", buffering=0)

    def pixels(self, name: str) -> bytes:
        """One image, uint8 HWC; KeyError for an id that is not in the store.

        PreprocessingError when the file was cut short since it was opened.
        """
        size = pixel_bytes(self.recipe)
        found = os.pread(self._pixels.fileno(), size, self._row[name] * size)
        if len(found) != size:
            raise _refused(
                f"the store was cut short: the pixels of {name} are not whole",
                self.folder / PIXELS,
                measured=f"{len(found)} bytes",
                allowed=f"{size} bytes",
            )
        return found

    def fill(self, name: str, tensor: NDArray[np.float32]) -> None:
        """Write one image into `tensor`, float32 CHW (3, height, width), normalised."""
        normalise_into(tensor, self.pixels(name), self.recipe)

    def read(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """These images as float32 (N, 3, height, width): what `read_bins` returns for their bins."""
        import numpy as np

        batch = np.empty((len(ids), 3, *self.recipe.size), np.dtype("<f4"))
        for name, tensor in zip(ids, batch, strict=True):
            self.fill(name, tensor)
        return batch

    def close(self) -> None:
        """Give the file back."""
        self._pixels.close()


def pixel_bytes(recipe: Preprocessing) -> int:
    """Size of one image in the store: height x width x 3 bytes (150,528 at 224 x 224)."""
    height, width = recipe.pixels_size
    return height * width * 3


def write_pixels(
    images: Mapping[str, Path], folder: Path, maker: PixelMaker, expected: Mapping[str, str] | None = None
) -> None:
    """Write a store of these images; rows of an interrupted run are kept where image and pixels are unchanged.

    `expected` is id -> sha256 of each file. PreprocessingError at the end that names every image that is unreadable,
    or no longer the one that was digested.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    row, size = {name: row for row, name in enumerate(images)}, pixel_bytes(maker.recipe)
    (folder / PIXELS).touch()
    with (folder / PIXELS).open("r+b", buffering=0) as handle:

        def write(name: str, pixels: bytes) -> int:
            _pwrite(handle.fileno(), pixels, row[name] * size)
            return zlib.crc32(pixels)

        output = Output(
            maker.made_by, lambda name: zlib.crc32(os.pread(handle.fileno(), size, row[name] * size)), write
        )
        make_all(images, folder / JOURNAL, maker, output, expected)
        handle.truncate(len(images) * size)
    with atomic(folder / INDEX) as partial:
        partial.write_bytes(msgspec.json.encode(Index(ids=tuple(images), geometry=maker.recipe.geometry)))


def write_stored_bins(
    store: PixelStore, folder: Path, kind: BinType = "float32", ids: Sequence[str] | None = None
) -> None:
    """Write `<id>.bin` for every image of the store, or for these; bins that belong to none are refused first."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = store.ids if ids is None else ids
    refuse_unknown(dict.fromkeys(ids), folder)
    workers = cpu_count()

    def write(name: str) -> None:
        write_bin(folder / f"{name}{SUFFIX}", bin_content(store.pixels(name), store.recipe, kind))

    with (
        ThreadPoolExecutor(workers) as pool,
        closing(in_order(pool, write, ids, window=2 * workers, chunk=SMALL_JOBS)) as written,
    ):
        for _ in progress(written, what="write bins", total=len(ids)):
            pass


def _read_index(folder: Path, recipe: Preprocessing) -> Index:
    where = folder / INDEX
    try:
        index = msgspec.json.decode(where.read_bytes(), type=Index)
        found = (folder / PIXELS).stat().st_size
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refused(f"no whole store of pixels: {error}", where) from error
    if index.geometry != recipe.geometry:
        raise _refused("the images were cut in another way", where, measured=index.geometry, allowed=recipe.geometry)
    asked = len(index.ids) * pixel_bytes(recipe)
    if found != asked:
        raise _refused("the store has the wrong size", folder / PIXELS, f"{found} bytes", f"{asked} bytes")
    return index


def _refused(what: str, where: Path, measured: str | None = None, allowed: str | None = None) -> PreprocessingError:
    return PreprocessingError(
        what, gate=PREPROCESSING_IMAGES, where=where, measured=measured, allowed=allowed, fix="preprocess again"
    )


def _pwrite(descriptor: int, content: bytes, start: int) -> None:
    """All of the content: the system may take a part, or refuse the rest of it on a full disk."""
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, content[written:], start + written)
