"""Sections of a spec read from the least that a port may state: what is left out, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tools.judge import numbers, records, spec, spec_data, spec_model, spec_onnx, spec_policies
from tools.judge.machine_class import Device, DeviceBatch, check_percents
from tools.judge.numbers import AtMost, Exactly, Fact, check_unique
from tools.judge.spec_model import Checkpoint, Model
from tools.judge.spec_onnx import Onnx, Tensor, TensorSpec
from tools.judge.spec_policies import Accuracy, Om, ThroughputRuns

SAID = {"unit": "unit", "source": "source"}
FACT = {"value": 1.5, **SAID}
BOUND = {"at_most": 0.5, **SAID}
ONNX = {
    "opset": {"exactly": 11, **SAID},
    "input": {"name": "image"},
    "output": {"name": "class"},
    "probe_images": 16,
    "logits_abs_error": BOUND,
    "batch_invariance_abs_error": BOUND,
}
OM = {
    "dataset_batches": [1, 16],
    "throughput_runs": {"dataset": 1, "pure": 2},
    "reported_rate_error_percent": BOUND,
    "batch_invariance_abs_error": BOUND,
    "batch_invariance_abs_error_on_device": BOUND,
}
DEVICE = {
    "soc": "Ascend310",
    "chips_per_card": 4,
    **dict.fromkeys(
        ("floor_margin_percent", "ceiling_margin_percent", "noise_cv_percent", "peak_fp16_tflops_per_chip"), FACT
    ),
    **dict.fromkeys(("om_top1_error_pp", "om_top5_error_pp"), BOUND),
}


def refused(kind: type, document: Any) -> str:  # noqa: ANN401 - plain values
    """What a section is refused with."""
    with pytest.raises(records.RecordError) as caught:
        records.read(kind, document)
    return str(caught.value)


def test_the_spec_offers_every_section_by_its_own_name() -> None:
    modules = (spec_data, spec_model, spec_onnx, spec_policies, spec)
    sections = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    }
    assert {getattr(spec, name) for name in spec.__all__} == sections | {spec_data.MOST_IMAGES}
    assert {cls.__name__ for cls in sections} | {"MOST_IMAGES"} == set(spec.__all__)


def test_a_network_of_which_little_is_known() -> None:
    made = records.read(Model, {"name": "Net", "source": "torchvision:resnet_18"})
    assert made == Model("Net", "torchvision:resnet_18", {}, 0, None, None)


NETWORKS = (
    "torchvision:a",
    "torchvision:resnet50_v2",
    "timm:a.B_9",
    "python:net.py:make",
    "python:a-b/C_9/net.v2.py:_Make9",
    "python:package.net:make",
)


@pytest.mark.parametrize("source", NETWORKS)
def test_a_network_is_named_by_a_library_or_by_a_function(source: str) -> None:
    assert records.read(Model, {"name": "Net", "source": source}).source == source


@pytest.mark.parametrize(
    "source",
    [
        *(network.upper() for network in NETWORKS),
        *(f" {network}" for network in NETWORKS),
        *(f"{network} " for network in NETWORKS),
        *(f"{network}\n" for network in NETWORKS),
        "torchvision:",
        "torchvision:Resnet",
        "timm:",
        "timm:a b",
        "python:net.py",
        "python:net.py:9make",
        "python:../net.py:make",
        "python:a//net.py:make",
        "python::make",
        "",
    ],
)
def test_a_network_of_no_such_name_is_refused(source: str) -> None:
    assert "at `$.source`" in refused(Model, {"name": "Net", "source": source})


def test_a_checkpoint_of_which_nothing_but_its_name_is_known() -> None:
    made = records.read(Checkpoint, {"file": "a.pth", "source": "guide"})
    assert made == Checkpoint("a.pth", "guide", None, None, None, None, None, None, None)
    assert made.pinned is False


def test_a_digest_alone_needs_no_prefix_and_a_prefix_no_digest() -> None:
    for key, digest in {"sha256": "a" * 64, "sha256_prefix": "b" * 8}.items():
        assert records.read(Checkpoint, {"file": "a.pth", "source": "guide", key: digest}).pinned


def test_a_tensor_in_words() -> None:
    assert str(Tensor("image", "float32", (-1, 3, 4, 5))) == "image float32 [-1, 3, 4, 5]"
    assert records.read(TensorSpec, {"name": "image"}).dtype == "float32"


def test_an_onnx_file_is_dynamic_with_one_output_unless_stated() -> None:
    made = records.read(Onnx, ONNX)
    assert (made.batch, made.outputs, made.graph_step) == ("dynamic", (), None)
    assert (made.all_outputs, made.judged_output) == (("class",), 0)
    assert (made.handed_in, made.weights_differ, made.arithmetic) == (None, (), "float")


def test_weights_of_a_file_that_is_handed_in_are_declared_by_name_with_a_reason() -> None:
    declared = {"weights_differ": ["features.*", "bias"], "reason": "int8 by AMCT"}
    assert records.read(Onnx, {**ONNX, "handed_in": declared}).weights_differ == ("features.*", "bias")


@pytest.mark.parametrize(
    ("names", "reason", "why"),
    [
        ([], "quantised", "weights_differ is empty"),
        (["a", "b", "a"], "quantised", "weights_differ holds a more than once"),
        (["a"], "...", "reason says nothing"),
    ],
)
def test_a_declaration_that_says_nothing_is_refused(names: list[str], reason: str, why: str) -> None:
    declared = {"weights_differ": names, "reason": reason}
    assert refused(Onnx, {**ONNX, "handed_in": declared}) == f"{why} - at `$.handed_in`"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"opset": {"exactly": 6, **SAID}}, "opset is 6.0, it must be a whole number in 7..25"),
        ({"opset": {"exactly": 26, **SAID}}, "opset is 26.0, it must be a whole number in 7..25"),
        ({"opset": {"exactly": 7.5, **SAID}}, "opset is 7.5, it must be a whole number in 7..25"),
        ({"outputs": ["a", "class", "a"]}, "outputs holds a more than once"),
        ({"outputs": ["a", "b"]}, "output class is none of outputs a, b"),
    ],
)
def test_an_onnx_file_that_cannot_be_is_refused(changes: dict[str, Any], why: str) -> None:
    assert refused(Onnx, {**ONNX, **changes}) == why


def test_accuracies_that_nobody_published() -> None:
    keys = ("pth_top1_error_pp", "pth_top5_error_pp", "top1_drop_pp", "top5_drop_pp", "tight_drop_pp")
    bounds = {**dict.fromkeys((*keys, "reference_abs_error"), BOUND), "reference_probe_images": 16}
    made = records.read(Accuracy, bounds)
    assert (made.pth_top1, made.pth_top5) == (None, None)


def test_an_om_is_for_the_devices_own_chip_unless_stated() -> None:
    made = records.read(Om, OM)
    assert (made.soc, made.atc_extra_args, made.arithmetic) == (None, (), "float")
    assert records.read(ThroughputRuns, OM["throughput_runs"]) == ThroughputRuns(dataset=1, pure=2)


def test_flags_that_atc_cannot_be_given_are_refused_with_the_om() -> None:
    assert refused(Om, {**OM, "atc_extra_args": ["--a=1", "--a=2"]}).startswith("atc_extra_args gives --a 2 times")


def test_a_chip_for_which_nothing_was_published() -> None:
    made = records.read(Device, DEVICE)
    assert (made.om_top1, made.om_top5, made.throughput) == (None, None, ())
    assert (made.published(1), made.ceiling(1, None)) == (None, None)


def test_a_figure_of_the_chip_needs_none_of_the_card() -> None:
    made = records.read(DeviceBatch, {"batch": 1, "mode": "pure", "images_per_second_per_chip": FACT})
    assert made.images_per_second_per_card is None
    assert records.read(Device, {**DEVICE, "throughput": [records.plain(made)]}).published(1) == made


@pytest.mark.parametrize(
    ("margin", "why"),
    [
        ({"floor_margin_percent": {**FACT, "value": 100}}, "floor_margin_percent is 100.0, it must lie in 0..100"),
        ({"noise_cv_percent": {**FACT, "value": 26}}, "noise_cv_percent is 26.0, it must lie in 0..25"),
    ],
)
def test_a_margin_that_leaves_nothing_is_refused(margin: dict[str, Any], why: str) -> None:
    assert refused(Device, {**DEVICE, **margin}) == why


@pytest.mark.parametrize(
    ("card", "fits"), [(6.0, True), (6.0004, True), (5.9996, True), (6.001, False), (5.999, False)]
)
def test_a_card_is_as_fast_as_its_chips_up_to_rounding(card: float, fits: bool) -> None:
    batch = {"batch": 1, "mode": "pure", "images_per_second_per_chip": FACT}
    document = {**DEVICE, "throughput": [{**batch, "images_per_second_per_card": {**FACT, "value": card}}]}
    if fits:
        assert records.read(Device, document).throughput
    else:
        assert refused(Device, document) == f"batch 1: card {card} is not 4 x chip 1.5"


def fact(value: float) -> Fact:
    """A published figure."""
    return Fact(value=value, unit="percent", source="guide")


@pytest.mark.parametrize(("top1", "top5"), [(None, None), (50, None), (None, 50), (50, 50), (50, 51), (0, 100)])
def test_accuracies_in_order_are_percents(top1: float | None, top5: float | None) -> None:
    check_percents("om", None if top1 is None else fact(top1), None if top5 is None else fact(top5))


@pytest.mark.parametrize(
    ("top1", "top5", "said"),
    [
        (fact(51), fact(50), "om_top1 51 and om_top5 50"),
        (fact(100.5), None, "om_top1 100.5"),
        (None, fact(100.5), "om_top5 100.5"),
    ],
)
def test_accuracies_that_are_no_percents_are_named(top1: Fact | None, top5: Fact | None, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)} are not percents in order$"):
        check_percents("om", top1, top5)


def test_a_value_that_stands_twice_is_named_with_its_list() -> None:
    check_unique([1, 2, 3], "batches")
    check_unique([], "batches")
    with pytest.raises(ValueError, match=r"^batches holds 2 more than once$"):
        check_unique([1, 2, 2, 3, 3], "batches")


NAMED = {
    "Text": (("a", " "), ("",)),
    "Md5": (("0123456789abcdef" * 2,), ("0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 32 + "\n")),
    "Sha256": (("0123456789abcdef" * 4,), ("0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n")),
    "Sha256Prefix": (("0123abcd", "f" * 63), ("0" * 7, "0" * 64, "A" * 8, "g" * 8, "0" * 8 + "\n")),
    "PlainName": (("a", "Z", "9", "a.B_c-9"), ("", ".a", "_a", "-a", "a/b", "a b", "é", "a\n")),
    "TensorName": (("a", "Z", "9", "_", ".", "a.B/c-_9"), ("", "/a", "-a", "a b", "a:b", "é", "a\n")),
    "Place": (
        ("python:a.py:f", "python:A-b_9/c/d.py:_F9", "python:pack.mod:f"),
        (
            "",
            "a.py:f",
            "python:/a.py:f",
            "python:../a.py:f",
            "python:a.py",
            "python:a.py:9f",
            "PYTHON:a.py:f",
            " x",
            "python:a.py:f\n",
            "python:a.py:f-g",
            "xpython:a.py:f",
        ),
    ),
    "Positive": ((1, 1_000_000), (0, -1, 1_000_001)),
    "ProbeImages": ((16, 17), (15, 0)),
    "Rounds": ((3, 4), (2, 0)),
    "NotNegative": ((0.0, 0.5, 1e18), (-0.5, 2e18)),
    "Deviation": ((0.25,), (0.0, -1.0)),
}
CASES = [(name, value, True) for name, (taken, _) in NAMED.items() for value in taken] + [
    (name, value, False) for name, (_, refused_) in NAMED.items() for value in refused_
]


@pytest.mark.parametrize(("name", "value", "fits"), CASES)
def test_a_simple_value_follows_its_rule(name: str, value: object, fits: bool) -> None:
    if fits:
        assert records.read(getattr(numbers, name), value) == value
    else:
        refused(getattr(numbers, name), value)


@pytest.mark.parametrize("kind", [Fact, Exactly, AtMost, numbers.AtLeast])
def test_a_number_without_a_reason_has_none(kind: type[Any]) -> None:
    assert kind(1.0, "unit", "source").reason is None
