"""A row for each port and chip: the newest run, figure by figure, an empty one with the reason why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from tools.judge.ids import GateId
from tools.judge.paired import Interval
from tools.judge.results import RunVerdict
from tools.report.scorecard.figures import Figures, WorstLoss
from tools.report.scorecard.reading import NO_CHIP, Place, Reading
from tools.report.scorecard.runs import Runs

NOT_VERIFIED = "NOT VERIFIED"
NO_EVIDENCE = "NO EVIDENCE"
OWN_PORT = "judged by a port of one's own"
NO_SUCCESSOR = "a later run in its place left no evidence"
NO_OM = "no OM was judged"
REASONS_SHOWN = 3


@dataclass(frozen=True)
class Drop:
    """Top-k of the checkpoint and of the OM that lost most, in percent; the drop in percentage points with its 95 %
    interval."""

    reference_percent: float | None = None
    om_percent: float | None = None
    drop_pp: float | None = None
    interval_pp: Interval | None = None
    variant: str = ""


@dataclass(frozen=True)
class Row:
    """One line of the table; None where there is no figure, and `no_rate` or `no_drop` says why.

    `verdict` is the judge's word with what the evidence was made on; `why` is what keeps it from a better one. A
    bundle that does not verify has no figure at all.
    """

    port: str
    chip: str
    verdict: str
    word: str
    why: tuple[str, ...]
    top1: Drop
    top5: Drop
    no_drop: str
    best_batch: int | None
    per_chip: float | None
    per_card: float | None
    share_percent: float | None
    ms_per_image: float | None
    utilisation_percent: float | None
    no_rate: str
    not_judged: tuple[str, ...]
    finished_utc: str
    toolkit: str
    earlier: int
    folders: tuple[Path, ...]
    holds: bool


def table_rows(runs: Runs, absent: Sequence[Row] = ()) -> list[Row]:
    """The newest run of each place, every bundle that the judge refuses, and what left none: in order of ports."""
    rows = [
        _told_apart(row_of(found[0], earlier=len(found) - 1), place, runs) for place, found in runs.of_place.items()
    ]
    rows += [*(row_of(reading) for reading in runs.refused), *absent]
    return sorted(rows, key=lambda row: (row.port, row.chip, row.holds, row.folders))


def _told_apart(row: Row, place: Place, runs: Runs) -> Row:
    """The row, with its network where another one has the same name."""
    namesakes = [other for other in runs.of_place if replace(other, network="") == replace(place, network="")]
    return (
        row
        if len(namesakes) == 1
        else replace(row, why=(*row.why, f"one of {len(namesakes)} networks of this name: {place.network}"))
    )


def earlier_rows(runs: Runs) -> list[Row]:
    """The runs that newer ones took the place of."""
    return [row_of(reading) for found in runs.of_place.values() for reading in found[1:]]


def row_of(reading: Reading, earlier: int = 0) -> Row:
    """One run as a row."""
    figures, verdict = reading.figures, reading.verdict
    best = None if figures is None else figures.best
    chip = f"{reading.place.chip} (simulator)" if reading.place.simulated else reading.place.chip
    return Row(
        port=reading.place.port,
        chip=chip.strip(),
        verdict=NOT_VERIFIED if verdict is None else verdict.banner,
        word=NOT_VERIFIED if verdict is None else str(verdict.word),
        why=tuple(_why(reading)),
        top1=_drop(figures, 1),
        top5=_drop(figures, 5),
        no_drop="" if figures is None or figures.losses else NO_OM,
        best_batch=None if best is None else best.batch,
        per_chip=None if best is None else best.per_chip,
        per_card=None if best is None else best.per_card,
        share_percent=None if best is None else best.share_percent,
        ms_per_image=None if best is None else 1000 / best.per_chip,
        utilisation_percent=None if figures is None else figures.utilisation_percent,
        no_rate="" if figures is None else figures.no_rates,
        not_judged=() if verdict is None else kinds(verdict.not_judged),
        finished_utc=reading.finished_utc,
        toolkit=reading.toolkit,
        earlier=earlier,
        folders=reading.folders,
        holds=reading.holds,
    )


def row_without_evidence(port: str, why: tuple[str, ...], folder: Path) -> Row:
    """A port that was asked for, and left no bundle in `folder` that could be judged."""
    nothing = Reading((folder,), Place(port, NO_CHIP, False, False), None, False, why, None, None, "", "", False)
    return replace(row_of(nothing), verdict=NO_EVIDENCE, word=NO_EVIDENCE)


def kinds(names: Sequence[GateId]) -> tuple[str, ...]:
    """Gates with their batch sizes folded: `om.compiled[bs1 4]`."""
    found = []
    for gate, group in groupby(names, key=lambda name: name.gate):
        batches = " ".join(str(name.batch) for name in group if name.batch is not None)
        found.append(f"{gate}[bs{batches}]" if batches else str(gate))
    return tuple(found)


def _why(reading: Reading) -> Iterator[str]:
    if reading.verdict is None:
        yield from reading.problems
        return
    yield from _hindrances(reading.verdict)
    if reading.interrupted:
        yield "the run was cut short"
    if reading.without_successor:
        yield NO_SUCCESSOR
    if reading.own_port and not reading.place.sample:  # every made sample is such a port, and the verdict says sample
        yield OWN_PORT


def _hindrances(verdict: RunVerdict) -> Iterator[str]:
    for what, names in (("failed", verdict.failed), ("missing", verdict.missing)):
        found = kinds(names)
        more = f", {len(found) - REASONS_SHOWN} more" if len(found) > REASONS_SHOWN else ""
        if found:
            yield f"{what}: {', '.join(found[:REASONS_SHOWN])}{more}"


def _drop(figures: Figures | None, k: int) -> Drop:
    if figures is None:
        return Drop()
    reference = next((top.percent for top in figures.reference if top.k == k), None)
    worst: WorstLoss | None = figures.losses.get(k)
    if worst is None:
        return Drop(reference_percent=reference)
    loss = worst.loss
    return Drop(reference, loss.candidate.percent, loss.drop_pp, loss.interval_pp, worst.variant)
