"""What is wrong with a folder of bins: sizes, values, and parity with torchvision's own transforms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bins import SUFFIX, bin_bytes, list_bins
from tools.files import cpu_count
from tools.preprocess import normalisation_table
from tools.spec import Preprocessing
from tools.torchvision_ops import import_torchvision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class BinFacts:
    """What was found in a folder of bins: ids of the offending files, and how many files were looked at."""

    wrong_size: tuple[str, ...]
    not_finite: tuple[str, ...]
    out_of_range: tuple[str, ...]
    among: int


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
    images: Mapping[str, Path], folder: Path, ids: Sequence[str], recipe: Preprocessing
) -> tuple[str, ...]:
    """The ids whose bin is not byte for byte what torchvision makes of the image (Resize … Normalize on RGB)."""
    reference = torchvision_reference(recipe)
    return tuple(name for name in ids if (folder / f"{name}{SUFFIX}").read_bytes() != reference(images[name]).tobytes())


def torchvision_reference(recipe: Preprocessing) -> Callable[[Path], NDArray[np.float32]]:
    """The reference recipe made of torchvision's transforms themselves: image path -> float32 CHW."""
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

    def reference(path: Path) -> NDArray[np.float32]:
        with Image.open(path) as image:
            return np.ascontiguousarray(pipeline(image.convert("RGB")).numpy(), np.dtype("<f4"))

    return reference


def spread(ids: Sequence[str], count: int) -> tuple[str, ...]:
    """At most `count` ids, evenly spread over the sequence, the first and the last among them."""
    if len(ids) <= count:
        return tuple(ids)
    return tuple(ids[index * (len(ids) - 1) // max(count - 1, 1)] for index in range(count))


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
