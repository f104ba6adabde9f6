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
CHIP, HOST = {"aipp": {"crop": "chip"}}, {"aipp": {"crop": "host"}}
JPEG: dict[str, Any] = {**CENTRE, "resize_px": [256, 256], "aipp": {"crop": "chip", "input": "jpeg"}}


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
        (recipe(CENTRE, **HOST), "resize 256, crop 224, bilinear"),
        (recipe(CENTRE, **CHIP), "resize 256, crop 224 of (256, 256) kept, bilinear"),
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
    assert (made.channel_order, made.value_range, made.function, made.aipp) == ("RGB", "0..1", None, None)
    said = recipe(CENTRE, **CHIP).aipp
    assert said is not None
    assert (said.file, said.input) == (None, "pixels")


@pytest.mark.parametrize("order", ["RBG", "rgb", ""])
def test_another_order_of_channels_is_refused(order: str) -> None:
    with pytest.raises(records.RecordError, match="Invalid enum value"):
        recipe(CENTRE, channel_order=order)


def test_a_data_set_without_a_digest_is_any() -> None:
    images = {"exactly": 3, "unit": "images", "source": "guide"}
    made = records.read(Dataset, {"images": images, "id_format": "{:d}", "classes": 2, "source": "guide"})
    assert (made.content_sha256, made.labels_sha256) == (None, None)
    assert made.ids() == ("1", "2", "3")


# What is left to the chip


@pytest.mark.parametrize(
    ("made", "pixels", "cut"),
    [
        (recipe(CENTRE), (224, 224), (0, 0)),
        (recipe(CENTRE, **HOST), (224, 224), (0, 0)),
        (recipe(CENTRE, **CHIP), (256, 256), (16, 16)),
        (recipe(SQUASHED, crop_px=[60, 20], **CHIP), (64, 32), (2, 6)),
        (recipe(SQUASHED, crop_px=[61, 29], **CHIP), (64, 32), (2, 2)),
        (recipe(SQUASHED, crop_px=[57, 27], **CHIP), (64, 32), (4, 2)),
        (recipe(OWN, **HOST), (224, 224), (0, 0)),
        (recipe(JPEG), (256, 256), (16, 16)),
    ],
)
def test_the_host_makes_what_the_chip_cuts_from(
    made: Preprocessing, pixels: tuple[int, int], cut: tuple[int, int]
) -> None:
    """Halves are rounded to the even pixel, as torchvision does."""
    assert (made.pixels_size, made.cut) == (pixels, cut)


def test_the_hosts_recipe_is_that_of_its_pixels() -> None:
    assert recipe(CENTRE, **CHIP).on_host == recipe(CENTRE, crop_px=256)
    assert recipe(SQUASHED, crop_px=[60, 20], **CHIP).on_host == recipe(SQUASHED, crop_px=[64, 32])
    for whole in (recipe(CENTRE), recipe(CENTRE, **HOST)):
        assert whole.on_host is whole


def test_only_where_the_chip_decodes_is_a_port_given_jpeg_files() -> None:
    assert [recipe(stated).is_jpeg for stated in (CENTRE, {**CENTRE, **CHIP}, JPEG)] == [False, False, True]


def test_levels_of_a_byte_are_those_of_the_stated_range() -> None:
    of_one, of_bytes = recipe(CENTRE), recipe(CENTRE, value_range="0..255")
    assert (of_one.byte_mean, of_one.byte_std) == ((127.5, 63.75, 31.875), (255.0, 510.0, 1020.0))
    assert (of_bytes.byte_mean, of_bytes.byte_std) == (of_bytes.mean, of_bytes.std)


IN_BYTES = {**CENTRE, **HOST, "value_range": "0..255"}


@pytest.mark.parametrize(
    "stated",
    [
        {**CENTRE, **HOST, "resize_px": 4096, "crop_px": 4096},
        {**CENTRE, **HOST, "resize_px": 2, "crop_px": 2},
        {**CENTRE, **CHIP, "crop_px": 252},
        {**IN_BYTES, "mean": [0.0, 128.0, 255.0]},
        {**IN_BYTES, "std": [2.0**24, 1.0, 1 / 65504.0]},
        {**JPEG, "resize_px": [4096, 4096], "crop_px": [4092, 4092]},
        {**JPEG, "resize_px": [6, 32], "crop_px": [2, 28]},
        {**JPEG, "crop_px": None, "aipp": {"crop": "host", "input": "jpeg"}},
        {**JPEG, "resize_px": 256, "crop_px": 256, "aipp": {"crop": "host", "input": "jpeg"}},
    ],
)
def test_the_last_that_the_chip_takes_is_taken(stated: dict[str, Any]) -> None:
    assert recipe(stated).aipp is not None


SIDES, MEANS, DEVIATIONS = (
    "aipp takes pictures of 2..4096 px a side",
    "aipp takes means of 0..255",
    "aipp takes 1 / std of",
)
NOT_CUT = "aipp.crop is chip, but nothing is cut from a picture of known size: say crop: host"
OF_JPEG = "aipp.input is jpeg:"


def not_centre(crop: int, resized: int) -> str:
    """What is said of a cut of a cut that may lie beside the middle."""
    return (
        f"aipp.crop is chip, but centre ({crop}, {crop}) of centre {resized} is not always the centre of the whole: "
        "their difference is no multiple of 4; say crop: host"
    )


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({**CENTRE, **HOST, "resize_px": 4097, "crop_px": 4097}, f"{SIDES}, these are (4097, 4097)"),
        ({**CENTRE, **CHIP, "resize_px": [4098, 256]}, f"{SIDES}, these are (4098, 256)"),
        ({**CENTRE, **HOST, "crop_px": [224, 1]}, f"{SIDES}, these are (224, 1)"),
        ({**IN_BYTES, "mean": [0.0, 0.0, 255.5]}, f"{MEANS}, these are (0.0, 0.0, 255.5)"),
        ({**IN_BYTES, "mean": [-0.5, 0.0, 0.0]}, f"{MEANS}, these are (-0.5, 0.0, 0.0)"),
        (
            {**IN_BYTES, "std": [1.0, 1.0, 2.0**24 * 1.5]},
            f"{DEVIATIONS} 6e-08..65504, std is (1.0, 1.0, {2.0**24 * 1.5})",
        ),
        ({**IN_BYTES, "std": [1 / 65504.5, 1.0, 1.0]}, f"{DEVIATIONS} 6e-08..65504, std is ({1 / 65504.5}, 1.0, 1.0)"),
        ({**SQUASHED, **CHIP}, NOT_CUT),
        ({**AS_IS, **CHIP}, NOT_CUT),
        ({**CENTRE, **CHIP, "resize_px": 225}, not_centre(224, 225)),
        ({**CENTRE, **CHIP, "resize_px": 225, "crop_px": 223}, not_centre(223, 225)),
        ({**CENTRE, **CHIP, "crop_px": 251}, not_centre(251, 256)),
        ({**OWN, "aipp": JPEG["aipp"]}, f"{OF_JPEG} the chip decodes, not python:pixels.py:make"),
        ({**AS_IS, "aipp": JPEG["aipp"]}, f"{OF_JPEG} the chip gives every picture one size, resize_px must say it"),
        (
            {**JPEG, "aipp": {"crop": "host", "input": "jpeg"}},
            f"{OF_JPEG} nothing is cut on the host, say crop: chip",
        ),
        (
            {**JPEG, "resize_px": [256, 264]},
            f"{OF_JPEG} the chip resizes to 32..4096 columns, a multiple of 16, not 264",
        ),
        (
            {**JPEG, "resize_px": [32, 16], "crop_px": [16, 8]},
            f"{OF_JPEG} the chip resizes to 32..4096 columns, a multiple of 16, not 16",
        ),
        ({**JPEG, "resize_px": [257, 256]}, f"{OF_JPEG} the chip resizes to 6..4096 rows, a multiple of 2, not 257"),
        (
            {**JPEG, "resize_px": [4, 32], "crop_px": [2, 28]},
            f"{OF_JPEG} the chip resizes to 6..4096 rows, a multiple of 2, not 4",
        ),
        *(
            ({**JPEG, "crop_px": size}, f"{OF_JPEG} YUV420SP is cut at even pixels, not {tuple(size)} from {cut}")
            for size, cut in {
                (222, 224): (17, 16),
                (224, 222): (16, 17),
                (223, 224): (16, 16),
                (224, 223): (16, 16),
            }.items()
        ),
    ],
)
def test_what_the_chip_cannot_do_is_refused_in_these_words(stated: dict[str, Any], why: str) -> None:
    with pytest.raises(records.RecordError, match=f"^{re.escape(why)}$"):
        recipe(stated)
