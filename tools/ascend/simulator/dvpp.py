"""DVPP behind -useDvpp: a JPEG file decoded to YUV420SP, then the whole picture resized, as the open ancestor does it.

The ancestor decodes into a buffer of the size in the .info file and resizes to -input_width x -input_height, in rows of
a multiple of 16 bytes and an even number of them. CANN's documents: the decoder takes no progressive JPEG (ret 148052)
and turns a picture as its EXIF orientation says. **DVPP's own arithmetic is not public**: Pillow decodes here, and its
bilinear filter resizes.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.ascend.simulator.faults import Fault, ordered

if TYPE_CHECKING:
    from PIL import Image

ROW_BYTES, ROWS = 16, 2
UNSUPPORTED_JPEG = 148052
GREY = 128
ANNOUNCED = "[SIMULATOR] DVPP: Pillow decodes and resizes in its place, DVPP's own arithmetic is unknown"


class DvppError(Exception):
    """A picture that DVPP gives no pixels of; the text is the vendor's [ERROR] line without its prefix."""


@dataclass(frozen=True)
class Dvpp:
    """DVPP that resizes to width x height."""

    width: int
    height: int

    def announce(self) -> None:
        """Say what stands for the hardware."""
        print(ANNOUNCED, file=sys.stderr, flush=True)

    def pixels(self, content: bytes, listed: tuple[int, int]) -> bytes:
        """YUV420SP of a JPEG file, `listed` as (width, height) in the .info file; DvppError where there is none."""
        import numpy as np
        from PIL import Image

        planes = _decoded(content, listed)
        size = (self.width, self.height), (self.width // 2, self.height // 2)
        resized = [np.asarray(plane.resize(size[at > 0], Image.Resampling.BILINEAR)) for at, plane in enumerate(planes)]
        brightness, *colours = resized
        pairs = np.stack(colours[::-1] if ordered(Fault.INFER_DVPP_SWAPS_COLOURS) else colours, axis=-1)
        stride, rows = (-(-side // step) * step for side, step in ((self.width, ROW_BYTES), (self.height, ROWS)))
        whole = np.zeros((rows * 3 // 2, stride), np.uint8)
        whole[: self.height, : self.width] = brightness
        whole[rows : rows + self.height // 2, : self.width // 2 * 2] = pairs.reshape(self.height // 2, -1)
        return whole.tobytes()


def _decoded(content: bytes, listed: tuple[int, int]) -> list[Image.Image]:
    """Brightness, and both colours of half its size."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            if image.info.get("progressive") or image.mode not in ("L", "RGB"):
                raise DvppError(f"acldvppJpegDecodeAsync failed, ret = {UNSUPPORTED_JPEG}")
            if image.size != listed:
                width, height = image.size
                raise DvppError(f"dvpp process failed, the picture is {width} x {height}, the list says {listed}")
            if image.mode == "RGB":
                image.draft("YCbCr", image.size)
            turned = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise DvppError(f"acldvppJpegDecodeAsync failed, {' '.join(str(error).split())}") from error
    if turned.mode == "L":
        half = ((turned.width + 1) // 2, (turned.height + 1) // 2)
        return [turned, *(Image.new("L", half, GREY) for _ in range(2))]
    brightness, *colours = turned.split()
    return [brightness, *(colour.reduce(2) for colour in colours)]
