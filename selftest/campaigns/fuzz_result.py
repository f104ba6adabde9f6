"""What fuzzing one target gave, kept between runs, and what kept cases reach of the modules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

RESULT = "result.json"


class Coverage(msgspec.Struct, frozen=True):
    """Lines and branches (from line to line, negative for an exit) of one file that were reached, and that were missed.

    `functions` are the lines of each function by its name.
    """

    reached: tuple[tuple[int, ...], ...]
    missed: tuple[tuple[int, ...], ...]
    functions: dict[str, tuple[int, ...]]

    def united(self, other: Coverage) -> Coverage:
        """What either reached."""
        reached = {*self.reached, *other.reached}
        missed = {*self.missed, *other.missed} - reached
        return Coverage(tuple(sorted(reached)), tuple(sorted(missed)), self.functions)

    @property
    def percent(self) -> float:
        """Lines and branches reached, of all."""
        return 100 * len(self.reached) / (len(self.reached) + len(self.missed))

    def part(self, sides: int) -> tuple[int, int]:
        """How many lines (1) or branches (2) were reached, and of how many."""
        reached = sum(len(entry) == sides for entry in self.reached)
        return reached, reached + sum(len(entry) == sides for entry in self.missed)

    def unreached_functions(self) -> tuple[str, ...]:
        """Functions of which no line was executed."""
        reached = {entry[0] for entry in self.reached if len(entry) == 1}
        return tuple(name for name, lines in self.functions.items() if lines and reached.isdisjoint(lines))

    def partly_missed_functions(self) -> tuple[str, ...]:
        """Functions of which a line was missed and another executed."""
        reached = {entry[0] for entry in self.reached if len(entry) == 1}
        return tuple(
            name for name, lines in self.functions.items() if not reached.isdisjoint(lines) and not reached >= {*lines}
        )


class Result(msgspec.Struct, frozen=True):
    """One target's run: `finding` is empty when every case ended as documented; seconds of a case are processor time.

    `sources_sha256` is the digest of the modules fuzzed, so that a result of other code is known as such.
    """

    name: str
    cases: int
    finding: str
    seconds: float
    slowest_seconds: float | None
    peak_memory_mb: int
    sources_sha256: str


def read_coverage(report: Path) -> dict[str, Coverage]:
    """coverage.py's JSON report (7.x, with branches) by file."""
    files: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))["files"]
    return {name: _coverage(entry) for name, entry in files.items()}


def read_results(place: Path, names: Iterable[str]) -> dict[str, Result]:
    """The kept results of these targets, where there are any."""
    paths = {name: place / name / RESULT for name in names}
    return {name: msgspec.json.decode(path.read_bytes(), type=Result) for name, path in paths.items() if path.is_file()}


def united(reached: Iterable[Mapping[str, Coverage]]) -> dict[str, Coverage]:
    """What all targets together reach, by file."""
    found: dict[str, Coverage] = {}
    for files in reached:
        for name, coverage in files.items():
            found[name] = found[name].united(coverage) if name in found else coverage
    return dict(sorted(found.items()))


def _coverage(entry: Mapping[str, Any]) -> Coverage:
    """Lines and branches inside functions; what runs at import (the entry without a name) says nothing of a case."""
    functions: dict[str, Any] = {name: function for name, function in entry["functions"].items() if name}

    def entries(which: str) -> tuple[tuple[int, ...], ...]:
        lines = ((line,) for function in functions.values() for line in function[f"{which}_lines"])
        branches = (tuple(branch) for function in functions.values() for branch in function[f"{which}_branches"])
        return (*lines, *branches)

    lines_of = {
        name: tuple(sorted((*function["executed_lines"], *function["missing_lines"])))
        for name, function in functions.items()
    }
    return Coverage(entries("executed"), entries("missing"), lines_of)
