"""One photograph to one normalised tensor, bit for bit as torchvision's reference transforms make it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from tools.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")


class UnreadableImageError(Exception):
    """A file that Pillow cannot decode to its last pixel, with Pillow's reason."""


def image_tensor(path: Path, recipe: Preprocessing) -> NDArray[np.float32]:
    """The image as float32 little-endian CHW (3, crop, crop), normalised.

    Equals Resize, CenterCrop, ToTensor, Normalize of torchvision on `Image.open(path).convert("RGB")`: EXIF
    orientation is ignored as there, and the format is told by the content, not by the name (guide,
    imagenet_torch_preprocess.py). UnreadableImageError when the file cannot be decoded.
    """
    import numpy as np

    pixels = np.asarray(_cropped(path, recipe))
    table = normalisation_table(recipe)
    tensor = np.empty((3, recipe.crop_px, recipe.crop_px), np.dtype("<f4"))
    for channel in range(3):
        np.take(table[channel], pixels[:, :, channel], out=tensor[channel], mode="clip")
    return tensor


@functools.cache
def normalisation_table(recipe: Preprocessing) -> NDArray[np.float32]:
    """(3, 256) float32: what ToTensor and Normalize make of each byte, with their three roundings."""
    import numpy as np

    scaled = np.arange(256, dtype=np.float32) / np.float32(255)
    mean, std = np.asarray(recipe.mean, np.float32), np.asarray(recipe.std, np.float32)
    return (scaled - mean[:, None]) / std[:, None]


def _cropped(path: Path, recipe: Preprocessing) -> Image.Image:
    """The RGB image resized by its short side and cut in the centre, as torchvision rounds both."""
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as opened:
            image = opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(" ".join(str(error).split())) from error
    width, height = _resized(*image.size, recipe.resize_px)
    left, top = round((width - recipe.crop_px) / 2), round((height - recipe.crop_px) / 2)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return resized.crop((left, top, left + recipe.crop_px, top + recipe.crop_px))


def _resized(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Width and height after torchvision's Resize(short_side): the long side is truncated, not rounded."""
    if width <= height:
        return short_side, int(short_side * height / width)
    return int(short_side * width / height), short_side
