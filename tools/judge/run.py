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
    unpinned: bool = False,
    interrupted: bool = False,
    remarks: Sequence[str] = (),
) -> RunVerdict:
    """Judge a run from its gate results alone.

    `expected` is the inventory of the spec, `sample` says that checkpoint or data are the embedded sample's,
    `simulated` that offline models ran on the simulator, `unpinned` that no digest of the checkpoint is known. One FAIL
    is REJECTED; a gate of the inventory that did not end with PASS or NOT JUDGED is missing and makes the run
    INCOMPLETE, as does a run that decided nothing or was `interrupted`; only then do SIMULATED, SAMPLE, UNPINNED and
    ACCEPTED follow. `remarks` go beside the word.
    """
    passed = {result.id for result in results if result.check.verdict is Verdict.PASS}
    failed = tuple(result.id for result in results if result.check.verdict is Verdict.FAIL)
    not_judged = tuple(result.id for result in results if result.check.verdict is Verdict.NOT_JUDGED)
    missing = tuple(name for name in expected if name not in {*passed, *failed, *not_judged})
    return RunVerdict(
        word=_word(
            failed=bool(failed),
            missing=bool(missing) or not passed or interrupted,
            weak=((Word.SIMULATED, simulated), (Word.SAMPLE, sample), (Word.UNPINNED, unpinned)),
        ),
        simulated=simulated,
        sample=sample,
        unpinned=unpinned,
        passed=len(passed),
        failed=failed,
        missing=missing,
        not_judged=not_judged,
        remarks=tuple(remarks),
    )


def _word(*, failed: bool, missing: bool, weak: Sequence[tuple[Word, bool]]) -> Word:
    if failed:
        return Word.REJECTED
    if missing:
        return Word.INCOMPLETE
    return next((word for word, so in weak if so), Word.ACCEPTED)
