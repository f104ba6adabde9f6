"""A folder of preprocessed images, `<id>.bin` each: made on all cores, resumable, and read back."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tools.base.errors import PreprocessingError
from tools.data.journal import NAMED_AT_MOST, Output, make_all
from tools.data.pixel_maker import PixelMaker
from tools.data.preprocess import normalise_into, normalised
from tools.judge.ids import PREPROCESSING_BIN_SIZE, PREPROCESSING_BINS
from tools.judge.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BinType = Literal["float32", "float16", "uint8"]
"""The type of the values in a bin, that of the OM's input. float16 values are the float32 ones rounded; uint8 are the
host's pixels as they are, height x width x channel, which the chip normalises."""
SUFFIX = ".bin"
JOURNAL = ".preprocessing.journal"


def bin_dtype(kind: BinType) -> np.dtype[np.floating] | np.dtype[np.uint8]:
    """The type of a bin's values as numpy knows it: little-endian on any machine."""
    import numpy as np

    return np.dtype({"float32": "<f4", "float16": "<f2", "uint8": "u1"}[kind])


def bin_bytes(recipe: Preprocessing, kind: BinType = "float32") -> int:
    """Size of one bin: 3 channels of height x width values (602,112 bytes at 224 x 224 in float32)."""
    height, width = recipe.pixels_size if kind == "uint8" else recipe.size
    return 3 * height * width * bin_dtype(kind).itemsize


def bin_content(pixels: bytes, recipe: Preprocessing, kind: BinType) -> NDArray[np.floating] | NDArray[np.uint8]:
    """What a bin of this type holds, from the host's pixels of an image."""
    import numpy as np

    return np.frombuffer(pixels, np.uint8) if kind == "uint8" else as_bin(normalised(pixels, recipe), kind)


def as_bin(tensor: NDArray[np.float32], kind: BinType) -> NDArray[np.floating]:
    """The values as a bin holds them; what float16 cannot hold becomes infinite, which a gate looks for."""
    import numpy as np

    with np.errstate(over="ignore"):
        return tensor.astype(bin_dtype(kind), copy=False)


def write_bins(images: Mapping[str, Path], folder: Path, maker: PixelMaker, kind: BinType = "float32") -> None:
    """Write `<id>.bin` for every image; bins of an interrupted run are kept where image and bin are unchanged.

    Every unreadable image is named in one PreprocessingError at the end; bins that belong to no image are refused
    first, because the vendor's tools take whatever lies in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refuse_unknown(images, folder)

    def write(name: str, pixels: bytes) -> int:
        tensor = bin_content(pixels, maker.recipe, kind)
        write_bin(folder / f"{name}{SUFFIX}", tensor)
        return zlib.crc32(tensor.data)

    made_by = f"{maker.made_by}, {maker.recipe.normalisation}, {kind}"
    output = Output(made_by, lambda name: _crc32_of(folder / f"{name}{SUFFIX}"), write)
    make_all(images, folder / JOURNAL, maker, output)


def write_bin(target: Path, tensor: NDArray[np.floating] | NDArray[np.uint8]) -> None:
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


def refuse_unknown(images: Mapping[str, object], folder: Path) -> None:
    """PreprocessingError when the folder holds bins that belong to none of these ids."""
    unknown = sorted(list_bins(folder).keys() - images.keys())
    if unknown:
        raise PreprocessingError(
            f"{len(unknown)} bins belong to no image: {', '.join(unknown[:NAMED_AT_MOST])}",
            gate=PREPROCESSING_BINS,
            where=folder,
            fix="name an empty folder, or delete them",
        )


def list_bins(folder: Path) -> dict[str, Path]:
    """id -> path of every .bin in a folder, sorted by id."""
    found = {path.name.removesuffix(SUFFIX): path for path in folder.iterdir() if path.name.endswith(SUFFIX)}
    return dict(sorted(found.items()))


def read_bins(
    folder: Path, ids: Sequence[str], recipe: Preprocessing, kind: BinType = "float32"
) -> NDArray[np.float32]:
    """The bins of these ids as float32 (N, 3, height, width), normalised, whatever type they are kept in.

    PreprocessingError when one has another size.
    """
    import numpy as np

    batch, size = np.empty((len(ids), 3, *recipe.size), np.dtype("<f4")), bin_bytes(recipe, kind)
    for row, name in enumerate(ids):
        path = folder / f"{name}{SUFFIX}"
        if path.stat().st_size != size:
            raise PreprocessingError(
                "a bin has the wrong size",
                gate=PREPROCESSING_BIN_SIZE,
                where=path,
                measured=f"{path.stat().st_size} bytes",
                allowed=f"{size} bytes",
                fix="delete it and preprocess again",
            )
        if kind == "uint8":
            normalise_into(batch[row], path.read_bytes(), recipe)
        else:
            batch[row] = np.fromfile(path, bin_dtype(kind)).reshape(batch.shape[1:])
    return batch


def _crc32_of(path: Path) -> int | None:
    """CRC-32 of a file's bytes, None where there is none."""
    return zlib.crc32(path.read_bytes()) if path.is_file() else None
