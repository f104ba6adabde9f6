"""Small pictures inside the page: no file beside it, no network."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from tools.data.preprocess import FORMATS

SIDE_PX = 96
JPEG_QUALITY = 60


class ThumbnailError(Exception):
    """An image that cannot be shown, with the reason; a report says so in its place."""


def thumbnail(path: Path) -> str:
    """The image, at most 96 px a side, as a `data:` URI of a JPEG without metadata.

    ThumbnailError when the file cannot be decoded to its last pixel.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as opened:
            opened.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
            image = opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ThumbnailError(" ".join(str(error).split())) from error
    image.thumbnail((SIDE_PX, SIDE_PX))
    buffer = io.BytesIO()
    # A JPEG's comment would be copied along: up to 64 KiB of whatever the camera's owner wrote.
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True, comment=b"")
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
