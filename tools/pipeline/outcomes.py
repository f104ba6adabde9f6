"""What becomes of the gates when a step dies: its own gate is red, the gates behind it are blocked."""

from __future__ import annotations

from collections.abc import Iterable

from tools.base.errors import StageError
from tools.judge.checks import made, not_run
from tools.judge.gates import find
from tools.judge.ids import GateId
from tools.judge.results import Check, GateResult, Verdict


def result(name: str, check: Check) -> GateResult:
    """A gate's answer with its stage."""
    return GateResult(id=GateId(name), stage=find(name).stage, check=check)


def keep(known: dict[GateId, GateResult], answers: Iterable[GateResult]) -> None:
    """Put answers beside those that are known: the later one of a gate counts, but a FAIL is never overwritten."""
    for answer in answers:
        before = known.get(answer.id)
        if before is None or before.check.verdict is not Verdict.FAIL:
            known[answer.id] = answer


def after_error(name: str | None, error: BaseException) -> tuple[GateResult, ...]:
    """The answers that an error gives while the gate `name` was judged: the gate that the error names is red, the
    gate itself, if it is another, could not be decided."""
    found: list[GateResult] = []
    if isinstance(error, StageError):
        found.append(result(str(error.gate), made(str(error), failed=True)))
    if name is not None and not any(known.id == name for known in found):
        found.append(result(name, not_run(in_words(name, error), threshold="-", unit="-")))
    return tuple(found)


def in_words(name: str | None, error: BaseException, *, again: bool = False) -> str:
    """The error in full where it belongs, else what it blocks; `again` where its words were told before."""
    if isinstance(error, StageError) and error.gate != name:
        return f"blocked by: {error.stage} ({error.gate})" + ("" if again else f": {error}")
    if again and getattr(error, "gate", None) != name:
        return f"{type(error).__name__}, as above"
    return f"{type(error).__name__}: {error}"
