"""A gate's failure in one paragraph, as the terminal shows it."""

from __future__ import annotations

from tools.judge.lines import value
from tools.judge.results import GateResult


def message(result: GateResult, again: str) -> str:
    """A gate's failure in one paragraph: measured against allowed, why, whence the threshold, and how to run it again.

    `again` is the command that runs this gate alone.
    """
    check = result.check
    text = f"{result.id} {check.verdict}: measured {value(check)}, allowed {check.threshold} ({check.unit})"
    if check.detail:
        text += f"\n  what: {check.detail}"
    if check.source:
        text += f"\n  threshold: {check.source}"
    return f"{text}\n  again: {again}"
