"""The last word of a run is never stronger than its gates and what they were decided on."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from tools.base.errors import Stage
from tools.judge.gates import INVENTORY, Asked, expected
from tools.judge.ids import GateId
from tools.judge.results import Check, GateResult, RunVerdict, Verdict, Word
from tools.judge.run import judge_run
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec

MISSING = tuple(map(GateId, "abc"))


def result(name: str, verdict: Verdict) -> GateResult:
    """A gate that ended so."""
    return GateResult(
        id=GateId(name), stage=Stage.OM, check=Check(measured=0.0, threshold="<= 1", unit="x", verdict=verdict)
    )


def word(*verdicts: Verdict, sample: bool = False, simulated: bool = False, unpinned: bool = False) -> Word:
    """The last word over gates a, b, c that ended so."""
    results = [result(name, verdict) for name, verdict in zip(MISSING, verdicts, strict=False)]
    return judge_run(MISSING, results, sample=sample, simulated=simulated, unpinned=unpinned).word


GOOD = {Verdict.PASS, Verdict.NOT_JUDGED}
WEAK = list(itertools.product([False, True], repeat=3))


@pytest.mark.parametrize("verdicts", list(itertools.product(Verdict, repeat=3)))
@pytest.mark.parametrize(("sample", "simulated", "unpinned"), WEAK)
def test_the_truth_table(verdicts: tuple[Verdict, ...], sample: bool, simulated: bool, unpinned: bool) -> None:
    found = word(*verdicts, sample=sample, simulated=simulated, unpinned=unpinned)
    if Verdict.FAIL in verdicts:
        assert found is Word.REJECTED
    elif set(verdicts) - GOOD or Verdict.PASS not in verdicts:
        assert found is Word.INCOMPLETE
    elif simulated:
        assert found is Word.SIMULATED
    elif sample:
        assert found is Word.SAMPLE
    else:
        assert found is (Word.UNPINNED if unpinned else Word.ACCEPTED)


def test_accepted_needs_every_gate_a_device_no_sample_and_known_weights() -> None:
    accepted = [
        (verdicts, weak)
        for verdicts in itertools.product([*Verdict, None], repeat=3)
        for weak in WEAK
        if _given(verdicts, weak) is Word.ACCEPTED and None not in verdicts
    ]
    by_hand = list(itertools.product((Verdict.PASS, Verdict.NOT_JUDGED), repeat=3))[:-1]
    assert accepted == [(verdicts, (False, False, False)) for verdicts in by_hand]


def _given(verdicts: tuple[Verdict | None, ...], weak: tuple[bool, ...]) -> Word:
    sample, simulated, unpinned = weak
    given = [verdict for verdict in verdicts if verdict is not None]
    return word(*given, sample=sample, simulated=simulated, unpinned=unpinned)


def test_what_nobody_published_is_neither_passed_nor_missing() -> None:
    results = [result("a", Verdict.PASS), result("b", Verdict.NOT_JUDGED), result("c", Verdict.PASS)]
    verdict = judge_run(MISSING, results, sample=False, simulated=False)
    assert (verdict.word, verdict.passed, verdict.missing, verdict.not_judged) == (Word.ACCEPTED, 2, (), ("b",))


def test_a_run_that_judged_nothing_is_never_accepted() -> None:
    results = [result(name, Verdict.NOT_JUDGED) for name in MISSING]
    assert judge_run(MISSING, results, sample=False, simulated=False).word is Word.INCOMPLETE


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_gate_without_a_result_is_owed(count: int) -> None:
    verdict = judge_run(
        MISSING, [result(name, Verdict.PASS) for name in MISSING[:count]], sample=False, simulated=False
    )
    assert (verdict.word, verdict.missing, verdict.passed) == (Word.INCOMPLETE, MISSING[count:], count)


def test_a_run_that_decided_nothing_is_never_accepted() -> None:
    assert judge_run([], [], sample=False, simulated=False).word is Word.INCOMPLETE


def test_an_interrupted_run_is_incomplete_though_every_gate_passed() -> None:
    results = [result(name, Verdict.PASS) for name in MISSING]
    verdict = judge_run(MISSING, results, sample=False, simulated=False, interrupted=True)
    assert (verdict.word, verdict.missing) == (Word.INCOMPLETE, ())
    failed = [*results, result("d", Verdict.FAIL)]
    assert judge_run(MISSING, failed, sample=False, simulated=False, interrupted=True).word is Word.REJECTED


def test_remarks_stand_beside_the_word_and_change_nothing() -> None:
    results = [result(name, Verdict.PASS) for name in MISSING]
    plain = judge_run(MISSING, results, sample=False, simulated=False)
    assert plain.remarks == ()
    remarked = judge_run(MISSING, results, sample=False, simulated=False, remarks=["by the way", "another"])
    assert remarked == dataclasses.replace(plain, remarks=("by the way", "another"))


def test_a_verdict_has_no_remarks_unless_given() -> None:
    verdict = RunVerdict(Word.ACCEPTED, False, False, False, 1, (), (), ())
    assert verdict.remarks == ()
    assert verdict.made_on == ()


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
    ("sample", "simulated", "unpinned", "banner"),
    [
        (False, False, False, "REJECTED"),
        (True, False, False, "REJECTED (SAMPLE)"),
        (False, True, False, "REJECTED (SIMULATED)"),
        (False, False, True, "REJECTED (UNPINNED)"),
        (True, True, True, "REJECTED (SIMULATED, SAMPLE, UNPINNED)"),
    ],
)
def test_the_banner_says_what_the_evidence_was_made_on(
    sample: bool, simulated: bool, unpinned: bool, banner: str
) -> None:
    failed = [result("a", Verdict.FAIL)]
    verdict = judge_run(MISSING, failed, sample=sample, simulated=simulated, unpinned=unpinned)
    assert verdict.banner == banner


def test_the_banner_says_each_thing_once() -> None:
    results = [result(name, Verdict.PASS) for name in MISSING]
    assert judge_run(MISSING, results, sample=False, simulated=True).banner == "SIMULATED"
    assert judge_run(MISSING, results, sample=True, simulated=True).banner == "SIMULATED (SAMPLE)"
    assert judge_run(MISSING, results, sample=True, simulated=False).banner == "SAMPLE"
    assert judge_run(MISSING, results, sample=True, simulated=False, unpinned=True).banner == "SAMPLE (UNPINNED)"
    assert judge_run(MISSING, results, sample=False, simulated=False, unpinned=True).banner == "UNPINNED"


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


def test_each_digest_that_a_port_states_is_a_gate_and_no_other() -> None:
    spec = load_spec(PUBLISHED_SPEC)
    for stated in ({"md5": "0" * 32}, {"sha256": "0" * 64}, {"sha256_prefix": "0" * 8}, {}):
        checkpoint = dataclasses.replace(spec.checkpoint, md5=None)
        asked = dataclasses.replace(spec, checkpoint=dataclasses.replace(checkpoint, **stated))
        found = {name for name in expected(Asked(asked, on_device=True)) if name.startswith("checkpoint.")}
        digests = {"checkpoint.md5"} if "md5" in stated else {"checkpoint.sha256"} if stated else set()
        assert found & {"checkpoint.md5", "checkpoint.sha256"} == digests
        assert asked.checkpoint.pinned is bool(stated)


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
