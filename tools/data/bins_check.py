"""What is wrong with a folder of bins: sizes, values, and parity with torchvision's own transforms."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import PreprocessingError
from tools.base.files import cpu_count
from tools.data.bins import SUFFIX, bin_bytes, list_bins
from tools.data.preprocess import UnreadableImageError, normalisation_table, read_image
from tools.judge.facts import BinFacts
from tools.judge.ids import PREPROCESSING_IMAGES
from tools.judge.spec import Preprocessing
from tools.model.torchvision_ops import import_torchvision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def inspect_bins(folder: Path, recipe: Preprocessing) -> BinFacts:
    """Look at every bin: size in bytes, finite values, values between what bytes 0 and 255 are normalised to."""
    bins = list_bins(folder)
    with ThreadPoolExecutor(cpu_count()) as pool:
        faults = list(zip(bins, pool.map(lambda path: _fault(path, recipe), bins.values()), strict=True))
    return BinFacts(
        wrong_size=tuple(name for name, fault in faults if fault == "size"),
        not_finite=tuple(name for name, fault in faults if fault == "finite"),
        out_of_range=tuple(name for name, fault in faults if fault == "range"),
        among=len(faults),
    )


def differing_bins(
    images: Mapping[str, Path], folder: Path, ids: Sequence[str], recipe: Preprocessing, expected: Mapping[str, str]
) -> tuple[str, ...]:
    """The ids whose bin is not byte for byte what torchvision makes of the image (Resize … Normalize on RGB).

    `expected` is id -> sha256 of the image file as the run knows it; PreprocessingError for another one, which would
    make a difference that is none.
    """
    reference = torchvision_reference(recipe)

    def differs(name: str) -> bool:
        tensor = reference(io.BytesIO(_unchanged(images[name], expected[name])))
        return (folder / f"{name}{SUFFIX}").read_bytes() != tensor.tobytes()

    return tuple(name for name in ids if differs(name))


def torchvision_reference(recipe: Preprocessing) -> Callable[[Path | io.BytesIO], NDArray[np.float32]]:
    """The reference recipe made of torchvision's transforms themselves: image file -> float32 CHW."""
    import numpy as np
    from PIL import Image

    transforms = import_torchvision().transforms
    pipeline = transforms.Compose(
        [
            transforms.Resize(recipe.resize_px),
            transforms.CenterCrop(recipe.crop_px),
            transforms.ToTensor(),
            transforms.Normalize(recipe.mean, recipe.std),
        ]
    )

    def reference(file: Path | io.BytesIO) -> NDArray[np.float32]:
        with Image.open(file) as image:
            return np.ascontiguousarray(pipeline(image.convert("RGB")).numpy(), np.dtype("<f4"))

    return reference


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


def _fault(path: Path, recipe: Preprocessing) -> str | None:
    import numpy as np

    if path.stat().st_size != bin_bytes(recipe):
        return "size"
    values = np.fromfile(path, np.dtype("<f4")).reshape(3, -1)
    if not np.isfinite(values).all():
        return "finite"
    table = normalisation_table(recipe)
    inside = (values.min(1) >= table.min(1)) & (values.max(1) <= table.max(1))
    return None if bool(inside.all()) else "range"
