"""When a step dies its own gate is red, the gates behind it are blocked, and no FAIL is ever lost."""

from __future__ import annotations

import itertools

import pytest

from tools.base.errors import CheckpointError, OmError, SpecError, Stage, SuiteError
from tools.judge.checks import made, not_run
from tools.judge.ids import CHECKPOINT_LOADS, CHECKPOINT_MD5, OM_COMPILED, OM_RAN, GateId
from tools.judge.results import Check, GateResult, Verdict
from tools.pipeline.outcomes import after_error, in_words, keep, result

DIED = OmError("atc died", gate=OM_COMPILED.at(16), where="log.txt")
BLOCKED = "blocked by: om (om.compiled[bs16]): log.txt: atc died"


def undecided(name: GateId, words: str) -> GateResult:
    """A gate that could not be decided."""
    return result(name, not_run(words, threshold="-", unit="-"))


def test_an_answer_has_the_stage_of_its_gate() -> None:
    found = result("om.ran[bs16]", made("3 outputs"))
    assert found == GateResult(id=OM_RAN.at(16), stage=Stage.OM, check=made("3 outputs"))
    assert isinstance(found.id, GateId)
    with pytest.raises(KeyError):
        result("no.such.gate", made(""))


def test_the_gate_that_an_error_names_is_red_and_the_one_that_was_asked_is_blocked() -> None:
    red = result(OM_COMPILED.at(16), made("log.txt: atc died", failed=True))
    assert after_error(OM_RAN.at(16), DIED) == (red, undecided(OM_RAN.at(16), BLOCKED))
    assert after_error(OM_COMPILED.at(16), DIED) == (red,)
    assert after_error(None, DIED) == (red,)


def test_the_same_gate_at_another_batch_size_is_another_gate() -> None:
    assert [found.id for found in after_error(OM_COMPILED.at(1), DIED)] == ["om.compiled[bs16]", "om.compiled[bs1]"]


@pytest.mark.parametrize("error", [SuiteError("odd"), SpecError("odd"), ValueError("odd"), KeyboardInterrupt("odd")])
def test_an_error_without_a_gate_leaves_the_gate_undecided_and_no_other_red(error: BaseException) -> None:
    words = f"{type(error).__name__}: odd"
    assert after_error(CHECKPOINT_LOADS, error) == (undecided(CHECKPOINT_LOADS, words),)
    assert after_error(None, error) == ()


def test_an_error_is_told_in_full_where_it_belongs_and_once_elsewhere() -> None:
    error = CheckpointError("not it", gate=CHECKPOINT_MD5)
    assert in_words(CHECKPOINT_MD5, error) == in_words(CHECKPOINT_MD5, error, again=True) == "CheckpointError: not it"
    assert in_words(CHECKPOINT_LOADS, error) == "blocked by: checkpoint (checkpoint.md5): not it"
    assert in_words(CHECKPOINT_LOADS, error, again=True) == "blocked by: checkpoint (checkpoint.md5)"
    assert in_words(None, error) == "blocked by: checkpoint (checkpoint.md5): not it"
    assert in_words(CHECKPOINT_MD5, SuiteError("odd")) == "SuiteError: odd"
    assert in_words(CHECKPOINT_MD5, SuiteError("odd"), again=True) == "SuiteError, as above"
    assert in_words(CHECKPOINT_MD5, ValueError("odd"), again=True) == "ValueError, as above"


def answer(verdict: Verdict, measured: str) -> GateResult:
    """An answer of one gate, told from others by what was measured."""
    return result(CHECKPOINT_MD5, Check(measured=measured, threshold="", unit="", verdict=verdict))


@pytest.mark.parametrize(("first", "second"), list(itertools.product(Verdict, repeat=2)))
def test_the_later_answer_of_a_gate_counts_but_a_fail_stays(first: Verdict, second: Verdict) -> None:
    known: dict[GateId, GateResult] = {}
    keep(known, [answer(first, "first")])
    keep(known, [result(CHECKPOINT_LOADS, made("x")), answer(second, "second")])
    assert list(known) == [CHECKPOINT_MD5, CHECKPOINT_LOADS]
    assert known[CHECKPOINT_MD5].check.measured == ("first" if first is Verdict.FAIL else "second")
