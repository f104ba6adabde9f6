"""The gate of a release: every port on a list has an ACCEPTED run of this toolkit, and lost no more than it may."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tools.base.errors import SuiteError
from tools.base.reading import small_file
from tools.judge.acceptance import Acceptance
from tools.judge.machine_records import UNKNOWN
from tools.judge.spec import Spec
from tools.ports.spec import load_spec, port_path
from tools.report.baseline import BaselineError, compare
from tools.report.bundle import read_bundle
from tools.report.scorecard.reading import NO_CHIP, Reading
from tools.report.scorecard.rows import NO_SUCCESSOR, row_of
from tools.report.scorecard.runs import Runs

COMMENT = "#"
MOST_BYTES = 2**20
AGAIN = "run it again, or remove it"
AHEAD = timedelta(days=1)
"""How far the clock of a machine may be ahead of this one's, whatever zone either believes to be in."""


@dataclass(frozen=True)
class Listed:
    """A port of the list: what it is judged by, and the chip that is asked for, empty for every chip that there is."""

    spec: Spec
    chip: str
    line: int

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"{self.spec.port} on {self.chip}" if self.chip else self.spec.port


def read_list(path: Path) -> tuple[Listed, ...]:
    """A line a port: its name or its file (beside the list), then the chip where one is meant; `#` begins a comment.

    SuiteError, with the line, for a port that is unknown or stands there twice, and for a list of none.
    """
    try:
        lines = small_file(path, MOST_BYTES).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise SuiteError(f"no text in UTF-8: {error}", where=path) from error
    found: list[Listed] = []
    for number, line in enumerate(lines, start=1):
        words = line.partition(COMMENT)[0].split()
        if words:
            found.append(_listed(path, number, words))
            _refuse_again(path, found)
    if not found:
        raise SuiteError("the list names no port", where=path, fix="write a port a line, as alexnet Ascend310P3")
    return tuple(found)


def _listed(path: Path, number: int, words: Sequence[str]) -> Listed:
    if len(words) > 2:
        raise SuiteError("more than a port and a chip", where=f"{path}:{number}", measured=" ".join(words))
    try:
        spec = load_spec(path.parent / port_path(words[0]))
    except SuiteError as error:
        raise SuiteError(str(error), where=f"{path}:{number}") from error
    return Listed(spec, words[1] if len(words) == 2 else "", number)


def _refuse_again(path: Path, listed: Sequence[Listed]) -> None:
    """A port once a chip, and by one file wherever it is named."""
    last = listed[-1]
    for first in listed[:-1]:
        if first.spec.port != last.spec.port:
            continue
        if first.chip == last.chip or not (first.chip and last.chip):
            raise SuiteError(f"{last.name} stands on line {first.line} too", where=f"{path}:{last.line}")
        if first.spec != last.spec:
            what = f"{last.spec.port} is another port on line {first.line}"
            raise SuiteError(what, where=f"{path}:{last.line}", fix="judge a port by one file on all chips")


def problems(listed: Sequence[Listed], runs: Runs, toolkit: str, old: Runs | None) -> list[str]:
    """Why this is no release, a line for each thing; nothing may be lost against the accepted runs of `old`."""
    found = [line for port in listed for line in _problems_of(port, runs, toolkit, old)]
    return [*found, *_of_no_port(runs), *(() if old is None else _of_no_listed_port(listed, old))]


def _of_no_port(runs: Runs) -> list[str]:
    """What is damaged beyond telling whose it is may be any port's newest run."""
    odd = (reading for reading in runs.refused if not reading.place.port)
    return [f"a bundle of no known port does not verify: {_where(reading)}: {_first(reading)}" for reading in odd]


def _problems_of(port: Listed, runs: Runs, toolkit: str, old: Runs | None) -> Iterator[str]:
    for reading in _refused_of(port, runs):
        yield f"{port.name}: a bundle does not verify: {_where(reading)}: {_first(reading)}; {AGAIN}"
    found = _runs_of(port, runs)
    of_toolkit = _newest_of_each(run for run in found if run.toolkit == toolkit)
    yield from _untold(port, runs, of_toolkit)
    if not of_toolkit:
        yield f"{port.name}: no bundle of toolkit {toolkit} on a device{_others(port, runs)}"
    for run in of_toolkit:
        if not run.accepted:
            row = row_of(run)
            yield f"{run.place}: {row.verdict}, not ACCEPTED ({_where(run)}): {'; '.join(row.why)}"
        if run.without_successor:
            yield f"{run.place}: {NO_SUCCESSOR} ({_where(run)}); run it again"
        if run.finished > datetime.now(UTC) + AHEAD:
            ahead = f"it ended {run.finished_utc}, which is yet to come, so that no run will be newer"
            yield f"{run.place}: {ahead} ({_where(run)}); {AGAIN}"
        if old is not None:
            yield from _lost(port, run, old)


def _refused_of(port: Listed, runs: Runs) -> list[Reading]:
    """The bundles that do not verify and are of this port, as they say, and of its chip or of one that they do not
    say."""
    return [
        reading
        for reading in runs.refused
        if reading.place.port == port.spec.port and (not port.chip or reading.place.chip in (NO_CHIP, port.chip))
    ]


def _untold(port: Listed, runs: Runs, known: Sequence[Reading]) -> Iterator[str]:
    """Rejected runs that do not say chip or toolkit, newer than a run that does: each may be the one after it."""
    oldest = min((run.finished for run in known), default=None)
    if oldest is None:
        return
    for run in (run for run in _runs_of(port, runs, also=(NO_CHIP,)) if run.rejected and run.finished > oldest):
        missing = "chip" if run.place.chip == NO_CHIP else "toolkit" if _unknown(run.toolkit) else ""
        if missing:
            said = f"REJECTED, newer, and does not say its {missing} ({_where(run)}): {'; '.join(row_of(run).why)}"
            yield f"{run.place}: {said}; {AGAIN}"


def _unknown(toolkit: str) -> bool:
    return not toolkit or toolkit.startswith(UNKNOWN)


def _runs_of(port: Listed, runs: Runs, also: tuple[str, ...] = ()) -> list[Reading]:
    """Every run of the port on its chip, or on one of `also`, the newest of a chip first; nothing of the sample or of
    the simulator counts."""
    return [
        run
        for place, found in runs.of_place.items()
        if place.port == port.spec.port and (not port.chip or place.chip in (port.chip, *also))
        if not place.simulated and not place.sample
        for run in found
    ]


def _newest_of_each(runs: Iterator[Reading]) -> list[Reading]:
    newest: dict[object, Reading] = {}
    for run in runs:
        newest.setdefault(run.place, run)
    return list(newest.values())


def _others(port: Listed, runs: Runs) -> str:
    """What there is of the port instead, in words."""
    there = [
        f"{place}: {row_of(run).verdict}, toolkit {run.toolkit or 'not said'}"
        for place, run in runs.newest.items()
        if place.port == port.spec.port
    ]
    return f"; there is {', '.join(there)}" if there else "; there is none of any"


def _lost(port: Listed, run: Reading, old: Runs) -> Iterator[str]:
    """What a run lost against the newest accepted one of the old set, beyond what the port's policy allows."""
    before = _accepted_before(run, old)
    if before is None:
        here = (NO_CHIP, run.place.chip)
        for reading in [one for one in _refused_of(port, old) if one.place.chip in here][:1]:
            yield f"{run.place}: cannot be held against {_where(reading)}, which does not verify: {_first(reading)}"
        return
    try:
        comparison = compare(_record(before), _record(run), port.spec)
    except BaselineError as error:
        yield f"{run.place}: cannot be held against {_where(before)}: {error}"
        return
    for figure in comparison.problems:
        unit = f" {figure.loss_unit}" if figure.loss is not None else ""
        said = f"{figure.name}: {figure.detail}{unit}, since {_where(before)}"
        yield f"{run.place}: more lost than its policy allows: {said}"


def _accepted_before(run: Reading, old: Runs) -> Reading | None:
    """The newest accepted run of the old set in the same place."""
    return next((found for found in old.of_place.get(run.place, ()) if found.accepted), None)


def _of_no_listed_port(listed: Sequence[Listed], old: Runs) -> Iterator[str]:
    """Why nothing was held against an earlier set that knows none of the ports."""
    names = {port.spec.port for port in listed}
    if not names & {place.port for place in (*old.of_place, *(reading.place for reading in old.refused))}:
        yield "--against has no bundle of a listed port, so that nothing was held against it: name the earlier release"


def held_against(listed: Sequence[Listed], runs: Runs, toolkit: str, old: Runs) -> str:
    """How many runs of the release were held against an accepted one of the old set."""
    found = [
        run for port in listed for run in _newest_of_each(run for run in _runs_of(port, runs) if run.toolkit == toolkit)
    ]
    compared = sum(_accepted_before(run, old) is not None for run in found)
    return f"{compared} of {len(found)} runs held against an accepted one of the earlier set"


def _record(run: Reading) -> Acceptance:
    """The record of a run; of several bundles the first with all that the others add to be compared."""
    records = [read_bundle(folder) for folder in run.folders]
    variants = {entry.name: entry for record in reversed(records) for entry in record.variants}
    rates = {(entry.batch, entry.mode): entry for record in reversed(records) for entry in record.device_throughput}
    digests = {entry.name: entry for record in reversed(records) for entry in record.digests}
    return dataclasses.replace(
        records[0],
        variants=tuple(variants.values()),
        device_throughput=tuple(rates[key] for key in sorted(rates)),
        digests=tuple(digests.values()),
        dataset=next((record.dataset for record in records if record.dataset is not None), None),
        machine=next((record.machine for record in records if record.machine is not None), None),
    )


def _where(reading: Reading) -> str:
    return " and ".join(map(str, reading.folders))


def _first(reading: Reading) -> str:
    return reading.problems[0] if reading.problems else "the evidence does not hold"
