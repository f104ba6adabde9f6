"""The images of a spec, and the way from an image file to the network's input."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.judge.numbers import AtMost, Deviation, Entry, Exactly, Place, Positive, Sha256, Text

if TYPE_CHECKING:
    from typing import Literal

MOST_IMAGES = 10_000_000


@dataclass(frozen=True)
class Dataset(Entry):
    """The labelled images an acceptance needs: `id_format` with 1..images gives every id.

    `content_sha256` pins images and label file as they lie there, `labels_sha256` the labels in whatever file
    (`python tools/pin_dataset.py` prints both).
    """

    images: Exactly
    id_format: Text
    classes: Positive
    source: Text
    content_sha256: Sha256 | None = None
    labels_sha256: Sha256 | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]*\{:0?[0-9]{0,2}d\}", self.id_format):
            raise ValueError(f"id_format is {self.id_format!r}, it must be plain text and one {{:08d}}-like number")
        if not 1 <= self.images.exactly <= MOST_IMAGES or self.images.exactly % 1:
            raise ValueError(f"images is {self.images.exactly}, it must be a whole number in 1..{MOST_IMAGES}")

    def ids(self) -> tuple[str, ...]:
        """The ids of the full data set, in order."""
        return tuple(self.id_format.format(index + 1) for index in range(int(self.images.exactly)))


@dataclass(frozen=True)
class Preprocessing(Entry):
    """From an image file to the network's input: resize, cut the centre, scale, normalise by channel.

    `resize_px` is the short side, `[height, width]` to squash to, or null for no resize; `crop_px` is a square's side,
    `[height, width]`, or null for none. `value_range` says what a byte is divided by before `mean` and `std` apply.
    `function` (`python:FILE-or-module:FUNCTION`) takes the place of decoding, resize and crop: from a file's bytes to
    uint8 pixels (height, width, 3) of `crop_px`, whose channels it leaves in `channel_order`.
    """

    resize_px: Positive | tuple[Positive, Positive] | None
    crop_px: Positive | tuple[Positive, Positive] | None
    interpolation: Literal["bilinear", "bicubic", "lanczos", "nearest"] | None
    mean: tuple[float, float, float]
    std: tuple[Deviation, Deviation, Deviation]
    parity_images: Positive
    byte_equal_percent: AtMost
    source: Text
    channel_order: Literal["RGB", "BGR"] = "RGB"
    value_range: Literal["0..1", "0..255"] = "0..1"
    function: Place | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (*self.mean, *self.std)):
            raise ValueError("mean and std must be finite")
        if self.function is not None:
            if self.resize_px is not None or self.interpolation is not None or self.crop_px is None:
                raise ValueError(
                    "function does resize and crop: resize_px and interpolation are null, crop_px its size"
                )
            return
        self._check_sizes()

    def _check_sizes(self) -> None:
        if (self.resize_px is None) != (self.interpolation is None):
            raise ValueError("resize_px and interpolation go together: both null, or neither")
        if self.crop_px is None and not isinstance(self.resize_px, tuple):
            raise ValueError("no crop_px, and no resize_px [height, width]: images of different sizes make no batch")
        if self.crop_px is None or self.resize_px is None:
            return
        for crop, resized in zip(_pair(self.crop_px), _pair(self.resize_px)):
            if crop > resized:
                raise ValueError(f"crop_px {self.crop_px} exceeds resize_px {self.resize_px}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what goes into the network."""
        last = [size for size in (self.crop_px, self.resize_px) if size is not None]
        return _pair(last[0])

    @property
    def geometry(self) -> str:
        """What the uint8 pixels of an image depend on besides the port's own code, and nothing else does."""
        if self.function is not None:
            return f"{self.function} to {self.size}"
        return f"resize {self.resize_px}, crop {self.crop_px}, {self.interpolation}"

    @property
    def normalisation(self) -> str:
        """What makes float32 values of the pixels."""
        order = "" if self.channel_order == "RGB" or self.function else f", {self.channel_order}"
        scale = "" if self.value_range == "0..1" else f", values {self.value_range}"
        return f"mean {self.mean}, std {self.std}{order}{scale}"


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width of a size of which one number says both."""
    return size if isinstance(size, tuple) else (size, size)
