"""The AIPP file: what a recipe comes to, which recipes have none, and where a file that is handed in departs."""

from __future__ import annotations

import dataclasses

import pytest

from tools.judge.aipp import MOST_BYTES, AippError, aipp_differences, aipp_text, file_name, read_aipp, recipe_settings
from tools.judge.numbers import AtMost
from tools.judge.spec import AippInput, Preprocessing

IMAGENET = Preprocessing(
    resize_px=256,
    crop_px=224,
    interpolation="bilinear",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    parity_images=1,
    byte_equal_percent=AtMost(0.5, "percent", "test"),
    source="test",
    aipp=AippInput("chip"),
)
PUBLISHED = """
# as published classifiers write it
aipp_op{
    aipp_mode: static
    related_input_rank : 0
    input_format : RGB888_U8
    src_image_size_w : 256
    src_image_size_h : 256
    crop: true
    load_start_pos_h : 16, load_start_pos_w : 16;
    crop_size_w : 224
    crop_size_h: 224
    csc_switch : false
    min_chn_0 : 123.675
    min_chn_1 : 116.28
    min_chn_2 : 103.53
    var_reci_chn_0: 0.0171247538316637
    var_reci_chn_1: 0.0175070028011204
    var_reci_chn_2: 0.0174291938997821
}
"""


def recipe(**changes: object) -> Preprocessing:
    """Another recipe than ImageNet's."""
    return dataclasses.replace(IMAGENET, **changes)  # type: ignore[arg-type]


def test_the_file_of_imagenet_is_the_published_one() -> None:
    assert aipp_differences(PUBLISHED, IMAGENET) == ()
    settings = recipe_settings(IMAGENET)
    assert [settings[f"min_chn_{at}"] for at in range(3)] == pytest.approx([123.675, 116.28, 103.53])
    assert [settings[f"var_reci_chn_{at}"] for at in range(3)] == pytest.approx([1 / 58.395, 1 / 57.12, 1 / 57.375])
    assert (settings["load_start_pos_w"], settings["crop_size_h"], settings["src_image_size_w"]) == (16, 224, 256)


@pytest.mark.parametrize(
    "other",
    [
        recipe(),
        recipe(aipp=AippInput("host")),
        recipe(channel_order="BGR"),
        recipe(value_range="0..255", mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
        recipe(resize_px=(30, 41), crop_px=(27, 28), aipp=AippInput("chip")),
        recipe(resize_px=None, interpolation=None, function="python:own.py:pixels", aipp=AippInput("host")),
    ],
)
def test_the_file_that_is_written_says_what_the_recipe_says(other: Preprocessing) -> None:
    assert aipp_differences(aipp_text(other), other) == ()


def test_channels_are_swapped_unless_the_ports_own_function_has_done_it() -> None:
    own = recipe(resize_px=None, interpolation=None, function="python:own.py:f", aipp=AippInput("host"))
    assert recipe_settings(recipe(channel_order="BGR"))["rbuv_swap_switch"] is True
    assert recipe_settings(dataclasses.replace(own, channel_order="BGR"))["rbuv_swap_switch"] is False


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("load_start_pos_w : 16", "load_start_pos_w : 0", "load_start_pos_w is 0, the recipe's is 16"),
        ("crop: true", "crop: false", "crop is false, the recipe's is true"),
        ("csc_switch : false", "rbuv_swap_switch : true", "rbuv_swap_switch is true, the recipe's is false"),
        ("csc_switch : false", "csc_switch : true", "csc_switch is true, the recipe's is false"),
        ("min_chn_0 : 123.675", "min_chn_0 : 103.53", "mean_chn_0 + min_chn_0 is 103.53, the recipe's is 123.675"),
        ("min_chn_0 : 123.675", "", "mean_chn_0 + min_chn_0 is 0, the recipe's is 123.675"),
        ("var_reci_chn_2: 0.0174291938997821", "", "var_reci_chn_2 is 1, the recipe's is 0.0174292"),
        ("min_chn_1 : 116.28", "min_chn_1 : 116.35", "is 116.35, the recipe's is 116.28 +- 0.031"),
        ("RGB888_U8", "YUV420SP_U8", "input_format is YUV420SP_U8, the recipe's is RGB888_U8"),
        ("aipp_mode: static", "aipp_mode: dynamic", "aipp_mode is dynamic, the recipe's is static"),
        ("src_image_size_w : 256", "src_image_size_w : 0", "src_image_size_w is 0, the recipe's is 256"),
        ("crop: true", "krop: true", "there is no key krop"),
        ("crop: true", "crop: true crop: true", "crop is given twice"),
        ("crop: true", "crop: maybe", "crop is maybe, no true or false"),
        ("crop: true", "crop", "not `key : value`"),
        ("load_start_pos_w : 16", "load_start_pos_w : 5000", "load_start_pos_w is 5000, it must be 0..4095"),
        ("min_chn_0 : 123.675", "min_chn_0 : nan", "min_chn_0 is nan, no number"),
        ("aipp_op{", "aipp_op{ aipp_op{", "not one block aipp_op"),
        ("aipp_op{", "", "not one block aipp_op"),
    ],
)
def test_each_departure_is_named(old: str, new: str, said: str) -> None:
    assert old in PUBLISHED
    assert said in "; ".join(aipp_differences(PUBLISHED.replace(old, new), IMAGENET))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_chn_0 : 123.675", "mean_chn_0 : 123 min_chn_0 : 0.675"),
        ("min_chn_0 : 123.675", "min_chn_0 : 123.69"),  # both are 123.6875 in fp16
        ("crop_size_w : 224", "crop_size_w : 0"),  # the model's own
        ("csc_switch : false", "padding : false, left_padding_size : 3"),  # of no effect
        ("csc_switch : false", "# csc_switch : true"),
    ],
)
def test_what_comes_to_the_same_is_no_departure(old: str, new: str) -> None:
    assert old in PUBLISHED
    assert aipp_differences(PUBLISHED.replace(old, new), IMAGENET) == ()


def test_a_file_is_bounded() -> None:
    with pytest.raises(AippError, match=f"more than {MOST_BYTES} characters"):
        read_aipp("#" * (MOST_BYTES + 1))


def test_the_name_of_the_file_follows_its_content() -> None:
    names = {file_name(aipp_text(found)) for found in (IMAGENET, recipe(aipp=AippInput("host")), IMAGENET)}
    assert len(names) == 2
    assert all(name.startswith("aipp_") and name.endswith(".cfg") for name in names)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"resize_px": 225, "crop_px": 224}, "is no multiple of 4; say crop: host"),
        ({"resize_px": (256, 256), "crop_px": None, "aipp": AippInput("chip")}, "say crop: host"),
        ({"mean": (-0.1, 0.5, 0.5)}, "aipp takes means of 0..255"),
        ({"mean": (1.5, 0.5, 0.5)}, "aipp takes means of 0..255"),
        ({"std": (1e-9, 0.5, 0.5)}, "aipp takes 1 / std of"),
        ({"resize_px": 5000, "crop_px": 4996}, "aipp takes pictures of 2..4096 px a side"),
    ],
)
def test_what_aipp_cannot_do_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        recipe(**changes)


@pytest.mark.parametrize("crop", range(1, 60))
def test_a_cut_of_a_cut_that_is_not_refused_is_the_cut_of_the_whole(crop: int) -> None:
    """For long sides of any length, as torchvision rounds the centre."""
    refused = False
    try:
        found = recipe(resize_px=60, crop_px=crop)
    except ValueError:
        refused = True
    whole = [round((length - crop) / 2) for length in range(60, 200)]
    inner = round((60 - crop) / 2)
    nested = [round((length - 60) / 2) + inner for length in range(60, 200)]
    assert (nested != whole) <= refused
    if not refused:
        assert found.cut == (inner, inner)


JPEG = recipe(aipp=AippInput("chip", input="jpeg"))
OF_JPEG = """
aipp_op {
    aipp_mode : static
    input_format : YUV420SP_U8
    src_image_size_w : 256
    src_image_size_h : 256
    crop : true
    load_start_pos_h : 16
    load_start_pos_w : 16
    crop_size_w : 224
    crop_size_h : 224
    csc_switch : true
    rbuv_swap_switch : false
    matrix_r0c0 : 256
    matrix_r0c1 : 0
    matrix_r0c2 : 359
    matrix_r1c0 : 256
    matrix_r1c1 : -88
    matrix_r1c2 : -183
    matrix_r2c0 : 256
    matrix_r2c1 : 454
    matrix_r2c2 : 0
    input_bias_0 : 0
    input_bias_1 : 128
    input_bias_2 : 128
    output_bias_0 : 0
    min_chn_0 : 123.675
    min_chn_1 : 116.28
    min_chn_2 : 103.53
    var_reci_chn_0 : 0.0171247538316637
    var_reci_chn_1 : 0.0175070028011204
    var_reci_chn_2 : 0.0174291938997821
}
"""


def test_the_file_of_jpeg_input_converts_colours_of_the_full_range() -> None:
    """The matrix is that of CANN's document of conversions, for JPEG to RGB; for BGR its rows come the other way."""
    assert aipp_differences(OF_JPEG, JPEG) == ()
    assert aipp_differences(aipp_text(JPEG), JPEG) == ()
    bgr, rgb = (recipe_settings(dataclasses.replace(JPEG, channel_order=order)) for order in ("BGR", "RGB"))
    assert [bgr[f"matrix_r0c{at}"] for at in range(3)] == [rgb[f"matrix_r2c{at}"] for at in range(3)] == [256, 454, 0]
    assert bgr["rbuv_swap_switch"] is rgb["rbuv_swap_switch"] is False


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("matrix_r0c2 : 359", "matrix_r0c2 : 409", "matrix_r0c2 is 409, the recipe's is 359"),
        ("input_bias_0 : 0", "input_bias_0 : 16", "input_bias_0 is 16, the recipe's is 0"),
        ("input_bias_1 : 128", "", None),
        ("csc_switch : true", "csc_switch : false", "csc_switch is false, the recipe's is true"),
        ("matrix_r1c1 : -88", "", "matrix_r1c1 is -100, the recipe's is -88"),
        ("YUV420SP_U8", "RGB888_U8", "input_format is RGB888_U8, the recipe's is YUV420SP_U8"),
        ("rbuv_swap_switch : false", "rbuv_swap_switch : true", "rbuv_swap_switch is true, the recipe's is false"),
    ],
)
def test_other_colours_than_those_of_jpeg_are_named(old: str, new: str, said: str | None) -> None:
    assert old in OF_JPEG
    assert aipp_differences(OF_JPEG.replace(old, new), JPEG) == (() if said is None else (said,))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"resize_px": None, "interpolation": None}, "resize_px must say it"),
        ({"resize_px": None, "interpolation": None, "function": "python:f.py:f"}, "the chip decodes, not python:f.py"),
        ({"aipp": AippInput("host", input="jpeg")}, "nothing is cut on the host"),
        ({"resize_px": (256, 264)}, "32..4096 columns, a multiple of 16, not 264"),
        ({"resize_px": (257, 256), "crop_px": (225, 224)}, "6..4096 rows, a multiple of 2, not 257"),
        ({"resize_px": (256, 256), "crop_px": (222, 224)}, "cut at even pixels"),
        ({"resize_px": (256, 256), "crop_px": (223, 224)}, "cut at even pixels"),
    ],
)
def test_recipes_that_the_chips_decoder_cannot_serve(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(JPEG, **changes)  # type: ignore[arg-type]


def test_a_whole_picture_of_the_decoders_is_no_cut() -> None:
    whole = recipe(resize_px=(224, 224), crop_px=None, aipp=AippInput("host", input="jpeg"))
    assert recipe_settings(whole)["crop"] is False
    assert aipp_differences(aipp_text(whole), whole) == ()
