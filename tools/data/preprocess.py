"""One photograph to one normalised tensor, bit for bit as torchvision's transforms on PIL images make it.

What a recipe of resize, crop and normalisation means is torchvision's word: Resize, CenterCrop, ToTensor, Normalize.
"""

from __future__ import annotations

import functools
import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tools.base.reading import small_file
from tools.judge.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF")
"""What Pillow may open, whatever the name says.

MPO is opened by the plugin of JPEG and has none of its own. TIFF is left out: Pillow turns it as EXIF says, and not
always alike for a file and for its bytes.
"""
MOST_IMAGE_BYTES = 2**28
"""A file is read whole into memory; ImageNet's photographs have 0.13 MB on average."""
FLOAT32_MANTISSA_BITS = 24
REACH = {"bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0}
"""How many source pixels (of the resized image, where that is smaller) a filter of Pillow looks at on either side."""


class UnreadableImageError(Exception):
    """A file that cannot be read, or that Pillow cannot decode to its last pixel, with the reason."""


def read_image(path: Path) -> bytes:
    """The bytes of an image file, read once, so that what is digested is what is decoded.

    UnreadableImageError, also for more than MOST_IMAGE_BYTES, before they are read.
    """
    try:
        return small_file(path, MOST_IMAGE_BYTES)
    except OSError as error:
        raise UnreadableImageError(error.strerror or type(error).__name__) from error


def image_pixels(content: bytes, recipe: Preprocessing) -> bytes:
    """An image file's bytes resized and cut, not yet normalised: uint8 RGB (height, width, 3) of `pixels_size`.

    Normalised they equal Resize, CenterCrop, ToTensor, Normalize of torchvision on `Image.open(path).convert("RGB")`:
    EXIF orientation is ignored as there, and the format is told by the content, not by the name (guide,
    imagenet_torch_preprocess.py). UnreadableImageError when they cannot be decoded. A recipe with a `function` is not
    for this one but for tools/data/pixel_maker.py: ValueError.
    """
    if recipe.function is not None:
        raise ValueError(f"{recipe.function} makes these pixels, not the suite")
    return _cropped(content, recipe.on_host).tobytes()


def normalised(pixels: bytes, recipe: Preprocessing) -> NDArray[np.float32]:
    """What `image_pixels` made as float32 little-endian CHW (3, height, width), normalised: a bin's content."""
    import numpy as np

    tensor = np.empty((3, *recipe.size), np.dtype("<f4"))
    normalise_into(tensor, pixels, recipe)
    return tensor


def normalise_into(tensor: NDArray[np.float32], pixels: bytes, recipe: Preprocessing) -> None:
    """Write what ToTensor and Normalize make of `pixels` into `tensor`, float32 CHW (3, height, width).

    Channels come out in the recipe's order, which `mean` and `std` follow too. Those of a port's own function have it
    already.
    """
    import numpy as np

    table = normalisation_table(recipe)
    (top, left), (rows, columns) = recipe.cut, recipe.size
    image = np.frombuffer(pixels, np.uint8).reshape(*recipe.pixels_size, 3)[top : top + rows, left : left + columns]
    if recipe.channel_order == "BGR" and recipe.function is None:
        image = image[:, :, ::-1]
    for channel in range(3):
        np.take(table[channel], image[:, :, channel], out=tensor[channel], mode="clip")


@functools.cache
def normalisation_table(recipe: Preprocessing) -> NDArray[np.float32]:
    """(3, 256) float32: what ToTensor and Normalize make of each byte, with their three roundings.

    Values of 0..255 are not divided first: two roundings.
    """
    import numpy as np

    values = np.arange(256, dtype=np.float32)
    if recipe.value_range == "0..1":
        values /= np.float32(255)
    mean, std = np.asarray(recipe.mean, np.float32), np.asarray(recipe.std, np.float32)
    return (values - mean[:, None]) / std[:, None]


def _cropped(content: bytes, recipe: Preprocessing) -> Image.Image:
    """The RGB image resized and cut in the centre, as torchvision rounds both."""
    image = _decoded(content)
    size = _size_after_resize(image.size, recipe)
    _refuse_bomb(*size)
    sizes = _quick_sizes(recipe)
    if sizes is None or not _parts_are_exact(image.size, size, sizes):
        cut = _cut_whole(image, size, recipe)
    elif image.width >= image.height:
        cut = _cut_wide(image, size[0], sizes)
    else:
        cut = _cut_tall(image, size[1], sizes)
    return cut if cut.mode == "RGB" else cut.convert("RGB")


class Sizes(NamedTuple):
    """Short side after the resize and side of the square that is kept, in pixels, of a recipe with a quick way."""

    resize_px: int
    crop_px: int
    interpolation: str

    @property
    def filter(self) -> Image.Resampling:
        """The filter as Pillow knows it."""
        from PIL import Image

        return Image.Resampling[self.interpolation.upper()]


def _quick_sizes(recipe: Preprocessing) -> Sizes | None:
    """The sizes of a recipe of which only a part need be resized, see _parts_are_exact; None for all others."""
    resize, crop = recipe.resize_px, recipe.crop_px
    if recipe.interpolation in REACH and isinstance(resize, int) and isinstance(crop, int):
        return Sizes(resize, crop, recipe.interpolation)
    return None


def _decoded(content: bytes) -> Image.Image:
    """Every pixel of the image, RGB, or L where the file is grey: three equal channels are made after the resize.

    Rows below the crop are decoded too, although nothing uses them: a file that is cut short must be refused.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            opened.load()
            return opened if opened.mode in ("RGB", "L") else opened.convert("RGB")
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"cannot identify image file as {', '.join(FORMATS)}") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise UnreadableImageError(" ".join(str(error).split()) or type(error).__name__) from error


def _resized(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Width and height after torchvision's Resize(short_side): the long side is truncated, not rounded."""
    if width <= height:
        return short_side, int(short_side * height / width)
    return int(short_side * width / height), short_side


def _size_after_resize(size: tuple[int, int], recipe: Preprocessing) -> tuple[int, int]:
    """Width and height of the whole image after the recipe's resize."""
    asked = recipe.resize_px
    if asked is None:
        return size
    if isinstance(asked, int):
        return _resized(*size, asked)
    height, width = asked
    return width, height


def _offset(length: int, crop: int) -> int:
    """Where torchvision's CenterCrop starts; below 0 where the image is smaller, whose lack is shared by both sides.

    The two are rounded in another way: half a pixel to the even number where something is cut, and where something is
    missing the odd pixel to the far side.
    """
    return round((length - crop) / 2) if length >= crop else -((crop - length) // 2)


def _refuse_bomb(width: int, height: int) -> None:
    """A strip of 1 x 20000 becomes 256 x 5120000: the limit that Pillow sets on files holds after the resize too."""
    from PIL import Image

    if Image.MAX_IMAGE_PIXELS is not None and width * height > 2 * Image.MAX_IMAGE_PIXELS:
        raise UnreadableImageError(
            f"{width} x {height} pixels after the resize, decompression bombs above {2 * Image.MAX_IMAGE_PIXELS} "
            "pixels are refused"
        )


def _parts_are_exact(size: tuple[int, int], resized: tuple[int, int], sizes: Sizes) -> bool:
    """Whether resizing only the part that the crop keeps gives the bytes that resizing everything gives.

    Pillow weighs a pixel by its distance from `box start + (index + 0.5) * scale`, with the box in float32 and the
    rest in float64 (Resample.c, precompute_coeffs). Along the short side the scale is n / resize_px; where resize_px
    is a power of two every term is a binary fraction that float32 holds, so shifting the box changes no weight. Along
    the long side it is not, and that side is always resized whole. The two passes, done one by one here, must also
    come in Pillow's order: horizontal first, except for tall images since 13.0 (ImagingResampleInner). All this is so
    for every filter that is a sum of weights; they differ in how far they reach.
    """
    (old_width, old_height), (width, height) = size, resized
    fewer_rows, fewer_columns = old_height - height, old_width - width
    vertical_first = fewer_rows > 0 and fewer_rows > 2 * fewer_columns
    power_of_two = sizes.resize_px & (sizes.resize_px - 1) == 0
    return power_of_two and min(size) * sizes.resize_px < 2**FLOAT32_MANTISSA_BITS and not vertical_first


def _cut_whole(image: Image.Image, size: tuple[int, int], recipe: Preprocessing) -> Image.Image:
    """Resize everything, then cut; what a crop takes from outside the image is black."""
    from PIL import Image

    if recipe.interpolation is not None:
        image = image.resize(size, Image.Resampling[recipe.interpolation.upper()])
    height, width = recipe.size
    left, top = _offset(image.width, width), _offset(image.height, height)
    return image.crop((left, top, left + width, top + height))


def _cut_wide(image: Image.Image, width: int, sizes: Sizes) -> Image.Image:
    """Columns first, on the rows that the crop needs; then rows, on the columns that it keeps."""
    crop, left = sizes.crop_px, _offset(width, sizes.crop_px)
    start, end = _kept(image.height, sizes)
    support = REACH[sizes.interpolation] * max(1.0, image.height / sizes.resize_px)
    first, last = max(0, int(start - support)), min(image.height, int(end + support) + 1)
    columns = image.crop((0, first, image.width, last)).resize((width, last - first), sizes.filter)
    kept = columns.crop((left, 0, left + crop, last - first))
    return kept.resize((crop, crop), sizes.filter, box=(0, start - first, crop, end - first))


def _cut_tall(image: Image.Image, height: int, sizes: Sizes) -> Image.Image:
    """Columns first, only those that the crop keeps; then all rows, cut afterwards."""
    crop, top = sizes.crop_px, _offset(height, sizes.crop_px)
    start, end = _kept(image.width, sizes)
    columns = image.resize((crop, image.height), sizes.filter, box=(start, 0, end, image.height))
    return columns.resize((crop, height), sizes.filter).crop((0, top, crop, top + crop))


def _kept(length: int, sizes: Sizes) -> tuple[float, float]:
    """Where the crop starts and ends along the short side, in source pixels; exact binary fractions."""
    start = _offset(sizes.resize_px, sizes.crop_px)
    return start * length / sizes.resize_px, (start + sizes.crop_px) * length / sizes.resize_px
