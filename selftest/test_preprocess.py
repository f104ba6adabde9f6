"""One image to one tensor: byte for byte torchvision's, whatever the file, and refused where it is not whole."""

from __future__ import annotations

import dataclasses
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from selftest.odd_images import ODD, PHOTOS, RECIPE, SIZES, image_tensor, needs_photos, noise, turned
from tools.data import preprocess
from tools.data.preprocess import MOST_IMAGE_BYTES, UnreadableImageError, image_pixels, normalisation_table, read_image
from tools.data.reference import torchvision_reference
from tools.judge.spec import Preprocessing

Reference = Callable[[Path], NDArray[np.float32]]


@pytest.fixture(scope="module")
def reference() -> Reference:
    """torchvision's own transforms."""
    return torchvision_reference(RECIPE)


def with_sizes(resize_px: int, crop_px: int) -> Preprocessing:
    return dataclasses.replace(RECIPE, resize_px=resize_px, crop_px=crop_px)


def refused(path: Path) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        image_tensor(path, RECIPE)
    return str(caught.value)


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_byte_identical_to_torchvision(name: str, tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "ILSVRC2012_val_00000001.JPEG"  # the format is told by the content
    ODD[name](path)
    tensor = image_tensor(path, RECIPE)
    assert tensor.dtype == np.dtype("<f4")
    assert tensor.shape == (3, 224, 224)
    assert tensor.tobytes() == reference(path).tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_odd_sizes_are_byte_identical_to_torchvision(
    size: tuple[int, int], mode: str, tmp_path: Path, reference: Reference
) -> None:
    path = tmp_path / "image.png"
    noise(*size).convert(mode).save(path)
    assert image_tensor(path, RECIPE).tobytes() == reference(path).tobytes()


@given(st.integers(1, 900), st.integers(1, 900), st.integers(0, 5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_size_is_byte_identical_to_torchvision(
    tmp_path: Path, reference: Reference, width: int, height: int, seed: int
) -> None:
    if max(width, height) > 20 * min(width, height):  # strips make images of many megapixels; SIZES has some
        width = height
    path = tmp_path / "image.bmp"
    noise(width, height, seed).save(path)
    assert image_tensor(path, RECIPE).tobytes() == reference(path).tobytes()


@pytest.mark.parametrize(
    ("resize_px", "crop_px"), [(256, 256), (256, 223), (255, 224), (232, 224), (512, 448), (64, 1)]
)
@pytest.mark.parametrize("size", [(500, 375), (375, 500), (301, 299), (100, 300)])
def test_other_recipes_are_byte_identical_to_torchvision(
    resize_px: int, crop_px: int, size: tuple[int, int], tmp_path: Path
) -> None:
    path, recipe = tmp_path / "image.png", with_sizes(resize_px, crop_px)
    noise(*size).save(path)
    assert image_tensor(path, recipe).tobytes() == torchvision_reference(recipe)(path).tobytes()


@needs_photos
def test_every_photograph_is_byte_identical_to_torchvision(reference: Reference) -> None:
    photos = sorted(PHOTOS.iterdir())
    differing = [path.name for path in photos if image_tensor(path, RECIPE).tobytes() != reference(path).tobytes()]
    assert photos
    assert differing == []


def test_an_exif_orientation_changes_nothing(tmp_path: Path) -> None:
    upright, sideways = tmp_path / "1.jpg", tmp_path / "6.jpg"
    turned(1)(upright)
    turned(6)(sideways)
    assert np.array_equal(image_tensor(upright, RECIPE), image_tensor(sideways, RECIPE))


def test_the_tensor_is_the_pixels_through_the_table(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    noise(300, 280).save(path)
    pixels = image_pixels(read_image(path), RECIPE)
    assert len(pixels) == 150_528
    image = np.frombuffer(pixels, np.uint8).reshape(224, 224, 3)
    expected = normalisation_table(RECIPE)[np.arange(3)[:, None, None], image.transpose(2, 0, 1)]
    assert np.ascontiguousarray(expected).tobytes() == image_tensor(path, RECIPE).tobytes()


def test_parts_are_resized_only_where_that_is_exact(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The sizes that are compared with torchvision above take both ways."""
    taken, right = set(), preprocess._parts_are_exact

    def noted(size: tuple[int, int], resized: tuple[int, int], sizes: preprocess.Sizes) -> bool:
        taken.add(right(size, resized, sizes))
        return right(size, resized, sizes)

    monkeypatch.setattr(preprocess, "_parts_are_exact", noted)
    for size in SIZES:
        noise(*size).save(tmp_path / "image.png")
        image_tensor(tmp_path / "image.png", RECIPE)
    assert taken == {True, False}


@pytest.mark.parametrize("size", [(500, 375), (375, 500)])
def test_a_shortcut_that_is_not_exact_would_be_seen(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reference: Reference
) -> None:
    right = preprocess._kept
    monkeypatch.setattr(preprocess, "_kept", lambda *words: tuple(place + 0.01 for place in right(*words)))
    path = tmp_path / "image.png"
    noise(*size).save(path)
    assert image_tensor(path, RECIPE).tobytes() != reference(path).tobytes()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", [2, 200, 20_000])
def test_a_jpeg_cut_short_is_refused_however_little_is_missing(tmp_path: Path, cut: int, progressive: bool) -> None:
    path = tmp_path / "cut.JPEG"
    noise(500, 375).save(path, progressive=progressive)
    path.write_bytes(path.read_bytes()[:-cut])
    assert "truncated" in refused(path)


@pytest.mark.parametrize("content", [b"", b"<html>503</html>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.JPEG"
    path.write_bytes(content)
    assert refused(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "absent.JPEG")


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK"])
def test_a_tiff_is_refused_whatever_its_name(tmp_path: Path, mode: str) -> None:
    """Pillow turns it as EXIF says, and for some of these modes not as torchvision's users see it."""
    path, exif = tmp_path / "image.jpg", Image.Exif()
    exif[0x0112] = 6
    noise(320, 240).convert(mode).save(path, "TIFF", exif=exif)
    assert refused(path) == "cannot identify image file as JPEG, PNG, BMP, WEBP, GIF"


def test_a_file_that_fits_no_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.JPEG"
    path.touch()
    os.truncate(path, MOST_IMAGE_BYTES + 1)
    assert refused(path) == f"the file is too large: {MOST_IMAGE_BYTES + 1} bytes, at most {MOST_IMAGE_BYTES} are read"


def test_a_decompression_bomb_is_refused_by_name(tmp_path: Path) -> None:
    """A PNG that claims 40000 x 40000 pixels: refused before one is decoded."""
    path = tmp_path / "bomb.png"
    Image.new("L", (1, 1)).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 40_000, 40_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    assert "decompression bomb" in refused(path)


def test_a_strip_that_explodes_in_the_resize_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "strip.png"
    Image.new("L", (1, 20_000)).save(path)
    assert "decompression bomb" in refused(path)
