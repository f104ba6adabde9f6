"""The JPEG files that the vendor's tool decodes on the chip (DVPP): which its decoder takes, and what the list says.

What the decoder takes is CANN's own word ("JPEGD: functions and restrictions"): Huffman coding in sequence, no
progressive or arithmetic one, YUV of 4:4:4, 4:2:2, 4:2:0, 4:4:0 or 4:0:0, 32 to 8192 pixels a side. It turns a picture
as its EXIF orientation says.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tools.base.errors import PreprocessingError
from tools.base.files import cpu_count, sha256_of
from tools.base.parallel import in_order
from tools.base.progress import progress
from tools.base.reading import some
from tools.data.preprocess import UnreadableImageError, read_image
from tools.judge.facts import JpegFacts
from tools.judge.ids import PREPROCESSING_IMAGES, PREPROCESSING_INFO_SIZE, PREPROCESSING_JPEG

SIDES_PX = (32, 8192)
RATIOS = frozenset(((1, 1), (2, 1), (2, 2), (1, 2)))
"""Samples of brightness to each of colour, across and down: 4:4:4, 4:2:2, 4:2:0, 4:4:0."""
START, FRAMES, NO_FRAMES, SCAN, ADOBE, EXIF = 0xD8, range(0xC0, 0xD0), (0xC4, 0xC8, 0xCC), 0xDA, 0xEE, 0xE1
ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
"""Markers without a length."""
MOST_STEPS = 2**16
"""Markers and bytes between them before the picture; a file of nothing else would be walked through for minutes."""
SEQUENTIAL, PROGRESSIVE = (0, 1), (2, 6)
ARITHMETIC = 9
"""The kind of frame (n of the marker SOFn) from which on coding is arithmetic."""
ORIENTATION = 0x0112


@dataclass(frozen=True)
class Frame:
    """What a JPEG file's header says: the kind of its frame, bits a sample, size, (across, down) samples of each
    component, whether its three components are RGB, and whether it holds EXIF."""

    kind: int
    bits: int
    height: int
    width: int
    sampling: tuple[tuple[int, int], ...]
    rgb: bool
    exif: bool

    def unfit(self) -> str:
        """Why the chip's decoder is documented not to take it, empty where it does."""
        least, most = SIDES_PX
        if self.kind not in SEQUENTIAL:
            special = "progressive" if self.kind in PROGRESSIVE else "lossless or hierarchical"
            return "arithmetic coding" if self.kind >= ARITHMETIC else special
        if self.bits != 8:
            return f"{self.bits} bits a sample"
        if len(self.sampling) not in (1, 3):
            return f"{len(self.sampling)} components"
        if self.rgb or self._ratio() not in RATIOS:
            return "RGB" if self.rgb else "subsampling that is none of 4:4:4, 4:2:2, 4:2:0, 4:4:0"
        if not (least <= self.height <= most and least <= self.width <= most):
            return f"{self.width} x {self.height} px, not {least}..{most}"
        return ""

    def _ratio(self) -> tuple[float, float]:
        """Samples of brightness to each of colour; those of a grey picture have none beside them."""
        if len(self.sampling) == 1:
            return 1, 1
        (across, down), first, second = self.sampling
        return (across / first[0], down / first[1]) if first == second and all(first) else (0, 0)


def read_frame(content: bytes) -> Frame | None:
    """The header of a JPEG file; None for any other file, and for one that ends before its picture begins."""
    rgb = exif = False
    for marker, segment in _segments(content):
        if marker in FRAMES and marker not in NO_FRAMES:
            return _frame(marker, segment, rgb=rgb, exif=exif)
        if marker == ADOBE and segment[:5] == b"Adobe" and len(segment) > 11:
            rgb = segment[11] == 0
        exif = exif or (marker == EXIF and segment[:6] == b"Exif\0\0")
    return None


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment before the first scan."""
    at = 2 if content[:2] == bytes((0xFF, START)) else len(content)
    for _ in range(MOST_STEPS):
        if at + 4 > len(content) or content[at] != 0xFF:
            return
        marker = content[at + 1]
        if marker == 0xFF or marker in ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        if marker == SCAN or at + 2 + length > len(content):
            return
        yield marker, content[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def _frame(marker: int, segment: bytes, *, rgb: bool, exif: bool) -> Frame | None:
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        return None
    bits, height, width, components = struct.unpack_from(">BHHB", segment)
    sampling = tuple((segment[at] >> 4, segment[at] & 15) for at in range(7, 7 + 3 * components, 3))
    return Frame(marker - FRAMES[0], bits, height, width, sampling, rgb and components == 3, exif)


def inspect_jpegs(images: Mapping[str, Path], listed: Mapping[str, tuple[int, int]]) -> JpegFacts:
    """Look at every file; `listed` is (width, height) by id as the .info list has it."""
    frames: dict[str, Frame | None] = {}
    turned: list[str] = []
    with (
        ThreadPoolExecutor(cpu_count()) as pool,
        closing(in_order(pool, lambda name: _looked_at(images[name]), images, window=2 * cpu_count())) as found,
    ):
        looked = progress(found, what="read JPEG headers", total=len(images))
        for name, (frame, turns) in zip(images, looked):  # noqa: B905 - `strict` is newer than Python 3.9; one result an image
            frames[name] = frame
            turned += [name] if turns else []
    reasons = {name: "no JPEG file" if frame is None else frame.unfit() for name, frame in frames.items()}
    sizes = {name: (frame.width, frame.height) for name, frame in frames.items() if frame is not None}
    return JpegFacts(
        among=len(images),
        unfit=tuple(f"{name} ({reason})" for name, reason in reasons.items() if reason),
        wrong_size=tuple(name for name, size in sizes.items() if listed.get(name) != size),
        turned=tuple(turned),
    )


def require_fit(facts: JpegFacts, where: Path) -> None:
    """PreprocessingError where the tool would be given a file that its decoder does not take, or a wrong size."""
    if facts.unfit:
        raise PreprocessingError(
            f"{len(facts.unfit)} of {facts.among} images are none that the chip's decoder takes: {some(facts.unfit)}",
            gate=PREPROCESSING_JPEG,
            where=where,
            fix="encode them as baseline JPEG, or have the host decode: aipp without `input: jpeg`",
        )
    if facts.wrong_size:
        raise PreprocessingError(
            f"the list gives {len(facts.wrong_size)} of {facts.among} images another size than their headers: "
            f"{some(facts.wrong_size)}",
            gate=PREPROCESSING_INFO_SIZE,
            where=where,
        )


def require_unchanged(images: Mapping[str, Path], digests: Mapping[str, str]) -> None:
    """PreprocessingError where a file is no longer the one whose sha256 is in `digests`: the tool reads them itself."""
    changed = [path.name for name, path in images.items() if sha256_of(path) != digests[name]]
    if changed:
        raise PreprocessingError(
            f"{len(changed)} of {len(images)} images were changed while the run was using them: {some(changed)}",
            gate=PREPROCESSING_IMAGES,
            fix="leave the images alone during a run, and run again",
        )


def _looked_at(path: Path) -> tuple[Frame | None, bool]:
    """The header, and whether an EXIF orientation turns the picture."""
    try:
        content = read_image(path)
    except UnreadableImageError as error:
        raise PreprocessingError(f"cannot be read: {error}", gate=PREPROCESSING_IMAGES, where=path) from error
    frame = read_frame(content)
    return frame, frame is not None and frame.exif and _turned(content)


def _turned(content: bytes) -> bool:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            return image.getexif().get(ORIENTATION, 1) in range(2, 9)
    except (OSError, SyntaxError, ValueError, KeyError, struct.error, Image.DecompressionBombError):
        return False  # the decoder turns nothing either where it cannot read the orientation
