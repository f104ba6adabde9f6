"""Why gates have no answer that an acceptance can rest on: a line for each reason, not one for each gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from tools.base.printable import one_line
from tools.judge.ids import GateId
from tools.judge.results import GateResult, Verdict

NOT_ASKED = "not asked in this run, or not reached"
KINDS_NAMED = 3
MOST_REASONS = 12
LONGEST_REASON = 200
"""Characters of a reason, two lines of a terminal; the report has it whole."""


def missing_lines(missing: Sequence[GateId], results: Sequence[GateResult]) -> list[str]:
    """How many gates are missing, then each reason with the gates of it: by name, or counted where they are many.

    Batch sizes of one gate that ended alike share the reason of the first: their figures differ, the cause does not.
    """
    if not missing:
        return []
    by_reason = list(_by_reason(missing, results).items())
    lines = [f"  {named(gates)}: {_begun(reason)}" for reason, gates in by_reason[:MOST_REASONS]]
    left = sum(len(gates) for _, gates in by_reason[MOST_REASONS:])
    return [f"still missing ({len(missing)}):", *lines, *([f"  … and {left} more"] if left else [])]


def named(names: Sequence[GateId]) -> str:
    """Gates in words: `om.ran[bs 1 4 8]` of a few kinds, `41 gates (om 5, accuracy 36)` of many."""
    kinds = [together(kind, list(group)) for kind, group in groupby(names, key=lambda name: name.gate)]
    if len(kinds) <= KINDS_NAMED:
        return ", ".join(kinds)
    stages = Counter(name.stage for name in names)
    return f"{len(names)} gates ({', '.join(f'{stage} {count}' for stage, count in stages.items())})"


def together(kind: str, names: Sequence[GateId]) -> str:
    """Gates of one kind in one name: `om.ran[bs 1 4 8]`."""
    batches = " ".join(str(name.batch) for name in names if name.batch is not None)
    return f"{kind}[bs {batches}]" if batches else kind


def _by_reason(missing: Sequence[GateId], results: Sequence[GateResult]) -> dict[str, list[GateId]]:
    checks = {result.id: result.check for result in results}
    first: dict[tuple[GateId, Verdict], str] = {}
    found: dict[str, list[GateId]] = {}
    for name in missing:
        check = checks.get(name)
        reason = NOT_ASKED
        if check is not None:
            reason = first.setdefault((name.gate, check.verdict), f"{check.verdict}: {check.detail}")
        found.setdefault(reason, []).append(name)
    return found


def _begun(reason: str) -> str:
    text = one_line(reason)
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
