"""The AIPP file: what a recipe comes to, which recipes have none, and where a file that is handed in departs."""

from __future__ import annotations

import dataclasses

import pytest

from tools.judge.aipp import (
    MOST_BYTES,
    AippError,
    aipp_differences,
    aipp_text,
    file_name,
    half_step,
    read_aipp,
    recipe_settings,
)
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


TEMPLATE = """
related_input_rank 0 0 1000
src_image_size_w 0 0 4096
src_image_size_h 0 0 4096
load_start_pos_w 0 0 4095
load_start_pos_h 0 0 4095
crop_size_w 0 0 4096
crop_size_h 0 0 4096
resize_output_w 0 0 4096
resize_output_h 0 0 4096
left_padding_size 0 0 32
right_padding_size 0 0 32
top_padding_size 0 0 32
bottom_padding_size 0 0 32
padding_value 0.0 -65504 65504
cpadding_value 0.0 -65504 65504
rotation_angle 0.0 -360 360
matrix_r0c0 298 -32677 32676
matrix_r0c1 516 -32677 32676
matrix_r0c2 0 -32677 32676
matrix_r1c0 298 -32677 32676
matrix_r1c1 -100 -32677 32676
matrix_r1c2 -208 -32677 32676
matrix_r2c0 298 -32677 32676
matrix_r2c1 0 -32677 32676
matrix_r2c2 409 -32677 32676
output_bias_0 16 0 255
output_bias_1 128 0 255
output_bias_2 128 0 255
input_bias_0 16 0 255
input_bias_1 128 0 255
input_bias_2 128 0 255
mean_chn_0 0 0 255
mean_chn_1 0 0 255
mean_chn_2 0 0 255
mean_chn_3 0 0 255
min_chn_0 0.0 0 255
min_chn_1 0.0 0 255
min_chn_2 0.0 0 255
min_chn_3 0.0 0 255
var_reci_chn_0 1.0 -65504 65504
var_reci_chn_1 1.0 -65504 65504
var_reci_chn_2 1.0 -65504 65504
var_reci_chn_3 1.0 -65504 65504
raw_rgbir_to_f16_n 8 0 31
max_src_image_size 0 0 2147483647
"""
"""Each key with a number in CANN's template: what stands for it where it is absent, and its range."""
WORDS = ("aipp_mode", "related_input_name", "input_format")
SWITCHES = (
    *("crop", "padding", "resize", "csc_switch", "rbuv_swap_switch", "ax_swap_switch"),
    *("single_line_mode", "support_rotation"),
)
NUMBERS = [row.split() for row in TEMPLATE.split("\n") if row]


def value_of(name: str, text: str) -> object:
    """What a file of this one entry says."""
    return read_aipp(f"aipp_op {{ {name} : {text} }}")[name]


def test_what_a_file_does_not_say_is_as_in_the_template() -> None:
    numbers = {name: float(default) if "." in default else int(default) for name, default, *_ in NUMBERS}
    defaults = {**dict.fromkeys(WORDS, ""), **dict.fromkeys(SWITCHES, False), **numbers}
    found = read_aipp("aipp_op{}")
    assert found == defaults
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in defaults.items()
    }


@pytest.mark.parametrize(("name", "default", "least", "most"), NUMBERS)
def test_a_number_is_within_the_templates_range(name: str, default: str, least: str, most: str) -> None:
    assert [value_of(name, least), value_of(name, most)] == [float(least), float(most)]
    for beyond in (int(least) - 1, int(most) + 1):
        with pytest.raises(
            AippError, match=f"^{name} is {beyond}, it must be {float(least):g}..{float(most):g}$".replace("+", r"\+")
        ):
            value_of(name, str(beyond))


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_true_or_false(name: str) -> None:
    said = [value_of(name, text) for text in ("true", "false", "1", "0")]
    assert said == [True, False, True, False]
    assert {type(value) for value in said} == {bool}
    for text in ("True", "2", "on"):
        with pytest.raises(AippError, match=f"^{name} is {text}, no true or false$"):
            value_of(name, text)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mean_chn_0", "1.0", "mean_chn_0 is 1.0, no whole number"),
        ("mean_chn_0", "12345678901", "mean_chn_0 is 12345678901, no whole number"),
        ("min_chn_0", "1e5555", "min_chn_0 is 1e5555, no number"),
        ("min_chn_0", ".", "min_chn_0 is ., no number"),
        ("min_chn_0", "inf", "min_chn_0 is inf, no number"),
        ("min_chn_0", '"1"', 'min_chn_0 is "1", no number'),
    ],
)
def test_a_text_that_is_no_number_is_told(name: str, text: str, said: str) -> None:
    with pytest.raises(AippError) as caught:
        value_of(name, text)
    assert str(caught.value) == said


def test_numbers_and_words_as_files_have_them() -> None:
    assert [value_of("min_chn_0", text) for text in ("+1.5", "1.", ".5", "1e2", "2.5E-1", "7")] == [
        1.5,
        1,
        0.5,
        100,
        0.25,
        7,
    ]
    assert [value_of("matrix_r0c0", text) for text in ("-5", "+5", "05")] == [-5, 5, 5]
    assert [value_of("related_input_name", text) for text in ('"a b"', '""', "a-b.c_d+1", "X_X")] == [
        "a b",
        "",
        "a-b.c_d+1",
        "X_X",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "aipp_op{crop:true,padding:true;resize:true}",
        "  aipp_op  {\n\tcrop\t:\ttrue ,\n padding : 1 # crop : false }\n resize:true\n}\n\n",
        "# first\naipp_op {crop : true padding : true resize : true}# last",
    ],
)
def test_entries_are_parted_by_blanks_commas_and_semicolons(text: str) -> None:
    found = read_aipp(text)
    assert [name for name, value in found.items() if value is True] == ["crop", "padding", "resize"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aipp_op { crop : true } aipp_op { }", "not one block aipp_op { … }"),
        ("aipp_op { crop : true", "not one block aipp_op { … }"),
        ("op { }", "not one block aipp_op { … }"),
        ("aipp_op { crop : true  crop  :  maybe? }", "not `key : value`: 'crop : maybe?'"),
        (f"aipp_op {{ {'x' * 65} : 1 }}", f"not `key : value`: '{'x' * 40}'"),
        (f"aipp_op {{ crop : {'1' * 65} }}", f"not `key : value`: 'crop : {'1' * 33}'"),
        ("aipp_op { crop : true,, }", "not `key : value`: ','"),
        ("aipp_op { 1crop : true }", "not `key : value`: '1crop : true'"),
        ("aipp_op { krop : true }", "there is no key krop"),
        ("aipp_op { crop : true crop : true }", "crop is given twice"),
    ],
)
def test_a_text_that_is_no_file_is_told_by_what_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(AippError) as caught:
        read_aipp(text)
    assert str(caught.value) == said
    assert aipp_differences(text, IMAGENET) == (said,)


def test_a_file_of_the_greatest_length_is_read() -> None:
    assert MOST_BYTES == 65536
    assert read_aipp("aipp_op{}".ljust(MOST_BYTES))["crop"] is False


def test_the_settings_and_the_text_of_imagenet() -> None:
    assert aipp_text(IMAGENET) == (
        "aipp_op {\n    aipp_mode : static\n    input_format : RGB888_U8\n    src_image_size_w : 256\n"
        "    src_image_size_h : 256\n    crop : true\n    load_start_pos_w : 16\n    load_start_pos_h : 16\n"
        "    crop_size_w : 224\n    crop_size_h : 224\n    csc_switch : false\n    rbuv_swap_switch : false\n"
        "    min_chn_0 : 123.675\n    min_chn_1 : 116.28\n    min_chn_2 : 103.53\n"
        "    var_reci_chn_0 : 0.0171247538317\n    var_reci_chn_1 : 0.0175070028011\n"
        "    var_reci_chn_2 : 0.0174291938998\n}\n"
    )
    assert file_name("a") == "aipp_ca978112ca1bbdca.cfg"


def test_a_picture_that_is_no_square_is_cut_by_its_own_sides() -> None:
    settings = recipe_settings(recipe(resize_px=(30, 41), crop_px=(26, 33)))
    assert [settings[name] for name in ("src_image_size_w", "src_image_size_h")] == [41, 30]
    assert [settings[name] for name in ("load_start_pos_w", "load_start_pos_h")] == [4, 2]
    assert [settings[name] for name in ("crop_size_w", "crop_size_h")] == [33, 26]
    assert recipe_settings(recipe(resize_px=(30, 41), crop_px=(30, 33)))["crop"] is True


def test_all_colours_of_the_decoder_by_order_of_channels() -> None:
    rows = {
        order: [[settings[f"matrix_r{row}c{at}"] for at in range(3)] for row in range(3)]
        for order in ("RGB", "BGR")
        for settings in [recipe_settings(dataclasses.replace(JPEG, channel_order=order))]
    }
    assert rows["RGB"] == [[256, 0, 359], [256, -88, -183], [256, 454, 0]] == rows["BGR"][::-1]
    assert [recipe_settings(JPEG)[f"input_bias_{at}"] for at in range(3)] == [0, 128, 128]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('related_input_name : "image"', "related_input_name is image, the recipe's is not given"),
        ("resize : true", "resize is true, the recipe's is false"),
        ("resize_output_w : 7", "resize_output_w is 7, the recipe's is 0"),
        ("ax_swap_switch : true", "ax_swap_switch is true, the recipe's is false"),
        ("single_line_mode : true", "single_line_mode is true, the recipe's is false"),
        ("padding : true", "padding is true, the recipe's is false"),
        ("rotation_angle : 90", "rotation_angle is 90, the recipe's is 0"),
        ("support_rotation : true", "support_rotation is true, the recipe's is false"),
        ("max_src_image_size : 1", "max_src_image_size is 1, the recipe's is 0"),
        ("raw_rgbir_to_f16_n : 1", "raw_rgbir_to_f16_n is 1, the recipe's is 8"),
        *(
            (entry, None)
            for entry in (
                *("matrix_r0c0 : 1", "input_bias_0 : 1", "output_bias_0 : 1", "padding_value : 1"),
                *("cpadding_value : 1", "left_padding_size : 1", "right_padding_size : 1", "top_padding_size : 1"),
                *("bottom_padding_size : 1", "min_chn_3 : 1", "mean_chn_3 : 1", "var_reci_chn_3 : 7"),
            )
        ),
    ],
)
def test_an_entry_more_counts_unless_it_says_nothing(added: str, said: str | None) -> None:
    found = aipp_differences(PUBLISHED.replace("csc_switch : false", added), IMAGENET)
    assert found == (() if said is None else (said,))


def test_a_word_that_is_not_given_is_said_so() -> None:
    found = aipp_differences(PUBLISHED.replace("aipp_mode: static", ""), IMAGENET)
    assert found == ("aipp_mode is not given, the recipe's is static",)


def test_where_nothing_is_cut_the_places_of_a_cut_say_nothing() -> None:
    whole = recipe(resize_px=(224, 224), crop_px=None, aipp=AippInput("host"))
    text = aipp_text(whole)
    assert aipp_differences(text.replace("}", "load_start_pos_w : 5 crop_size_h : 7 }"), whole) == ()
    for entry in ("src_image_size_w : 224", "src_image_size_h : 224"):
        assert aipp_differences(text.replace(entry, entry.replace("224", "0")), whole) == ()
        said = f"{entry.replace(' :', ' is').replace('224', '7')}, the recipe's is 224"
        assert aipp_differences(text.replace(entry, entry.replace("224", "7")), whole) == (said,)


@pytest.mark.parametrize(
    ("value", "step"),
    [
        *((1.0, 2**-10), (1.999, 2**-10), (2.0, 2**-9), (0.5, 2**-11), (-3.0, 2**-9), (123.675, 2**-4)),
        *((2**-14, 2**-24), (2**-15, 2**-24), (1e-9, 2**-24), (0.0, 2**-24)),
    ],
)
def test_the_distance_of_numbers_of_half_precision(value: float, step: float) -> None:
    assert half_step(value) == step


@pytest.mark.parametrize(("mean", "off"), [(116.2488, False), (116.2487, True), (116.3112, False), (116.3113, True)])
def test_a_mean_may_be_off_by_half_a_step(mean: float, off: bool) -> None:
    found = aipp_differences(PUBLISHED.replace("min_chn_1 : 116.28", f"min_chn_1 : {mean}"), IMAGENET)
    assert bool(found) is off
    assert not off or found[0].endswith(", the recipe's is 116.28 +- 0.031 (rounding to fp16)")


def test_half_a_step_itself_is_rounding() -> None:
    levels = recipe(value_range="0..255", mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0))
    text = aipp_text(levels)
    assert "min_chn_0 : 127\n" in text
    assert aipp_differences(text.replace("min_chn_0 : 127\n", "min_chn_0 : 127.03125\n"), levels) == ()
    assert len(aipp_differences(text.replace("min_chn_0 : 127\n", "min_chn_0 : 127.0313\n"), levels)) == 1
