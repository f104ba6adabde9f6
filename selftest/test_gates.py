"""The inventory and the tests are the same list: each gate is decided by one test, each test decides one gate."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.base.errors import Stage
from tools.base.files import ROOT
from tools.judge.basis import MadeBy
from tools.judge.checks import made
from tools.judge.gate import Basis, Gate, Where
from tools.judge.gates import COMPARED, INVENTORY, Asked, applies, asked_of, compared_variant, expected, find, in_order
from tools.judge.ids import GateId, Variant
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec

LISTING = """\
import sys
import pytest

class Lister:
    def pytest_collection_modifyitems(self, items):
        for item in items:
            gate = item.get_closest_marker("gate")
            marks = ",".join(sorted(mark.name for mark in item.iter_markers()))
            batch = item.callspec.params.get("batch") if hasattr(item, "callspec") else None
            print("ITEM", gate.args[0] if gate else "-", batch, marks, item.function.__name__)

    pytest_collection_modifyitems.tryfirst = True

sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[Lister()]))
"""


def collect(*words: str) -> list[tuple[str, str, set[str], str]]:
    """Gate, batch, markers and function of every test of tests/, as a child process collects them."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split(" ") for line in done.stdout.splitlines() if line.startswith("ITEM ")]
    return [(gate, batch, set(marks.split(",")), function) for _, gate, batch, marks, function in lines]


@pytest.fixture(scope="module")
def items() -> list[tuple[str, str, set[str], str]]:
    """Everything that tests/ holds, by the sample's spec."""
    return collect("--sample")


def test_ids_are_unique_and_name_their_stage_in_order() -> None:
    ids = [gate.id for gate in INVENTORY]
    assert len(set(ids)) == len(ids)
    stages = [gate.stage for gate in INVENTORY]
    assert stages == sorted(stages, key=list(Stage).index)
    assert {gate.stage for gate in INVENTORY} == set(Stage)


def test_every_gate_asks_a_question() -> None:
    assert all(gate.question.endswith("?") for gate in INVENTORY)


def test_a_question_about_predictions_says_whose_they_are() -> None:
    names = {"pth": "the checkpoint", "onnx": "the ONNX file", "om": "the OM"}
    for gate in INVENTORY:
        if ".accuracy." in gate.id:
            assert re.search(rf"\b{names[gate.id.partition('.')[0]]}\b", gate.question), gate.question
        assert gate.question[0].isupper()


def test_what_is_asked_in_some_runs_only() -> None:
    def asked(where: Where) -> set[str]:
        return {gate.id for gate in INVENTORY if gate.where is where}

    assert asked(Where.TENSORS) == {"checkpoint.content_sha256"}
    assert asked(Where.CONTENT) == {"preprocessing.images_sha256"}
    assert asked(Where.PROFILE) == {"om.perf.operators"}
    assert asked(Where.LABELS_PINNED) == {"preprocessing.labels_sha256"}
    assert asked(Where.JPEG) == {"preprocessing.jpeg", "preprocessing.info_size"}
    assert asked(Where.BINS) == {"preprocessing.bins", "preprocessing.bin_size"}
    logits = {f"om.accuracy.{name}" for name in COMPARED - {"top1_drop_pp", "top5_drop_pp"}}
    assert asked(Where.SAME_PIXELS) == logits
    assert asked(Where.REFERENCE_TAKEN) == {"pth.accuracy.reference_fits"}
    assert asked(Where.REFERENCE_ELSEWHERE) == {"pth.accuracy.reference_probe_abs_error"}
    published = {"om.accuracy.top1_error_pp", "om.accuracy.top5_error_pp"}
    assert asked(Where.DEVICE) == published | {"om.perf.images_per_second_per_chip", "om.perf.plausible"}


SYSTEMATIC = {"slope_error", "mean_error", "column_error", "image_slope_error"}


def test_what_an_offline_judge_counts_again_from_predictions_and_samples() -> None:
    as_measured = {
        "min_cosine",
        "mean_cosine_distance",
        "max_abs_error",
        "device_idle",
        "reference_fits",
        "reference_probe_abs_error",
        "outputs_abs_error",
    } | SYSTEMATIC
    for gate in INVENTORY:
        counted = gate.stage in (Stage.ACCURACY, Stage.PERF) and gate.id.rpartition(".")[2] not in as_measured
        assert gate.basis is (Basis.RECOMPUTED if counted else Basis.JUDGED_AGAIN), gate.id


def test_a_full_id_is_found_again() -> None:
    for gate in INVENTORY:
        assert find(gate.id.at(16 if gate.per_batch else None)) is gate
    with pytest.raises(KeyError):
        find("no.such.gate[bs1]")


def test_ids_are_put_into_the_order_of_the_inventory_strangers_last() -> None:
    names = [gate.id.at(4 if gate.per_batch else None) for gate in INVENTORY]
    assert in_order([GateId("no.such.gate"), *reversed(names)]) == [*names, "no.such.gate"]


def test_the_questions_that_compare() -> None:
    drops, logits = {"top1_drop_pp", "top5_drop_pp"}, {"min_cosine", "mean_cosine_distance", "max_abs_error"}
    assert drops | logits | SYSTEMATIC | {"flips_beyond_near_tie", "top5_set_changed_percent"} == COMPARED


def test_a_gate_that_compares_names_its_variant() -> None:
    for gate in INVENTORY:
        name = gate.id.at(8 if gate.per_batch else None)
        kind, stage, question = [*gate.id.split("."), "", ""][:3]
        compares = stage == "accuracy" and kind in ("onnx", "om") and question in COMPARED
        assert compared_variant(name) == (Variant("om_bs8" if kind == "om" else kind) if compares else None), name
    assert {gate.id for gate in INVENTORY if compared_variant(gate.id)} >= {
        "onnx.accuracy.top1_drop_pp",
        "onnx.accuracy.min_cosine",
    }
    assert compared_variant("pth.accuracy.ids") is compared_variant("om.accuracy.finite[bs1]") is None


def test_every_test_decides_a_gate_of_the_inventory(items: list[tuple[str, str, set[str], str]]) -> None:
    assert {gate for gate, *_ in items} <= {gate.id for gate in INVENTORY}


def test_every_gate_is_decided_by_one_test(items: list[tuple[str, str, set[str], str]]) -> None:
    decided = Counter((gate, batch) for gate, batch, *_ in items)
    batches = load_spec(SAMPLE_SPEC).batches
    wanted = {(gate.id, str(batch)) for gate in INVENTORY for batch in (batches if gate.per_batch else (None,))}
    assert set(decided) == wanted
    assert set(decided.values()) == {1}


def test_every_test_has_its_stages_marker_and_that_of_accuracy_below_it(
    items: list[tuple[str, str, set[str], str]],
) -> None:
    for gate, _, marks, function in items:
        rests_on = {Stage.ACCURACY} if find(gate).stage is not Stage.PERF else set()
        assert marks & set(Stage) == {find(gate).stage} | rests_on, function


def test_what_needs_an_om_is_marked_so(items: list[tuple[str, str, set[str], str]]) -> None:
    for gate, _, marks, function in items:
        assert ("npu" in marks) == gate.startswith("om."), function


@pytest.mark.parametrize("path", [PUBLISHED_SPEC, SAMPLE_SPEC])
@pytest.mark.parametrize("on_device", [False, True])
def test_what_is_asked_is_what_applies(path: Path, on_device: bool) -> None:
    asked = Asked(load_spec(path), on_device=on_device)
    missing = {name.partition("[")[0] for name in expected(asked)}
    assert missing == {gate.id for gate in INVENTORY if applies(gate, asked)}


def asking(where: Where) -> Gate:
    """A gate that exists in these runs."""
    return Gate(GateId("x"), Stage.OM, "?", lambda evidence, batch: made("x"), Basis.RECOMPUTED, False, where)


def test_where_a_question_is_asked() -> None:
    published, sample = load_spec(PUBLISHED_SPEC), load_spec(SAMPLE_SPEC)
    assert all(applies(asking(Where.ALWAYS), Asked(spec, on_device=False)) for spec in (published, sample))
    for where in (Where.TENSORS, Where.CONTENT):
        assert [applies(asking(where), Asked(spec, on_device=True)) for spec in (published, sample)] == [False, True]
    assert [applies(asking(Where.DEVICE), Asked(published, on_device=there)) for there in (False, True)] == [
        False,
        True,
    ]
    assert not applies(asking(Where.DEVICE), Asked(sample, on_device=True)), "the sample's spec has no machine class"
    with_devices = dataclasses.replace(sample, devices=published.devices)
    assert applies(asking(Where.DEVICE), Asked(with_devices, on_device=True))
    for asked in (False, True):
        assert applies(asking(Where.PROFILE), Asked(sample, on_device=False, profile=asked)) is asked


BY_PORT: dict[str, set[Where]] = {
    "alexnet": {Where.FLOAT_BINS, Where.BINS, Where.SAME_PIXELS},
    "alexnet_aipp": {Where.AIPP, Where.BINS, Where.SAME_PIXELS},
    "alexnet_jpeg": {Where.AIPP, Where.JPEG},
}


@pytest.mark.parametrize("port", BY_PORT)
def test_what_the_chip_is_given_says_which_questions_are_asked(port: str) -> None:
    asked = Asked(load_spec(PUBLISHED_SPEC if port == "alexnet" else ROOT / "ports" / f"{port}.yaml"), on_device=True)
    wheres = (Where.FLOAT_BINS, Where.AIPP, Where.BINS, Where.JPEG, Where.SAME_PIXELS)
    assert {where for where in wheres if applies(asking(where), asked)} == BY_PORT[port]


def test_what_a_port_pins_and_changes_is_asked_for() -> None:
    spec: Any = load_spec(PUBLISHED_SPEC)
    pinned = dataclasses.replace(spec, dataset=dataclasses.replace(spec.dataset, labels_sha256="0" * 64))
    stepped = dataclasses.replace(spec, onnx=dataclasses.replace(spec.onnx, graph_step="python:a.py:f"))
    for where, other in ((Where.LABELS_PINNED, pinned), (Where.GRAPH_STEP, stepped)):
        assert [applies(asking(where), Asked(one, on_device=True)) for one in (spec, other)] == [False, True], where


def test_whose_predictions_of_the_checkpoint_count_says_how_they_are_looked_at() -> None:
    spec = load_spec(PUBLISHED_SPEC)
    looked_at = {
        made_by: [
            applies(asking(where), Asked(spec, on_device=True, reference=made_by))
            for where in (Where.REFERENCE_TAKEN, Where.REFERENCE_ELSEWHERE)
        ]
        for made_by in MadeBy
    }
    assert looked_at == {MadeBy.CPU: [False, False], MadeBy.CUDA: [False, True], MadeBy.OTHER_RUN: [True, True]}


@pytest.mark.parametrize("order", [1, -1])
def test_bundles_of_one_run_are_about_all_that_any_of_them_is(order: int) -> None:
    spec = load_spec(PUBLISHED_SPEC)
    parts: Any = [(MadeBy.CPU, True), (MadeBy.OTHER_RUN, False), (MadeBy.CUDA, False)][::order]
    bundles: Any = [
        SimpleNamespace(made_by=made_by, on_device=True, record=SimpleNamespace(profile=profile))
        for made_by, profile in parts
    ]
    asked = Asked(spec, on_device=True, reference=MadeBy.OTHER_RUN, profile=True)
    assert asked_of(spec, bundles) == asked
    alone: Any = [SimpleNamespace(made_by=MadeBy.CUDA, on_device=False, record=SimpleNamespace(profile=False))]
    assert asked_of(spec, alone) == Asked(spec, on_device=False, reference=MadeBy.CUDA)
    assert Asked(spec, on_device=False) == Asked(spec, on_device=False, reference=MadeBy.CPU, profile=False)


def test_an_unknown_marker_ends_the_collection(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("import pytest\n\n@pytest.mark.acuracy\ndef test_x(): pass\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            ROOT / "pytest.ini",
            "--collect-only",
            "-q",
            tmp_path,
            "-p",
            "no:cacheprovider",
        ],
        cwd=tmp_path,  # a path out of the checkout is refused inside it
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "'acuracy' not found in `markers` configuration option" in done.stdout


def test_every_marker_of_the_stages_is_described() -> None:
    text = (ROOT / "pytest.ini").read_text(encoding="utf-8")
    described = {line.split(":")[0].split("(")[0].strip() for line in text.splitlines() if line.startswith("    ")}
    assert described == {"gate", "nightly", "npu", "reference", "slow", *Stage}
