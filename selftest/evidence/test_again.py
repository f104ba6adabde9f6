"""Gates judged again: what each answer rests on, and where the record said otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from selftest.evidence.bundles import World, quickly_written
from selftest.evidence.tampering import Forgery, contents_of
from tools.judge.again import Judged, compare_gates, judge_gates
from tools.judge.bundle import Bundle, read_bundle
from tools.judge.checks import MADE, not_run
from tools.judge.gate import Basis
from tools.judge.gates import find
from tools.judge.results import Verdict, Word

WORLD = World(images=20, margin_pp=60.0, tight_pp=50.0, batches=(1, 4), runs=1)
KEYS, SHAPES = "checkpoint.keys", "checkpoint.shapes"
NO_FACTS = "no facts about the checkpoint"


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an accepted bundle."""
    return contents_of(quickly_written(WORLD, tmp_path_factory.mktemp("made") / "bundle"))


@pytest.fixture
def forgery(contents: dict[str, bytes]) -> Forgery:
    """A copy of it to be altered."""
    return Forgery(contents)


def again(forgery: Forgery) -> tuple[Bundle, dict[str, Judged]]:
    """The bundle, and its gates after judging again."""
    bundle = read_bundle("bundle", forgery.sealed())
    return bundle, {entry.id: entry for entry in judge_gates(bundle)}


def compared(forgery: Forgery) -> list[str]:
    """What the record says otherwise."""
    bundle, judged = again(forgery)
    compare_gates(bundle, judged.values())
    return bundle.problems


def leave_out(forgery: Forgery, gate: str) -> None:
    """Take a gate out of the record."""
    forgery.record["gates"] = [entry for entry in forgery.record["gates"] if entry["id"] != gate]


def not_reached(forgery: Forgery, gate: str) -> None:
    """A gate that the run did not come to."""
    forgery.gate(gate)["check"].update(verdict="NOT RUN", measured="-", detail="the stage was skipped")


def test_the_gates_of_a_whole_bundle_are_judged_as_they_were(forgery: Forgery) -> None:
    bundle, judged = again(forgery)
    assert [*judged] == [gate["id"] for gate in forgery.record["gates"]]
    for name, entry in judged.items():
        gate = find(name)
        assert (entry.result.stage, entry.check, entry.basis) == (gate.stage, bundle.gates[name], gate.basis)
        assert entry.remark == ""
    assert compared(forgery) == []
    assert {entry.basis for entry in judged.values()} == {Basis.RECOMPUTED, Basis.JUDGED_AGAIN}


@pytest.mark.parametrize("take_away", [leave_out, not_reached])
def test_a_failure_that_the_record_leaves_open_is_one(
    take_away: Callable[[Forgery, str], None], forgery: Forgery
) -> None:
    take_away(forgery, SHAPES)
    forgery.record["checkpoint"]["misshapen"] = ["x"]
    entry = again(forgery)[1][SHAPES]
    assert (entry.check.verdict, entry.check.measured) == (Verdict.FAIL, "1 of 16")
    assert entry.basis is Basis.RECOMPUTED
    assert entry.remark == "the record leaves it open, its evidence fails it"
    assert compared(forgery) == []


def test_a_gate_that_was_left_out_and_does_not_fail_stays_out(forgery: Forgery) -> None:
    leave_out(forgery, SHAPES)
    assert SHAPES not in again(forgery)[1]


def test_a_gate_that_was_not_run_stays_so_while_nothing_fails_it(forgery: Forgery) -> None:
    not_reached(forgery, SHAPES)
    bundle, judged = again(forgery)
    assert judged[SHAPES].check == bundle.gates[SHAPES]
    assert (judged[SHAPES].basis, judged[SHAPES].remark) == (Basis.AS_RECORDED, "")
    forgery.record["checkpoint"] = None
    assert again(forgery)[1][SHAPES].check.detail == "the stage was skipped"


@pytest.mark.parametrize("take_away", [leave_out, not_reached])
def test_fewer_images_fail_only_a_run_that_asked_for_all(
    take_away: Callable[[Forgery, str], None], forgery: Forgery
) -> None:
    gate = "preprocessing.dataset_complete"
    forgery.spec["dataset"]["images"]["exactly"] = 21.0
    assert again(forgery)[1][gate].check.verdict is Verdict.FAIL
    take_away(forgery, gate)
    left = again(forgery)[1].get(gate)
    assert left is None or left.check.verdict is Verdict.NOT_RUN


# --- A stage that died ---------------------------------------------------------------------------------------------


def _dies(**fields: Any) -> Callable[[Forgery], None]:  # noqa: ANN401 - any JSON
    """A gate that ended with its stage's error, or says something else."""
    died = {"verdict": "FAIL", "threshold": MADE, "measured": "failed", "detail": "no such file", **fields}

    def alter(forgery: Forgery) -> None:
        forgery.gate(SHAPES)["check"].update(died)

    return alter


def test_an_error_of_a_stage_needs_no_proof(forgery: Forgery) -> None:
    _dies()(forgery)
    bundle, judged = again(forgery)
    assert judged[SHAPES].check == bundle.gates[SHAPES]
    assert (judged[SHAPES].basis, judged[SHAPES].remark) == (Basis.AS_RECORDED, "")
    assert compared(forgery) == []


@pytest.mark.parametrize("fields", [{"verdict": "PASS", "detail": ""}, {"threshold": "== 0"}, {"measured": "1 of 16"}])
def test_what_only_looks_like_one_is_judged_again(fields: dict[str, str], forgery: Forgery) -> None:
    _dies(**fields)(forgery)
    assert again(forgery)[1][SHAPES].check.verdict is Verdict.PASS
    assert any(line.startswith(f"gate {SHAPES}: ") for line in compared(forgery))


# --- Without evidence ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", list(Word))
def test_a_pass_without_evidence_is_not_counted(word: Word, forgery: Forgery) -> None:
    forgery.record["checkpoint"] = None
    forgery.record["verdict"]["word"] = word
    recorded = forgery.gate(SHAPES)["check"]
    bundle, judged = again(forgery)
    remark = f"PASS is recorded, but {NO_FACTS}"
    expected = not_run(NO_FACTS, threshold=recorded["threshold"], unit=recorded["unit"])
    assert judged[SHAPES].check == expected
    assert (judged[SHAPES].basis, judged[SHAPES].remark) == (Basis.AS_RECORDED, f"{remark}: not counted")
    whole = word not in (Word.REJECTED, Word.INCOMPLETE)
    assert (f"gate {SHAPES}: {remark}" in bundle.problems) is whole


def test_a_failure_without_evidence_is_one_and_no_problem(forgery: Forgery) -> None:
    forgery.record["checkpoint"] = None
    forgery.gate(SHAPES)["check"].update(verdict="FAIL", measured="1 of 16", detail="x")
    bundle, judged = again(forgery)
    assert judged[SHAPES].check == bundle.gates[SHAPES]
    assert (judged[SHAPES].basis, judged[SHAPES].remark) == (Basis.AS_RECORDED, "")
    assert not [line for line in bundle.problems if SHAPES in line]


# --- The recorded answers ------------------------------------------------------------------------------------------


def test_each_difference_of_a_check_is_named(forgery: Forgery) -> None:
    forgery.gate(KEYS)["check"].update(measured=f"gate {KEYS}.x", threshold="few")
    assert compared(forgery) == [
        f"gate {KEYS}: measured: 'gate {KEYS}.x' recorded, '0 of 16' recomputed",
        f"gate {KEYS}: threshold: 'few' recorded, '== 0' recomputed",
    ]


def test_a_gate_of_no_inventory_is_named(forgery: Forgery) -> None:
    forgery.gate(KEYS)["id"] = "checkpoint.kys"
    assert "gate checkpoint.kys is not in the inventory of this port" in compared(forgery)


def test_a_gate_of_another_batch_is_not_in_the_inventory(forgery: Forgery) -> None:
    forgery.gate("om.ran[bs4]")["id"] = "om.ran[bs64]"
    assert compared(forgery) == ["gate om.ran[bs64] is not in the inventory of this port"]


def test_a_gate_of_another_stage_is_named(forgery: Forgery) -> None:
    forgery.gate(KEYS)["stage"] = "om"
    assert compared(forgery) == [f"gate {KEYS}: stage om recorded, it is checkpoint"]


def test_where_a_device_is_asked_for_a_simulators_gates_are_not_all(forgery: Forgery) -> None:
    forgery.record["target"] = "simulator"
    forgery.record["toolkit"]["target"] = "simulator"
    found = compared(forgery)
    assert "gate om.perf.images_per_second_per_chip[bs1] is not in the inventory of this port" in found
