"""Thumbnails: small, without metadata, and a reason where there can be none."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from tools.report.thumbnails import SIDE_PX, ThumbnailError, thumbnail


def decoded(uri: str) -> Image.Image:
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


@pytest.mark.parametrize(("size", "expected"), [((640, 480), (96, 72)), ((300, 900), (32, 96)), ((40, 30), (40, 30))])
def test_the_long_side_is_at_most_96_pixels(size: tuple[int, int], expected: tuple[int, int], tmp_path: Path) -> None:
    Image.new("RGB", size, "teal").save(tmp_path / "a.jpg")
    assert decoded(thumbnail(tmp_path / "a.jpg")).size == expected
    assert max(expected) <= SIDE_PX


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA"])
def test_every_kind_of_image_becomes_rgb(mode: str, tmp_path: Path) -> None:
    name = tmp_path / ("a.png" if mode in ("P", "RGBA") else "a.jpg")
    Image.new(mode, (200, 200)).save(name)
    assert decoded(thumbnail(name)).mode == "RGB"


def test_metadata_stays_behind(tmp_path: Path) -> None:
    image = Image.new("RGB", (200, 100), "red")
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    image.save(tmp_path / "a.jpg", comment=b"a secret name", exif=exif)
    assert b"secret" in (tmp_path / "a.jpg").read_bytes()
    assert b"secret" not in base64.b64decode(thumbnail(tmp_path / "a.jpg").partition(",")[2])


def test_what_is_no_whole_image_has_a_reason(tmp_path: Path) -> None:
    image = tmp_path / "a.jpg"
    Image.effect_noise((400, 400), 90).save(image)
    image.write_bytes(image.read_bytes()[:-2000])
    with pytest.raises(ThumbnailError, match="truncated"):
        thumbnail(image)
    with pytest.raises(ThumbnailError, match="No such file"):
        thumbnail(tmp_path / "none.jpg")
