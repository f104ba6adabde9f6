"""What follows from a port's types, batches and chips: bounds by arithmetic, files by batch, figures by chip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tools.judge import records
from tools.judge.spec import Spec
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
