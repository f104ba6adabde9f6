"""Images that a data set may hold besides ordinary photographs, and the real photographs where they are present."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tools.base.files import ROOT
from tools.data.pixel_maker import PixelMaker
from tools.data.preprocess import normalised, read_image
from tools.judge.spec import Preprocessing
from tools.ports.spec import PUBLISHED_SPEC, load_spec

RECIPE = load_spec(PUBLISHED_SPEC).preprocessing
MAKER = PixelMaker(RECIPE)
PHOTOS = ROOT.parent / "shared" / "data" / "photos" / "val"
needs_photos = pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"{PHOTOS} is not there")
Write = Callable[[Path], None]

SIZES = (
    (256, 256),
    (256, 300),
    (300, 256),
    (255, 255),
    (257, 256),
    (224, 224),
    (223, 225),
    (1, 1),
    (3, 2),
    (100, 80),
    (80, 100),
    (200, 300),
    (300, 200),
    (500, 375),
    (375, 500),
    (501, 333),
    (333, 501),
    (360, 235),
    (520, 260),
    (301, 603),
    (300, 700),
    (640, 1281),
    (2000, 3),
    (3, 400),
    (1030, 517),
    (97, 1009),
)


def image_tensor(path: Path, recipe: Preprocessing) -> NDArray[np.float32]:
    """A file through all steps of preprocessing."""
    return normalised(PixelMaker(recipe).ready()(read_image(path)), recipe)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Random pixels: every rounding of a resize shows."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def sixteen_bits() -> Image.Image:
    """A 16-bit grey image."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 2**16, (300, 320), dtype=np.uint16))


def palette(transparency: int | bytes | None) -> Image.Image:
    """An image with a palette, and transparent entries where asked for."""
    image = noise(310, 290).quantize(200)
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


def saved(image: Callable[[], Image.Image], file_format: str, **options: object) -> Write:
    """A writer for an image in a format."""
    return lambda path: image().save(path, file_format, **options)


def turned(orientation: int) -> Write:
    """A JPEG with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(lambda: noise(320, 240), "JPEG", exif=exif)


ODD: dict[str, Write] = {
    "grey JPEG": saved(lambda: noise(400, 300).convert("L"), "JPEG"),
    "grey PNG": saved(lambda: noise(300, 400).convert("L"), "PNG"),
    "grey PNG with a transparent level": saved(lambda: noise(300, 400).convert("L"), "PNG", transparency=7),
    "RGB PNG with a transparent colour": saved(lambda: noise(300, 400), "PNG", transparency=(1, 2, 3)),
    "CMYK JPEG": saved(lambda: noise(400, 300).convert("CMYK"), "JPEG"),
    "palette": saved(lambda: palette(None), "PNG"),
    "palette, one entry transparent": saved(lambda: palette(3), "PNG"),
    "palette, alpha by entry": saved(lambda: palette(bytes(range(200))), "PNG"),
    "RGBA": saved(lambda: noise(330, 290).convert("RGBA"), "PNG"),
    "RGBA, half transparent": saved(
        lambda: Image.merge("RGBA", (*noise(330, 290).split(), noise(330, 290, 1).getchannel(0))), "PNG"
    ),
    "LA": saved(lambda: noise(330, 290).convert("LA"), "PNG"),
    "1 bit": saved(lambda: noise(330, 290).convert("1"), "PNG"),
    "16 bits": saved(sixteen_bits, "PNG"),
    "GIF": saved(lambda: palette(None), "GIF"),
    "BMP": saved(lambda: noise(330, 290), "BMP"),
    "WEBP": saved(lambda: noise(330, 290), "WEBP", lossless=True),
    "MPO": saved(lambda: noise(330, 290), "MPO", save_all=True, append_images=[noise(330, 290, 1)]),
    "progressive JPEG": saved(lambda: noise(500, 375), "JPEG", progressive=True),
    "JPEG 4:4:4": saved(lambda: noise(501, 375), "JPEG", subsampling="4:4:4"),
    "JPEG 4:2:2": saved(lambda: noise(501, 375), "JPEG", subsampling="4:2:2"),
    "JPEG 4:2:0": saved(lambda: noise(501, 375), "JPEG", subsampling="4:2:0"),
    **{f"EXIF orientation {value}": turned(value) for value in range(1, 9)},
}
