"""The last word of a run: which word its gates allow, and what is still missing for a stronger one."""

from __future__ import annotations

from collections.abc import Sequence

from tools.judge.ids import GateId
from tools.judge.results import GateResult, RunVerdict, Verdict, Word


def judge_run(
    expected: Sequence[GateId],
    results: Sequence[GateResult],
    *,
    sample: bool,
    simulated: bool,
    interrupted: bool = False,
) -> RunVerdict:
    """Judge a run from its gate results alone.

    `expected` is the inventory of the spec, `sample` says that checkpoint or data are the embedded sample's,
    `simulated` that offline models ran on the simulator. One FAIL is REJECTED; a gate of the inventory that did not
    end with PASS is missing and makes the run INCOMPLETE, as does a run that decided nothing or was `interrupted`; only
    then do SIMULATED, SAMPLE and ACCEPTED follow.
    """
    passed = {result.id for result in results if result.check.verdict is Verdict.PASS}
    failed = tuple(result.id for result in results if result.check.verdict is Verdict.FAIL)
    missing = tuple(name for name in expected if name not in passed and name not in failed)
    return RunVerdict(
        word=_word(
            failed=bool(failed), missing=bool(missing) or not passed or interrupted, sample=sample, simulated=simulated
        ),
        simulated=simulated,
        sample=sample,
        passed=len(passed),
        failed=failed,
        missing=missing,
    )


def _word(*, failed: bool, missing: bool, sample: bool, simulated: bool) -> Word:
    if failed:
        return Word.REJECTED
    if missing:
        return Word.INCOMPLETE
    if simulated:
        return Word.SIMULATED
    return Word.SAMPLE if sample else Word.ACCEPTED
