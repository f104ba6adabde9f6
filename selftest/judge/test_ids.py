"""Names with a structure are texts that know their parts, and stay what they are where they have none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.judge import ids
from tools.judge.gates import INVENTORY
from tools.judge.ids import ONNX, PTH, GateId, Variant, om

GATES = st.sampled_from([gate.id for gate in INVENTORY])
BATCHES = st.integers(1, 999_999_999)


@given(GATES, BATCHES, BATCHES)
def test_a_gate_and_its_batch_are_found_again(gate: GateId, batch: int, other: int) -> None:
    full = gate.at(batch)
    assert (full, full.gate, full.batch) == (f"{gate}[bs{batch}]", gate, batch)
    assert full.at(other) == gate.at(other)
    assert full.at(None) is full
    assert (gate.gate, gate.batch) == (gate, None)


@pytest.mark.parametrize(
    "text", ["", "a[bs]", "a[bs1", "a[1]", "a[bs-1]", "a[bs1] ", "a[bs01]", "a[bs0]", "a[bs1234567890]", "a[bs\u0663]"]
)
def test_what_is_no_batch_is_part_of_the_name(text: str) -> None:
    assert (GateId(text).gate, GateId(text).batch) == (text, None)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("pth.accuracy.ids", "pth"),
        ("onnx.accuracy.min_cosine", "onnx"),
        ("om.accuracy.top1_drop_pp[bs16]", "om_bs16"),
        ("om.compiled[bs16]", None),
        ("om.perf.reading[bs1]", None),
        ("checkpoint.md5", None),
        ("accuracy.", None),
        ("", None),
    ],
)
def test_a_gate_names_the_variant_that_it_is_about(name: str, variant: str | None) -> None:
    assert GateId(name).variant == variant


@given(BATCHES, st.sampled_from(["ids", "finite", "top1_drop_pp"]))
def test_a_variant_names_its_gates_and_they_name_it(batch: int, question: str) -> None:
    for variant in (PTH, ONNX, om(batch)):
        gate = variant.gate(question)
        assert (gate.variant, gate.batch) == (variant, variant.batch)
        assert gate.gate == f"{variant.kind}.accuracy.{question}"
    assert (om(batch), om(batch).batch, om(batch).kind) == (f"om_bs{batch}", batch, "om")


ODD_NAMES = [
    "",
    "om",
    "om_bs",
    "om_bs-1",
    "om_bs0",
    "om_bs016",
    "om_bs1x",
    "OM_bs1",
    "../pth",
    "pth ",
    "om_bs1234567890",
]


@pytest.mark.parametrize("text", ODD_NAMES)
def test_what_no_run_computes_is_no_known_variant(text: str) -> None:
    assert (Variant(text).batch, Variant(text).kind, Variant(text).known) == (None, text, False)
    assert PTH.known is ONNX.known is om(16).known is True


def test_names_are_texts_everywhere() -> None:
    assert {str(GateId("a")), "a"} == {GateId("a")}
    assert (json.dumps([GateId("a"), om(4)]), f"{om(4)}") == ('["a", "om_bs4"]', "om_bs4")


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("checkpoint.md5", "checkpoint"),
        ("onnx.logits_abs_error", "onnx"),
        ("onnx.accuracy.ids", "accuracy"),
        ("preprocessing.bins", "preprocessing"),
        ("om.compiled[bs16]", "om"),
        ("om.accuracy.top1_drop_pp[bs16]", "accuracy"),
        ("om.perf.reading[bs16]", "perf"),
        ("host.perf.onnx_to_torch[bs16]", "perf"),
    ],
)
def test_a_gate_names_its_stage(name: str, stage: str) -> None:
    assert GateId(name).stage == stage


def test_the_names_that_older_bundles_and_reports_use_stay() -> None:
    assert (PTH, ONNX) == ("pth", "onnx")
    assert [gate.id for gate in INVENTORY if gate.stage == "perf"] == [
        "host.perf.onnx_to_torch",
        "om.perf.reading",
        "om.perf.device_idle",
        "om.perf.outputs_abs_error",
        "om.perf.images_per_second_per_chip",
        "om.perf.plausible",
        "om.perf.operators",
    ]


def test_every_id_that_stands_here_is_in_the_inventory() -> None:
    named = {value for value in vars(ids).values() if isinstance(value, GateId)}
    accuracy = {gate.id for gate in INVENTORY if ".accuracy." in gate.id}
    assert named == {gate.id for gate in INVENTORY} - accuracy
