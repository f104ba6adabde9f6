"""The last word of a run is never stronger than its gates and what they were decided on."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from tools.base.errors import Stage
from tools.judge.gates import INVENTORY, Asked, expected
from tools.judge.ids import GateId
from tools.judge.results import Check, GateResult, Verdict, Word
from tools.judge.run import judge_run
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec

MISSING = tuple(map(GateId, "abc"))


def result(name: str, verdict: Verdict) -> GateResult:
    """A gate that ended so."""
    return GateResult(
        id=GateId(name), stage=Stage.OM, check=Check(measured=0.0, threshold="<= 1", unit="x", verdict=verdict)
    )


def word(*verdicts: Verdict, sample: bool = False, simulated: bool = False) -> Word:
    """The last word over gates a, b, c that ended so."""
    results = [result(name, verdict) for name, verdict in zip(MISSING, verdicts, strict=False)]
    return judge_run(MISSING, results, sample=sample, simulated=simulated).word


PASSED = (Verdict.PASS,) * 3


@pytest.mark.parametrize("verdicts", list(itertools.product(Verdict, repeat=3)))
@pytest.mark.parametrize(("sample", "simulated"), list(itertools.product([False, True], repeat=2)))
def test_the_truth_table(verdicts: tuple[Verdict, ...], sample: bool, simulated: bool) -> None:
    found = word(*verdicts, sample=sample, simulated=simulated)
    if Verdict.FAIL in verdicts:
        assert found is Word.REJECTED
    elif verdicts != PASSED:
        assert found is Word.INCOMPLETE
    elif simulated:
        assert found is Word.SIMULATED
    else:
        assert found is (Word.SAMPLE if sample else Word.ACCEPTED)


def test_accepted_needs_every_gate_a_device_and_no_sample() -> None:
    accepted = [
        (verdicts, sample, simulated)
        for verdicts in itertools.product([*Verdict, None], repeat=3)
        for sample, simulated in itertools.product([False, True], repeat=2)
        if word(*_given(verdicts), sample=sample, simulated=simulated) is Word.ACCEPTED and None not in verdicts
    ]
    assert accepted == [(PASSED, False, False)]


def _given(verdicts: tuple[Verdict | None, ...]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict is not None]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_gate_without_a_result_is_owed(count: int) -> None:
    verdict = judge_run(
        MISSING, [result(name, Verdict.PASS) for name in MISSING[:count]], sample=False, simulated=False
    )
    assert (verdict.word, verdict.missing, verdict.passed) == (Word.INCOMPLETE, MISSING[count:], count)


def test_a_run_that_decided_nothing_is_never_accepted() -> None:
    assert judge_run([], [], sample=False, simulated=False).word is Word.INCOMPLETE


def test_a_failure_beyond_the_inventory_rejects() -> None:
    results = [result(name, Verdict.PASS) for name in MISSING] + [result("stranger", Verdict.FAIL)]
    verdict = judge_run(MISSING, results, sample=False, simulated=False)
    assert (verdict.word, verdict.failed) == (Word.REJECTED, ("stranger",))


def test_a_pass_beyond_the_inventory_pays_for_no_other() -> None:
    results = [result(name, Verdict.PASS) for name in ("a", "b", "stranger")]
    assert judge_run(MISSING, results, sample=False, simulated=False).missing == ("c",)


def test_a_gate_that_passed_and_failed_has_failed() -> None:
    results = [result(name, Verdict.PASS) for name in MISSING] + [result("a", Verdict.FAIL)]
    assert judge_run(MISSING, results, sample=False, simulated=False).word is Word.REJECTED


@pytest.mark.parametrize(
    ("sample", "simulated", "banner"),
    [
        (False, False, "REJECTED"),
        (True, False, "REJECTED (SAMPLE)"),
        (False, True, "REJECTED (SIMULATED)"),
        (True, True, "REJECTED (SIMULATED, SAMPLE)"),
    ],
)
def test_the_banner_says_what_the_evidence_was_made_on(sample: bool, simulated: bool, banner: str) -> None:
    verdict = judge_run(MISSING, [result("a", Verdict.FAIL)], sample=sample, simulated=simulated)
    assert verdict.banner == banner


def test_the_banner_says_each_thing_once() -> None:
    results = [result(name, Verdict.PASS) for name in MISSING]
    assert judge_run(MISSING, results, sample=False, simulated=True).banner == "SIMULATED"
    assert judge_run(MISSING, results, sample=True, simulated=True).banner == "SIMULATED (SAMPLE)"
    assert judge_run(MISSING, results, sample=True, simulated=False).banner == "SAMPLE"


def test_a_device_owes_more_than_a_simulator_and_the_sample_its_own_integrity() -> None:
    published, sample = load_spec(PUBLISHED_SPEC), load_spec(SAMPLE_SPEC)
    on_device = set(expected(Asked(published, on_device=True)))
    off_device = set(expected(Asked(published, on_device=False)))
    assert off_device < on_device
    assert "om.perf.images_per_second_per_chip[bs16]" in on_device - off_device
    assert set(expected(Asked(sample, on_device=False))) - on_device == {
        "checkpoint.content_sha256",
        "preprocessing.images_sha256",
    }


def test_a_published_model_owes_its_floors_even_to_a_spec_without_machine_classes() -> None:
    bare = dataclasses.replace(load_spec(PUBLISHED_SPEC), devices=())
    assert "om.perf.images_per_second_per_chip[bs16]" in expected(Asked(bare, on_device=True))


@pytest.mark.parametrize("on_device", [False, True])
def test_every_batch_of_the_spec_has_each_gate_of_a_batch(on_device: bool) -> None:
    spec = load_spec(PUBLISHED_SPEC)
    missing = expected(Asked(spec, on_device=on_device))
    assert len(set(missing)) == len(missing)
    for gate in INVENTORY:
        mine = [name for name in missing if name.partition("[")[0] == gate.id]
        assert len(mine) in ({0, len(spec.batches)} if gate.per_batch else {0, 1})
