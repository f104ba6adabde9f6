"""The table and the verdict line with which a run ends on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tools.judge.results import Check, GateResult, RunVerdict, Verdict, Word

WIDTHS = (44, 30, 30)
OWED_LINES = 12
MEANING = {
    Word.ACCEPTED: "every gate passed on a real device, with the checkpoint and the full data set of the spec",
    Word.REJECTED: "at least one gate failed",
    Word.INCOMPLETE: "no gate failed, but gates are still owed or the run was cut short",
    Word.SIMULATED: "every gate passed, on the simulator: nothing is said about a device",
    Word.SAMPLE: "every gate passed, on sample data: nothing is said about the published model",
}


def table(results: Sequence[GateResult]) -> list[str]:
    """One line a gate: id, measured, threshold, verdict; batches of one verdict share the line of the tightest."""
    lines = [_row("gate", "measured", "threshold", "verdict"), _row(*("-" * width for width in WIDTHS), "-------")]
    for name, group in groupby(results, key=lambda result: result.id.partition("[")[0]):
        lines += _batches(name, list(group))
    return lines


def _batches(name: str, results: Sequence[GateResult]) -> list[str]:
    """A line for each verdict among the batches of one gate, a line for each batch that failed."""
    failed = [result for result in results if result.check.verdict is Verdict.FAIL]
    lines = []
    for verdict in (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.NOT_RUN):
        alike = sorted((result for result in results if result.check.verdict is verdict), key=_batch)
        if alike:
            worst = min(alike, key=lambda result: _headroom(result.check))
            batches = " ".join(str(_batch(result)) for result in alike if "[" in result.id)
            lines.append(_line(f"{name}[bs {batches}]" if batches else name, worst.check))
    return lines + [_line(result.id, result.check) for result in sorted(failed, key=_batch)]


def _batch(result: GateResult) -> int:
    """The batch size in a gate's id, 0 where it has none."""
    return int("".join(filter(str.isdigit, result.id.partition("[")[2])) or 0)


def verdict_lines(verdict: RunVerdict) -> list[str]:
    """What is owed, then the last word; the final line always begins with `VERDICT:`."""
    owed = _owed(verdict.owed) if verdict.word in (Word.INCOMPLETE, Word.REJECTED) else []
    counts = f"{verdict.passed} passed, {len(verdict.failed)} failed, {len(verdict.owed)} owed"
    return [*owed, f"VERDICT: {verdict.banner} - {MEANING[verdict.word]} ({counts})"]


def message(result: GateResult, again: str) -> str:
    """A gate's failure in one paragraph: measured against allowed, why, whence the threshold, and how to run it again.

    `again` is the command that runs this gate alone.
    """
    check = result.check
    text = f"{result.id} {check.verdict}: measured {_value(check)}, allowed {check.threshold} ({check.unit})"
    if check.detail:
        text += f"\n  what: {check.detail}"
    if check.source:
        text += f"\n  threshold: {check.source}"
    return f"{text}\n  again: {again}"


def _owed(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    kinds = [name for name, _ in groupby(name.partition("[")[0] for name in names)]
    rest = [f"  … and {len(kinds) - OWED_LINES} more"] if len(kinds) > OWED_LINES else []
    return [f"still owed ({len(names)}):", *(f"  {kind}" for kind in kinds[:OWED_LINES]), *rest]


def _line(name: str, check: Check) -> str:
    measured = f"{_value(check)} {check.unit}" if isinstance(check.measured, float) else check.measured
    return _row(name, measured, check.threshold, check.verdict)


def _value(check: Check) -> str:
    return f"{check.measured:.6g}" if isinstance(check.measured, float) else check.measured


def _headroom(check: Check) -> float:
    return float("inf") if check.headroom is None else check.headroom


def _row(*cells: str) -> str:
    shown = [_cut(cell, width).ljust(width) for cell, width in zip(cells, WIDTHS, strict=False)]
    return "  ".join((*shown, cells[-1])).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
