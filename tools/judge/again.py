"""Judging a bundle's gates again from its evidence, and holding the recorded answers against ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tools.base.errors import SuiteError
from tools.judge import records
from tools.judge.bundle import Bundle
from tools.judge.checks import MADE, not_run
from tools.judge.differences import differences
from tools.judge.gate import Basis, Gate
from tools.judge.gates import asked_of, expected, find, judge
from tools.judge.ids import PREPROCESSING_DATASET_COMPLETE, GateId
from tools.judge.results import Check, GateResult, Verdict, Word


@dataclass(frozen=True)
class Judged:
    """A gate's check after judging again, and what that rests on; `remark` says where the record said otherwise."""

    result: GateResult
    basis: Basis
    remark: str

    @property
    def id(self) -> GateId:
        """The gate."""
        return self.result.id

    @property
    def check(self) -> Check:
        """Its check."""
        return self.result.check


def judge_gates(bundle: Bundle) -> list[Judged]:
    """Every gate that the bundle's spec asks, where the run decided it or the evidence fails it."""
    names = expected(asked_of(bundle.spec, [bundle]))
    found = (_judge_gate(bundle, name) for name in names)
    return [judged for judged in found if judged is not None]


def _judge_gate(bundle: Bundle, name: GateId) -> Judged | None:
    """None where it was not decided. A gate that the record leaves open but that the evidence fails is FAIL: a failure
    cannot be left out."""
    gate, recorded = find(name), bundle.gates.get(name)
    if recorded is None or recorded.verdict is Verdict.NOT_RUN:
        ours = _unasked(bundle, name)
        if ours is not None and ours.verdict is Verdict.FAIL:
            return _judged(name, gate, ours, Basis.RECOMPUTED, "the record leaves it open, its evidence fails it")
        return None if recorded is None else _judged(name, gate, recorded, Basis.AS_RECORDED)
    if _died(recorded):
        return _judged(name, gate, recorded, Basis.AS_RECORDED)
    try:
        return _judged(name, gate, judge(name, bundle), gate.basis)
    except SuiteError as error:
        return _without_evidence(bundle, name, gate, error)


def _judged(name: GateId, gate: Gate, check: Check, basis: Basis, remark: str = "") -> Judged:
    return Judged(GateResult(id=name, stage=gate.stage, check=check), basis, remark)


def _unasked(bundle: Bundle, name: GateId) -> Check | None:
    """The check that the evidence alone gives, None where it gives none.

    That a part of a run saw a part of the images is no failure before the run asks for all of them.
    """
    if name == PREPROCESSING_DATASET_COMPLETE:
        return None
    try:
        return judge(name, bundle)
    except SuiteError:
        return None


def _died(recorded: Check) -> bool:
    """The stage died with this gate's error: FAIL needs no proof."""
    return recorded.verdict is Verdict.FAIL and recorded.threshold == MADE and recorded.measured == "failed"


def _without_evidence(bundle: Bundle, name: GateId, gate: Gate, error: SuiteError) -> Judged:
    """A decision that rests on nothing in the bundle: FAIL needs no proof, anything better is not counted.

    A stage that died takes the evidence of others with it, so this is a problem only where the run claims to be whole.
    """
    recorded = bundle.gates[name]
    if recorded.verdict is Verdict.FAIL:
        return _judged(name, gate, recorded, Basis.AS_RECORDED)
    remark = f"{recorded.verdict} is recorded, but {error}"
    if bundle.record.verdict.word not in (Word.REJECTED, Word.INCOMPLETE):
        bundle.problems.append(f"gate {name}: {remark}")
    open_again = not_run(str(error), threshold=recorded.threshold, unit=recorded.unit)
    return _judged(name, gate, open_again, Basis.AS_RECORDED, f"{remark}: not counted")


def compare_gates(bundle: Bundle, judged: Iterable[Judged]) -> None:
    """Hold the recorded checks against ours, and against the inventory."""
    names = set(expected(asked_of(bundle.spec, [bundle])))
    for result in bundle.record.gates:
        if result.id not in names:
            bundle.problems.append(f"gate {result.id} is not in the inventory of this port")
        elif result.stage is not find(result.id).stage:
            bundle.problems.append(f"gate {result.id}: stage {result.stage} recorded, it is {find(result.id).stage}")
    for entry in judged:
        recorded = bundle.gates.get(entry.id)
        if recorded is not None and not entry.remark:
            where = f"gate {entry.id}"
            bundle.problems += [
                line.replace(f"{where}.", f"{where}: ", 1)
                for line in differences(records.plain(recorded), records.plain(entry.check), where)
            ]
