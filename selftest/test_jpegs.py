"""JPEG files for the chip's decoder: what a header says, what the decoder takes, and files that change."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.base.errors import PreprocessingError
from tools.base.files import sha256_of
from tools.data.jpegs import Frame, inspect_jpegs, read_frame, require_fit, require_unchanged
from tools.judge.facts import JpegFacts

ORIENTATION = 0x0112


def encoded(mode: str = "RGB", size: tuple[int, int] = (48, 40), **how: object) -> bytes:
    """A JPEG file of noise."""
    channels = {"L": (), "RGB": (3,), "CMYK": (4,)}[mode]
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], *channels), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels, mode).save(out, **({"format": "JPEG"} | how))  # type: ignore[arg-type]
    return out.getvalue()


def with_kind(content: bytes, kind: int, bits: int = 8) -> bytes:
    """The same file, whose header calls its frame another kind."""
    at = content.index(b"\xff\xc0")
    return content[: at + 1] + bytes((0xC0 + kind,)) + content[at + 2 : at + 4] + bytes((bits,)) + content[at + 5 :]


def with_adobe(content: bytes, transform: int) -> bytes:
    """The same file with Adobe's word on its colours."""
    segment = b"Adobe\0\x64\0\0\0\0" + bytes((transform,))
    return content[:2] + b"\xff\xee" + (len(segment) + 2).to_bytes(2, "big") + segment + content[2:]


@pytest.mark.parametrize(
    ("content", "unfit"),
    [
        (encoded(), ""),
        (encoded("L"), ""),
        (encoded(subsampling="4:4:4"), ""),
        (encoded(subsampling="4:2:2"), ""),
        (encoded(size=(32, 32)), ""),
        (with_kind(encoded(), 1), ""),
        (with_adobe(encoded(), 1), ""),
        (encoded(progressive=True), "progressive"),
        (with_kind(encoded(), 9), "arithmetic coding"),
        (with_kind(encoded(), 3), "lossless or hierarchical"),
        (with_kind(encoded(), 1, bits=12), "12 bits a sample"),
        (with_adobe(encoded(), 0), "RGB"),
        (encoded("CMYK"), "4 components"),
        (encoded(size=(31, 40)), "31 x 40 px, not 32..8192"),
        (encoded(size=(8193, 32)), "8193 x 32 px, not 32..8192"),
    ],
)
def test_what_the_decoder_is_documented_to_take(content: bytes, unfit: str) -> None:
    frame = read_frame(content)
    assert frame is not None
    assert frame.unfit() == unfit


@pytest.mark.parametrize(
    ("sampling", "fit"),
    [
        (((1, 2), (1, 1), (1, 1)), True),
        (((2, 2), (2, 2), (2, 2)), True),
        (((4, 1), (1, 1), (1, 1)), False),
        (((2, 2), (1, 1), (2, 1)), False),
        (((2, 2), (0, 1), (0, 1)), False),
        (((2, 2),), True),
    ],
)
def test_the_ratio_of_brightness_to_colour(sampling: tuple[tuple[int, int], ...], fit: bool) -> None:
    assert (Frame(0, 8, 40, 48, sampling, rgb=False, exif=False).unfit() == "") is fit


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", encoded(format="PNG"), encoded()[:100], b"\xff\xd8\xff\xc0\0\2"])
def test_what_is_no_jpeg_or_ends_before_its_picture(content: bytes) -> None:
    assert read_frame(content) is None


def test_every_file_that_is_cut_short_has_a_header_or_none() -> None:
    whole = encoded(size=(40, 33))
    found = {read_frame(whole[:length]) for length in range(len(whole))}
    assert found == {None, read_frame(whole)}


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xd0"])
def test_a_file_of_nothing_but_markers_is_soon_given_up(filler: bytes) -> None:
    assert read_frame(encoded()[:2] + filler * 2**20 + encoded()[2:]) is None
    assert read_frame(encoded()[:2] + filler * 9 + encoded()[2:]) == read_frame(encoded())


def test_files_are_named_with_the_reason(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    contents = {
        "a": encoded(),
        "b": encoded(progressive=True),
        "c": encoded(format="PNG"),
        "d": encoded(exif=turned),
        "e": encoded(size=(50, 40)),
    }
    images = {name: tmp_path / f"{name}.jpg" for name in contents}
    for name, content in contents.items():
        images[name].write_bytes(content)
    facts = inspect_jpegs(images, dict.fromkeys(images, (48, 40)))
    assert facts == JpegFacts(5, ("b (progressive)", "c (no JPEG file)"), ("e",), ("d",))
    with pytest.raises(PreprocessingError, match=r"2 of 5 images are none .*: b \(progressive\), c \(no JPEG file\)"):
        require_fit(facts, tmp_path)
    with pytest.raises(PreprocessingError, match="another size than their headers: e"):
        require_fit(JpegFacts(5, (), ("e",), ()), tmp_path)
    require_fit(JpegFacts(5, (), (), ("d",)), tmp_path)


def test_a_file_that_changes_while_the_tool_reads_it_is_told(tmp_path: Path) -> None:
    images = {name: tmp_path / f"{name}.jpg" for name in "ab"}
    for path in images.values():
        path.write_bytes(encoded())
    digests = {name: sha256_of(path) for name, path in images.items()}
    require_unchanged(images, digests)
    images["b"].write_bytes(encoded(size=(50, 40)))
    with pytest.raises(PreprocessingError, match=r"1 of 2 images were changed while the run was using them: b\.jpg"):
        require_unchanged(images, digests)
