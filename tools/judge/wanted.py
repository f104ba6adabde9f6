"""Which bundles a reader expects: those of runs that he names, made after a time that he knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.judge.bundle import Bundle
from tools.judge.files import Refused, short


@dataclass(frozen=True)
class Wanted:
    """The ids of the runs, one a bundle, and the time that none may begin before; nothing of both asks nothing."""

    runs: tuple[str, ...] = ()
    not_before: datetime | None = None

    def problems(self, bundles: Sequence[Bundle]) -> list[str]:
        """Why these are other bundles than the reader expects."""
        found: list[str] = []
        for bundle in bundles:
            record = bundle.record
            if self.runs and record.run not in self.runs:
                found.append(f"{bundle.name}: of run {short(record.run)}, which no --run-id names")
            if self.not_before is not None and datetime.fromisoformat(record.started_utc) < self.not_before:
                asked = self.not_before.isoformat()
                found.append(f"{bundle.name}: begun {record.started_utc}, --not-before says {asked}: of an earlier run")
        absent = [run for run in self.runs if run not in {bundle.record.run for bundle in bundles}]
        return found + [f"no bundle is of run {short(run)}, which --run-id names" for run in absent]


def utc(text: str) -> datetime:
    """A time as --not-before takes it, `2026-01-31T12:00:00Z`; Refused for one without its distance from UTC."""
    try:
        found = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError as error:
        raise Refused(f"--not-before {short(text)} is no time: {error}; write it as 2026-01-31T12:00:00Z") from error
    if found.tzinfo is None:
        raise Refused(f"--not-before {short(text)} does not say its distance from UTC: write Z at its end")
    return found
