"""Every recipe that a port can say is torchvision's to the byte, whatever the file."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from selftest.odd_images import ODD, RECIPE, image_tensor, noise
from tools.data import preprocess
from tools.data.preprocess import UnreadableImageError, normalisation_table
from tools.data.reference import torchvision_reference
from tools.judge.spec import Preprocessing

Filter = Literal["bilinear", "bicubic", "lanczos", "nearest"]
FILTERS: tuple[Filter, ...] = ("bilinear", "bicubic", "lanczos", "nearest")
RESIZES: tuple[int | tuple[int, int] | None, ...] = (64, 48, 37, (40, 64), (64, 40), None)
CROPS: tuple[int | tuple[int, int] | None, ...] = (32, 33, (40, 24), (24, 37), None)
SIZES = ((1, 1), (1, 90), (90, 1), (31, 33), (32, 32), (48, 48), (64, 40), (101, 37), (37, 200), (200, 55), (23, 90))
KINDS = (
    "grey JPEG",
    "grey PNG with a transparent level",
    "CMYK JPEG",
    "palette, alpha by entry",
    "RGBA, half transparent",
    "16 bits",
    "1 bit",
    "GIF",
)


def recipe(resize: object, crop: object, interpolation: str | None, **values: object) -> Preprocessing | None:
    """AlexNet's recipe with another geometry; None where a port cannot say it."""
    asked = {"resize_px": resize, "crop_px": crop, "interpolation": interpolation if resize is not None else None}
    try:
        return replace(RECIPE, **asked, **values)  # type: ignore[arg-type]
    except ValueError:
        return None


GEOMETRIES = sorted(
    {
        found
        for resize, crop, name in itertools.product(RESIZES, CROPS, FILTERS)
        if (found := recipe(resize, crop, name)) is not None
    },
    key=str,
)
VALUES: dict[str, dict[str, object]] = {
    "BGR": {"channel_order": "BGR"},
    "0..255": {"value_range": "0..255", "mean": (127.0, 127.0, 127.0), "std": (128.0, 128.0, 128.0)},
    "0..255 BGR": {"value_range": "0..255", "channel_order": "BGR", "mean": (103.53, 116.28, 123.675)},
    "Inception": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
    "not normalised": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
    "CLIP": {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)},
}


def same(path: Path, asked: Preprocessing) -> bool:
    """Whether the suite's tensor is torchvision's to the byte."""
    return image_tensor(path, asked).tobytes() == torchvision_reference(asked)(path).tobytes()


def test_the_grid_holds_every_kind_of_recipe() -> None:
    assert len(GEOMETRIES) > 50
    for one in ("resize_px", "crop_px"):
        kinds = {type(getattr(found, one)).__name__ for found in GEOMETRIES}
        assert kinds == {"int", "tuple", "NoneType"}
    assert {found.interpolation for found in GEOMETRIES} == {*FILTERS, None}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_any_recipe_is_byte_identical_to_torchvision(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    noise(*size).save(path)
    assert [found.geometry for found in GEOMETRIES if not same(path, found)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_any_recipe_is_byte_identical_to_torchvision_on_odd_files(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "ILSVRC2012_val_00000001.JPEG"
    ODD[kind](path)
    assert [found.geometry for found in GEOMETRIES[::3] if not same(path, found)] == []


@pytest.mark.parametrize("values", VALUES)
def test_any_normalisation_is_byte_identical_to_torchvision(values: str, tmp_path: Path) -> None:
    path, every_byte = tmp_path / "image.png", np.arange(256, dtype=np.uint8)
    Image.fromarray(np.stack([every_byte, every_byte[::-1], np.roll(every_byte, 7)], 1)[None]).save(path)
    asked = recipe(None, (1, 256), None, **VALUES[values])
    assert asked is not None
    assert same(path, asked)


def test_a_byte_of_0_to_255_is_rounded_as_torch_rounds_it() -> None:
    asked = recipe(None, 8, None, value_range="0..255", mean=(127.1, 116.28, 0.3), std=(128.3, 57.12, 3.0))
    assert asked is not None
    byte, mean, std = np.float32(200), np.float32(127.1), np.float32(128.3)
    assert normalisation_table(asked)[0, 200] == (byte - mean) / std


@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.sampled_from(GEOMETRIES),
    st.integers(0, 5),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_recipe_of_any_size_is_byte_identical(
    tmp_path: Path, size: tuple[int, int], asked: Preprocessing, seed: int
) -> None:
    path = tmp_path / "image.bmp"
    noise(*size, seed).save(path)
    assert same(path, asked)


@given(
    st.tuples(st.integers(1, 80), st.integers(1, 80)),
    st.one_of(st.integers(1, 80), st.tuples(st.integers(1, 80), st.integers(1, 80)), st.none()),
    st.one_of(st.integers(1, 80), st.tuples(st.integers(1, 80), st.integers(1, 80)), st.none()),
    st.sampled_from(FILTERS),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_size_of_resize_and_crop_is_byte_identical(
    tmp_path: Path, size: tuple[int, int], resize: object, crop: object, name: str
) -> None:
    asked = recipe(resize, crop, name)
    assume(asked is not None)
    assert asked is not None
    path = tmp_path / "image.bmp"
    noise(*size).save(path)
    assert same(path, asked)


def test_an_image_smaller_than_the_crop_lies_in_black(tmp_path: Path) -> None:
    path, asked = tmp_path / "image.png", recipe(None, (6, 9), None, mean=(0.0,) * 3, std=(1.0,) * 3)
    assert asked is not None
    noise(4, 3).point(lambda byte: max(byte, 1)).save(path)
    inside = image_tensor(path, asked) > 0
    assert inside.any(0).sum() == 12
    assert inside[:, 1:4, 2:6].all(), "the odd pixel is missing at the far side"


@given(
    st.tuples(st.integers(1, 400), st.integers(1, 400)),
    st.sampled_from((8, 16, 32, 64, 128)),
    st.integers(1, 128),
    st.sampled_from(sorted(preprocess.REACH)),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_resizing_only_what_the_crop_keeps_is_byte_identical(
    tmp_path: Path, size: tuple[int, int], resize: int, crop: int, name: str
) -> None:
    """The quick way is for short sides of powers of two."""
    asked = recipe(resize, min(crop, resize), name)
    assume(asked is not None and max(size) < 20 * min(size))
    assert asked is not None
    path = tmp_path / "image.bmp"
    noise(*size).save(path)
    assert same(path, asked)


@pytest.mark.parametrize(
    ("change", "whole"),
    [
        ({}, False),
        ({"interpolation": "bicubic"}, False),
        ({"interpolation": "lanczos"}, False),
        ({"interpolation": "nearest"}, True),
        ({"resize_px": 232}, True),
        ({"resize_px": (256, 256)}, True),
        ({"crop_px": (224, 200)}, True),
    ],
)
@pytest.mark.parametrize("size", [(500, 375), (375, 500)])
def test_only_short_sides_of_powers_of_two_are_resized_in_part(
    change: dict[str, object], whole: bool, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, asked, taken = tmp_path / "image.png", replace(RECIPE, **change), list[bool]()  # type: ignore[arg-type]
    right = preprocess._cut_whole

    def noted(image: Image.Image, size: tuple[int, int], asked: Preprocessing) -> Image.Image:
        taken.append(True)
        return right(image, size, asked)

    monkeypatch.setattr(preprocess, "_cut_whole", noted)
    noise(*size).save(path)
    assert same(path, asked)
    assert bool(taken) == whole


@pytest.mark.parametrize("name", ["bicubic", "lanczos"])
def test_a_reach_that_is_too_short_would_be_seen(name: Filter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(preprocess.REACH, name, preprocess.REACH[name] - 1)
    path = tmp_path / "image.bmp"
    noise(1601, 1200).save(path)
    assert not same(path, replace(RECIPE, interpolation=name))


@pytest.mark.parametrize("name", FILTERS)
def test_a_strip_that_explodes_is_refused_whatever_the_filter(name: Filter, tmp_path: Path) -> None:
    path = tmp_path / "strip.png"
    noise(1, 20_000).save(path)
    with pytest.raises(UnreadableImageError, match="decompression bomb"):
        image_tensor(path, replace(RECIPE, interpolation=name))


def test_a_strip_is_squashed_without_exploding(tmp_path: Path) -> None:
    path = tmp_path / "strip.png"
    noise(1, 20_000).save(path)
    asked = recipe((40, 64), None, "bicubic")
    assert asked is not None
    assert same(path, asked)
