"""The table and the verdict line with which a run, and the offline judge, end on the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from tools.judge.ids import GateId
from tools.judge.missing import missing_lines, together
from tools.judge.results import Check, GateResult, RunVerdict, Verdict, Word

WIDTHS = (44, 30, 30)
MEANING = {
    Word.ACCEPTED: "every gate passed on a real device, with the checkpoint and the full data set of the port",
    Word.REJECTED: "at least one gate failed",
    Word.INCOMPLETE: "no gate failed, but gates are missing or the run was cut short",
    Word.SIMULATED: "every gate passed, on the simulator: nothing is said about a device",
    Word.UNPINNED: "every gate passed on a device, but no digest tells whose weights these are",
    Word.SAMPLE: "every gate passed, on sample data: nothing is said about the published model",
}


def table(results: Sequence[GateResult]) -> list[str]:
    """One line a gate: id, measured, threshold, verdict; batches of one verdict share the line of the tightest."""
    lines = [_row("gate", "measured", "threshold", "verdict"), _row(*("-" * width for width in WIDTHS), "-------")]
    for name, group in groupby(results, key=lambda result: result.id.gate):
        lines += _batches(name, list(group))
    return lines


def _batches(name: str, results: Sequence[GateResult]) -> list[str]:
    """A line for each verdict among the batches of one gate, a line for each batch that failed."""
    ordered = sorted(results, key=lambda result: result.id.batch or 0)
    lines = []
    for verdict in (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.NOT_JUDGED):
        alike = [result for result in ordered if result.check.verdict is verdict]
        if alike:
            worst = min(alike, key=lambda result: headroom(result.check))
            lines.append(_line(together(name, [result.id for result in alike]), worst.check))
    return lines + [_line(result.id, result.check) for result in ordered if result.check.verdict is Verdict.FAIL]


def verdict_lines(verdict: RunVerdict, results: Sequence[GateResult]) -> list[str]:
    """What is missing and why, then the last word; the final line always begins with `VERDICT:`."""
    counts = f"{verdict.passed} passed, {len(verdict.failed)} failed, {len(verdict.missing)} missing"
    counts += f", {len(verdict.not_judged)} not judged" if verdict.not_judged else ""
    lines = [*_not_judged(verdict.not_judged), *missing_lines(verdict.missing, results)]
    lines += [f"note: {said}" for said in verdict.remarks]
    return [*lines, f"VERDICT: {verdict.banner} - {MEANING[verdict.word]} ({counts})"]


def _not_judged(names: Sequence[GateId]) -> list[str]:
    if not names:
        return []
    kinds = [together(kind, list(group)) for kind, group in groupby(names, key=lambda name: name.gate)]
    return [f"not judged, for want of a published figure ({len(names)}):", *(f"  {kind}" for kind in kinds)]


def value(check: Check) -> str:
    """What was measured, a number with six digits."""
    return f"{check.measured:.6g}" if isinstance(check.measured, float) else check.measured


def headroom(check: Check) -> float:
    """How far inside its bound a check lies; infinite where there is no distance."""
    return math.inf if check.headroom is None else check.headroom


def _line(name: str, check: Check) -> str:
    measured = f"{value(check)} {check.unit}" if isinstance(check.measured, float) else check.measured
    return _row(name, measured, check.threshold, str(check.verdict))


def _row(*cells: str) -> str:
    shown = [_cut(cell, width).ljust(width) for cell, width in zip(cells, WIDTHS)]
    return "  ".join((*shown, cells[-1]))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
