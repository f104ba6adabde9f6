"""What follows from a port's types, batches and chips: bounds by arithmetic, files by batch, figures by chip."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tools.judge import records
from tools.judge.spec import AippInput, Spec
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SPEC = load_spec(PUBLISHED_SPEC)


def with_ends(given: str, taken: str) -> Spec:
    """The published port with other types at the ends of its ONNX file."""
    asked = SPEC.onnx
    first, last = replace(asked.input, dtype=given), replace(asked.output, dtype=taken)  # type: ignore[arg-type]
    return replace(SPEC, onnx=replace(asked, input=first, output=last))


def test_float32_is_judged_by_its_own_bounds() -> None:
    spec = with_ends("float32", "float32")
    assert not spec.half
    assert spec.logits_bound == spec.onnx.logits_abs_error
    assert spec.onnx_batch_bound == spec.onnx.batch_invariance_abs_error
    assert spec.agreement_bounds("onnx", on_device=True) == spec.agreement.onnx
    assert spec.agreement_bounds("om", on_device=False) == spec.agreement.om_on_simulator
    assert spec.agreement_bounds("om", on_device=True) == spec.agreement.om_on_device


@pytest.mark.parametrize("ends", [("float16", "float32"), ("float32", "float16"), ("float16", "float16")])
def test_float16_at_either_end_is_judged_as_an_om_of_the_simulator(ends: tuple[str, str]) -> None:
    spec = with_ends(*ends)
    assert spec.half
    assert spec.logits_bound == spec.agreement.om_on_simulator.max_abs_error
    assert spec.onnx_batch_bound == spec.om.batch_invariance_abs_error
    for on_device in (True, False):  # onnxruntime runs on the host wherever the OM does
        assert spec.agreement_bounds("onnx", on_device=on_device) == spec.agreement.om_on_simulator
    assert spec.agreement_bounds("om", on_device=True) == spec.agreement.om_on_device


@pytest.mark.parametrize("ends", [("float32", "float32"), ("float16", "float32")])
def test_what_was_quantised_is_judged_as_int8_and_an_onnx_file_so_is_its_oms(ends: tuple[str, str]) -> None:
    float_ = with_ends(*ends)
    om = replace(float_, om=replace(float_.om, arithmetic="int8"))
    both = replace(float_, onnx=replace(float_.onnx, arithmetic="int8"))
    found = [[spec.is_int8(kind) for kind in ("onnx", "om")] for spec in (float_, om, both)]
    assert found == [[False, False], [False, True], [True, True]]
    assert om.logits_bound == float_.logits_bound
    assert both.logits_bound == both.agreement.int8.max_abs_error
    for on_device in (True, False):
        assert om.agreement_bounds("om", on_device=on_device) == om.agreement.int8
        assert om.agreement_bounds("onnx", on_device=on_device) == float_.agreement_bounds("onnx", on_device=False)
        assert both.agreement_bounds("onnx", on_device=on_device) == both.agreement.int8


def test_the_distances_of_bounds_grow_with_what_they_allow() -> None:
    bounds = SPEC.agreement.om_on_device
    assert bounds.distances == {
        "min_cosine": 1 - bounds.min_cosine.at_least,
        "near_tie_logits": bounds.near_tie_logits.value,
        "mean_cosine_distance": bounds.mean_cosine_distance.at_most,
        "max_abs_error": bounds.max_abs_error.at_most,
        "top5_set_changed_percent": bounds.top5_set_changed_percent.at_most,
        "slope_error": bounds.slope_error.at_most,
        "mean_error": bounds.mean_error.at_most,
        "column_error": bounds.column_error.at_most,
        "image_slope_error": bounds.image_slope_error.at_most,
    }


@pytest.mark.parametrize("place", ["om_on_simulator", "om_on_device"])
def test_a_devices_bounds_follow_from_the_simulators(place: str) -> None:
    bounds = getattr(SPEC.agreement, place)
    wider = replace(bounds, max_abs_error=replace(bounds.max_abs_error, at_most=2 * bounds.max_abs_error.at_most))
    with pytest.raises(ValueError, match=r"^om_on_device\.max_abs_error contradicts the other bounds"):
        replace(SPEC.agreement, **{place: wider})
    multiple = replace(SPEC.agreement.device_error_multiple, value=99.0)
    with pytest.raises(ValueError, match="with device_error_multiple 99 it follows"):
        replace(SPEC.agreement, device_error_multiple=multiple)


CHIP, JPEG = AippInput("chip"), AippInput("chip", input="jpeg")


@pytest.mark.parametrize(
    ("aipp", "inputs", "bins"),
    [
        (None, ["{name} float32 [4, 3, 224, 224]"], "float32"),
        (AippInput("host"), ["{name} uint8 [4, 224, 224, 3]"], "uint8"),
        (CHIP, ["{name} uint8 [4, 64, 288, 3]"], "uint8"),
        (JPEG, ["{name} uint8 [4, 64, 288, 3]", "{name} uint8 [4, 96, 288, 1]"], "uint8"),
    ],
)
def test_an_om_is_given_what_the_host_makes(aipp: AippInput | None, inputs: list[str], bins: str) -> None:
    """Of JPEG files, the picture or its bytes: a row and a half for each."""
    cut = {"resize_px": (64, 288), "crop_px": (32, 256)} if aipp in (CHIP, JPEG) else {}
    recipe = replace(SPEC.preprocessing, **cut, aipp=aipp)  # type: ignore[arg-type]
    spec = replace(SPEC, preprocessing=recipe)
    assert [str(tensor) for tensor in spec.om_inputs(4)] == [one.format(name=spec.onnx.input.name) for one in inputs]
    assert spec.bin_type == bins


def test_bins_have_the_type_of_the_onnx_files_input() -> None:
    assert with_ends("float16", "float32").bin_type == "float16"


def test_an_om_gives_what_the_onnx_file_does_unless_atc_is_asked_for_another_type() -> None:
    given = with_ends("float32", "float16")
    assert given.om_output_type == "float16"
    asked = replace(given, om=replace(given.om, atc_extra_args=("--log=error", "--output_type=FP32")))
    assert asked.om_output_type == "float32"


def test_a_recipe_says_its_aipp_and_not_a_flag_of_atc_alone() -> None:
    said = "om.atc_extra_args holds --insert_op_conf: say preprocessing.aipp, which bins follow too"
    for flags in (("--a=b", "--insert_op_conf=own.cfg"), ("--insert_op_conf", "own.cfg"), ("--insert_op_conf=a=b",)):
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            replace(SPEC, om=replace(SPEC.om, atc_extra_args=flags))
    half, recipe = with_ends("float16", "float32"), replace(SPEC.preprocessing, aipp=AippInput("host"))
    with pytest.raises(ValueError, match=r"^onnx\.input is float16: atc puts no AIPP before it \(E10034\)$"):
        replace(half, preprocessing=recipe)
    assert replace(with_ends("float32", "float16"), preprocessing=recipe).bin_type == "uint8"


@pytest.mark.parametrize(
    ("classes", "offset", "places"), [(1, 0, 1), (3, 0, 3), (3, 1, 4), (4, 1, 5), (5, 0, 5), (1000, 1, 5)]
)
def test_as_many_places_are_kept_as_there_are_classes_up_to_five(classes: int, offset: int, places: int) -> None:
    model = replace(SPEC.model, label_offset=offset)  # type: ignore[arg-type]
    spec = replace(SPEC, model=model, dataset=replace(SPEC.dataset, classes=classes))
    assert (spec.classes, spec.places) == (classes + offset, places)
    assert spec.output(4).shape == (4, classes + offset)


def test_a_dynamic_batch_is_one_file_and_a_static_one_a_file_for_each() -> None:
    assert SPEC.onnx_batches == (None,)
    static = replace(SPEC, onnx=replace(SPEC.onnx, batch="static"))
    assert static.onnx_batches == SPEC.batches
    assert (static.input(4).shape[0], static.input().shape[0]) == (4, -1)


def test_no_batch_and_no_chip_stands_there_twice() -> None:
    with pytest.raises(ValueError, match=r"^batches is empty$"):
        replace(SPEC, batches=())
    with pytest.raises(ValueError, match=r"^batches holds 4 more than once$"):
        replace(SPEC, batches=(1, 4, 4))
    first = SPEC.devices[0]
    with pytest.raises(ValueError, match=f"^devices holds {first.soc} more than once$"):
        replace(SPEC, devices=(first, replace(first, throughput=())))


def test_a_port_needs_no_reasons() -> None:
    document = records.plain(SPEC)
    del document["reasons"]
    assert records.read(Spec, document).reasons == {}


@pytest.mark.parametrize("kept", ["om_top1", "om_top5", "throughput"])
def test_one_published_figure_is_a_figure(kept: str) -> None:
    chip = SPEC.devices[0]
    none: dict[str, Any] = {"om_top1": None, "om_top5": None, "throughput": ()}
    bare = replace(chip, **none)
    assert not replace(SPEC, devices=()).has_figures
    assert not replace(SPEC, devices=(bare,)).has_figures
    del none[kept]
    assert replace(SPEC, devices=(bare, replace(chip, **none, soc="Ascend910"))).has_figures


def test_throughput_is_measured_as_it_was_published_else_as_the_guide_does() -> None:
    chip = SPEC.devices[0]
    entries = tuple(replace(entry, mode="pure") for entry in chip.throughput[:1])
    spec = replace(SPEC, devices=(replace(chip, throughput=entries),), om=replace(SPEC.om, dataset_batches=(1, 16)))
    assert entries[0].batch == 1
    assert spec.throughput_mode(chip.soc, 1) == "pure"
    assert spec.throughput_mode("Ascend910", 1) == "dataset"
    assert [spec.throughput_mode(chip.soc, batch) for batch in (16, 4)] == ["dataset", "pure"]


def test_a_chip_is_found_by_its_own_name() -> None:
    assert [SPEC.device(chip.soc) for chip in SPEC.devices] == list(SPEC.devices)
    assert SPEC.device("Ascend") is None


def test_the_ends_are_named_and_typed_as_stated() -> None:
    spec = with_ends("float16", "float32")
    assert str(spec.input(4)) == f"{spec.onnx.input.name} float16 [4, 3, 224, 224]"
    assert str(spec.output()) == f"{spec.onnx.output.name} float32 [-1, {spec.classes}]"
