"""What is wrong with a folder of bins: sizes, values, and parity with a library's own transforms."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.base.errors import PreprocessingError
from tools.base.files import cpu_count
from tools.data.bins import SUFFIX, BinType, as_bin, bin_bytes, bin_dtype, list_bins
from tools.data.preprocess import UnreadableImageError, normalisation_table, normalised, read_image
from tools.data.reference import PixelReference, Reference
from tools.judge.facts import BinFacts
from tools.judge.ids import PREPROCESSING_IMAGES
from tools.judge.spec import Preprocessing


def inspect_bins(folder: Path, recipe: Preprocessing, kind: BinType = "float32") -> BinFacts:
    """Look at every bin: size in bytes, finite values, values between what bytes 0 and 255 are normalised to.

    Of pixels no value can be wrong in these ways.
    """
    bins = list_bins(folder)
    with ThreadPoolExecutor(cpu_count()) as pool:
        faults = list(zip(bins, pool.map(lambda path: _fault(path, recipe, kind), bins.values()), strict=True))
    return BinFacts(
        wrong_size=tuple(name for name, fault in faults if fault == "size"),
        not_finite=tuple(name for name, fault in faults if fault == "finite"),
        out_of_range=tuple(name for name, fault in faults if fault == "range"),
        among=len(faults),
    )


def differing_bins(
    images: Mapping[str, Path],
    folder: Path,
    reference: Reference,
    expected: Mapping[str, str],
    kind: BinType = "float32",
    pixels: PixelReference | None = None,
) -> tuple[str, ...]:
    """The ids whose bin is not byte for byte what the library's own transforms make of the image.

    Of uint8 bins every pixel must be what `pixels` makes, and those that the chip keeps, normalised on the host, what
    `reference` does.

    `expected` is id -> sha256 of the image file as the run knows it; PreprocessingError for another one, which would
    make a difference that is none.
    """

    def differs(name: str) -> bool:
        image, found = _unchanged(images[name], expected[name]), (folder / f"{name}{SUFFIX}").read_bytes()
        wanted = as_bin(reference(io.BytesIO(image)), "float32" if kind == "uint8" else kind).tobytes()
        if pixels is None:
            return found != wanted
        return found != pixels(io.BytesIO(image)) or normalised(found, pixels.recipe).tobytes() != wanted

    return tuple(name for name in images if differs(name))


def spread(ids: Sequence[str], count: int) -> tuple[str, ...]:
    """At most `count` ids, evenly spread over the sequence, the first and the last among them."""
    if len(ids) <= count:
        return tuple(ids)
    return tuple(ids[index * (len(ids) - 1) // max(count - 1, 1)] for index in range(count))


def _unchanged(image: Path, expected: str) -> bytes:
    """The bytes of an image file, whose sha256 must be the expected one."""
    try:
        content = read_image(image)
    except UnreadableImageError as error:
        raise _changed(image, str(error), expected) from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise _changed(image, f"sha256 {found}", expected)
    return content


def _changed(image: Path, found: str, expected: str) -> PreprocessingError:
    return PreprocessingError(
        "was changed while the run was using it",
        gate=PREPROCESSING_IMAGES,
        where=image,
        measured=found,
        allowed=f"sha256 {expected}",
        fix="leave the images alone during a run, and run again",
    )


def _fault(path: Path, recipe: Preprocessing, kind: BinType) -> str | None:
    import numpy as np

    if path.stat().st_size != bin_bytes(recipe, kind):
        return "size"
    if kind == "uint8":
        return None
    values = np.fromfile(path, bin_dtype(kind)).reshape(3, -1)
    if not np.isfinite(values).all():
        return "finite"
    table = as_bin(normalisation_table(recipe), kind)
    inside = (values.min(1) >= table.min(1)) & (values.max(1) <= table.max(1))
    return None if bool(inside.all()) else "range"
