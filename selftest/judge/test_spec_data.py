"""The recipe of a port: sizes that make a batch, and what pixels and values depend on, in words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tools.judge import records
from tools.judge.spec_data import Dataset, Preprocessing

CENTRE = {
    "resize_px": 256,
    "crop_px": 224,
    "interpolation": "bilinear",
    "mean": [0.5, 0.25, 0.125],
    "std": [1.0, 2.0, 4.0],
    "parity_images": 8,
    "byte_equal_percent": {"at_most": 0.5, "unit": "percent", "source": "test"},
    "source": "recipe",
}
OWN = {**CENTRE, "function": "python:pixels.py:make", "resize_px": None, "interpolation": None}
SQUASHED = {**CENTRE, "resize_px": [64, 32], "crop_px": None}
AS_IS = {**CENTRE, "resize_px": None, "interpolation": None}


def recipe(stated: dict[str, Any], **changes: object) -> Preprocessing:
    """A recipe as a port states it."""
    return records.read(Preprocessing, {**stated, **changes})


@pytest.mark.parametrize(
    ("made", "size"),
    [
        (recipe(CENTRE), (224, 224)),
        (recipe(CENTRE, crop_px=[96, 128]), (96, 128)),
        (recipe(SQUASHED), (64, 32)),
        (recipe(SQUASHED, crop_px=[64, 31]), (64, 31)),
        (recipe(AS_IS), (224, 224)),
        (recipe(OWN, crop_px=[10, 20]), (10, 20)),
    ],
)
def test_what_goes_into_the_network_has_the_last_size_of_the_recipe(made: Preprocessing, size: tuple[int, int]) -> None:
    assert made.size == size


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (recipe(CENTRE), "resize 256, crop 224, bilinear"),
        (recipe(SQUASHED), "resize (64, 32), crop None, bilinear"),
        (recipe(OWN), "python:pixels.py:make to (224, 224)"),
    ],
)
def test_the_pixels_depend_on_sizes_and_interpolation_or_on_the_ports_function(made: Preprocessing, words: str) -> None:
    assert made.geometry == words


MEAN_AND_STD = "mean (0.5, 0.25, 0.125), std (1.0, 2.0, 4.0)"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (recipe(CENTRE), MEAN_AND_STD),
        (recipe(CENTRE, channel_order="BGR"), f"{MEAN_AND_STD}, BGR"),
        (recipe(CENTRE, value_range="0..255"), f"{MEAN_AND_STD}, values 0..255"),
        (recipe(CENTRE, channel_order="BGR", value_range="0..255"), f"{MEAN_AND_STD}, BGR, values 0..255"),
        (recipe(OWN, channel_order="BGR"), MEAN_AND_STD),
    ],
)
def test_the_values_depend_on_order_and_range_where_the_pixels_do_not_have_them_already(
    made: Preprocessing, words: str
) -> None:
    assert made.normalisation == words


TOGETHER = "resize_px and interpolation go together: both null, or neither"
NO_BATCH = "no crop_px, and no resize_px [height, width]: images of different sizes make no batch"
BY_FUNCTION = "function does resize and crop: resize_px and interpolation are null, crop_px its size"


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({**CENTRE, "interpolation": None}, TOGETHER),
        ({**CENTRE, "resize_px": None}, TOGETHER),
        ({**CENTRE, "crop_px": None}, NO_BATCH),
        ({**AS_IS, "crop_px": None}, NO_BATCH),
        ({**OWN, "resize_px": 256}, BY_FUNCTION),
        ({**OWN, "interpolation": "bilinear"}, BY_FUNCTION),
        ({**OWN, "crop_px": None}, BY_FUNCTION),
        ({**CENTRE, "crop_px": [256, 257]}, "crop_px (256, 257) exceeds resize_px 256"),
        ({**SQUASHED, "crop_px": [65, 32]}, "crop_px (65, 32) exceeds resize_px (64, 32)"),
        ({**CENTRE, "mean": [0.0, float("inf"), 0.0]}, "mean and std must be finite"),
    ],
)
def test_sizes_that_make_no_batch_are_refused_in_these_words(stated: dict[str, Any], why: str) -> None:
    with pytest.raises(records.RecordError, match=f"^{re.escape(why)}$"):
        recipe(stated)


def test_a_recipe_says_only_what_differs_from_rgb_of_0_to_1() -> None:
    made = recipe(CENTRE)
    assert (made.channel_order, made.value_range, made.function) == ("RGB", "0..1", None)


@pytest.mark.parametrize("order", ["RBG", "rgb", ""])
def test_another_order_of_channels_is_refused(order: str) -> None:
    with pytest.raises(records.RecordError, match="Invalid enum value"):
        recipe(CENTRE, channel_order=order)


def test_a_data_set_without_a_digest_is_any() -> None:
    images = {"exactly": 3, "unit": "images", "source": "guide"}
    made = records.read(Dataset, {"images": images, "id_format": "{:d}", "classes": 2, "source": "guide"})
    assert made.content_sha256 is None
    assert made.ids() == ("1", "2", "3")
