"""The images of a spec, and the way from an image file to the network's input."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tools.judge.numbers import AtMost, Deviation, Entry, Exactly, Place, PlainName, Positive, Sha256, Text

if TYPE_CHECKING:
    from typing import Literal

MOST_IMAGES = 10_000_000
AIPP_PX = (2, 4096)
"""The sides of a picture that AIPP takes."""
DVPP_PX = ((32, 4096, 16), (6, 4096, 2))
"""Columns and rows of a picture as the chip's decoder (DVPP) resizes it for an OM: least, most, and a multiple of.

CANN's documents have images of YUV420SP in rows of a multiple of 16 bytes, and an even number of them; what would fill
up a row has no place in what the OM takes."""
HALF = (2.0**-24, 65504.0)
"""The smallest and the largest positive number of fp16, in which AIPP holds its parameters."""


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
class AippInput(Entry):
    """That the chip normalises (static AIPP): bins are then uint8 pixels, height x width x channel, as decoded.

    With `input: jpeg` there are no bins: the vendor's tool is given the JPEG files, which the chip decodes and resizes
    as a whole to the size that AIPP takes (DVPP); AIPP gets YUV420SP and makes RGB or BGR of it first.

    `crop: chip` leaves the cut of `crop_px` to AIPP too, which then gets square pictures of the short side, or those of
    `resize_px: [height, width]`; with `host` they come cut. `file` is an AIPP file beside the port's own, which must
    say what the recipe says; without it the suite writes one.
    """

    crop: Literal["chip", "host"]
    file: PlainName | None = None
    input: Literal["pixels", "jpeg"] = "pixels"


@dataclass(frozen=True)
class Preprocessing(Entry):
    """From an image file to the network's input: resize, cut the centre, scale, normalise by channel.

    `resize_px` is the short side, `[height, width]` to squash to, or null for no resize; `crop_px` is a square's side,
    `[height, width]`, or null for none. `value_range` says what a byte is divided by before `mean` and `std` apply.
    `function` (`python:FILE-or-module:FUNCTION`) takes the place of decoding, resize and crop: from a file's bytes to
    uint8 pixels (height, width, 3) of `crop_px`, whose channels it leaves in `channel_order`. `aipp` leaves the end of
    the way to the chip.
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
    aipp: AippInput | None = None

    def __post_init__(self) -> None:
        self._check_way()
        if self.aipp is not None:
            self._check_aipp(self.aipp)

    def _check_way(self) -> None:
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

    def _check_aipp(self, aipp: AippInput) -> None:
        """What AIPP can do of this recipe, and that its cut out of a cut is the recipe's own, to the pixel."""
        low, high = AIPP_PX
        if not all(low <= side <= high for side in self.pixels_size):
            raise ValueError(f"aipp takes pictures of {low}..{high} px a side, these are {self.pixels_size}")
        if not all(0 <= level <= 255 for level in self.byte_mean):
            raise ValueError(f"aipp takes means of 0..255, these are {self.byte_mean}")
        if not all(HALF[0] <= 1 / deviation <= HALF[1] for deviation in self.byte_std):
            raise ValueError(f"aipp takes 1 / std of {HALF[0]:.2g}..{HALF[1]:g}, std is {self.byte_std}")
        if aipp.input == "jpeg":
            self._check_jpeg()
        if aipp.crop == "host":
            return
        if self.crop_px is None or self.resize_px is None:
            raise ValueError("aipp.crop is chip, but nothing is cut from a picture of known size: say crop: host")
        if isinstance(self.resize_px, int) and any((self.resize_px - side) % 4 for side in self.size):
            raise ValueError(
                f"aipp.crop is chip, but centre {self.size} of centre {self.resize_px} is not always the centre of "
                "the whole: their difference is no multiple of 4; say crop: host"
            )

    def _check_jpeg(self) -> None:
        """What DVPP can make of a JPEG file: one size for all, whole rows of YUV420SP, cut at even pixels."""
        if self.function is not None:
            raise ValueError(f"aipp.input is jpeg: the chip decodes, not {self.function}")
        if self.resize_px is None:
            raise ValueError("aipp.input is jpeg: the chip gives every picture one size, resize_px must say it")
        if self.aipp is not None and self.aipp.crop == "host" and self.size != _pair(self.resize_px):
            raise ValueError("aipp.input is jpeg: nothing is cut on the host, say crop: chip")
        for side, (least, most, step), what in zip(self.pixels_size[::-1], DVPP_PX, ("columns", "rows")):
            if not least <= side <= most or side % step:
                raise ValueError(
                    f"aipp.input is jpeg: the chip resizes to {least}..{most} {what}, a multiple of {step}, not {side}"
                )
        if any(side % 2 for side in (*self.cut, *self.size)):
            raise ValueError(f"aipp.input is jpeg: YUV420SP is cut at even pixels, not {self.size} from {self.cut}")

    @property
    def is_jpeg(self) -> bool:
        """Whether the vendor's tool is given JPEG files, which the chip decodes and resizes."""
        return self.aipp is not None and self.aipp.input == "jpeg"

    @property
    def byte_mean(self) -> tuple[float, ...]:
        """The mean of each channel in levels of a byte."""
        return tuple(value * self._levels for value in self.mean)

    @property
    def byte_std(self) -> tuple[float, ...]:
        """The standard deviation of each channel in levels of a byte."""
        return tuple(value * self._levels for value in self.std)

    @property
    def _levels(self) -> int:
        return 255 if self.value_range == "0..1" else 1

    @property
    def pixels_size(self) -> tuple[int, int]:
        """Height and width of the pixels that the host makes: the network's, or larger where the chip cuts."""
        chip_cuts = self.aipp is not None and self.aipp.crop == "chip" and self.resize_px is not None
        return _pair(self.resize_px) if chip_cuts and self.resize_px is not None else self.size

    @property
    def cut(self) -> tuple[int, int]:
        """Where the network's input begins in the host's pixels: rows from the top, columns from the left."""
        (height, width), (rows, columns) = self.pixels_size, self.size
        return round((height - rows) / 2), round((width - columns) / 2)

    @property
    def on_host(self) -> Preprocessing:
        """The recipe of the host's pixels."""
        if self.pixels_size == self.size:
            return self
        height, width = self.pixels_size
        return replace(self, crop_px=height if height == width else (height, width), aipp=None)

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
        kept = "" if self.pixels_size == self.size else f" of {self.pixels_size} kept"
        return f"resize {self.resize_px}, crop {self.crop_px}{kept}, {self.interpolation}"

    @property
    def normalisation(self) -> str:
        """What makes float32 values of the pixels."""
        order = "" if self.channel_order == "RGB" or self.function else f", {self.channel_order}"
        scale = "" if self.value_range == "0..1" else f", values {self.value_range}"
        return f"mean {self.mean}, std {self.std}{order}{scale}"


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width of a size of which one number says both."""
    return size if isinstance(size, tuple) else (size, size)
