"""The figures of earlier runs beside this one's: of the same port on the same chip, as their own records have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.ascend.target import TargetKind
from tools.judge.acceptance import Acceptance
from tools.judge.accuracy import Loss
from tools.judge.documents import read_acceptance
from tools.judge.files import Refused, read_json, read_whole
from tools.judge.ids import PTH
from tools.judge.layout import FILE

MOST_READ, MOST_SHOWN = 100, 5
"""Of ports that share a folder each has many runs there; a record is read in some 20 ms."""


@dataclass(frozen=True)
class Earlier:
    """Runs that ended before this one by the names of their folders, the newest first, and folders nobody can read."""

    runs: tuple[tuple[str, Acceptance], ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrendRow:
    """One run: accuracies in percent, the largest losses of its variants, images/s per chip by batch size.

    `gates` counts how they ended. `other` says in what it differs from this run, empty for this run itself.
    """

    name: str
    finished_utc: str
    gates: str
    pth_top1_percent: float | None
    losses: dict[int, Loss]
    rates: dict[int, float]
    other: tuple[str, ...]


def earlier_runs(folders: Sequence[Path], acceptance: Acceptance) -> Earlier:
    """Those of `folders`, the newest first, that hold a run of the same port and chip which ended before.

    The records are taken as they stand: tools/verify_bundle.py says whether a bundle holds. A simulator's run is no
    earlier one of a device's, nor is one of sample data, nor one without a figure, as of a single gate.
    """
    found, unreadable = [], []
    for folder in folders[:MOST_READ]:
        try:
            run = read_acceptance(read_json(read_whole(folder / FILE), FILE))
            before = _time(run) < _time(acceptance)
        except (OSError, Refused, ValueError, RecursionError):
            unreadable.append(folder.name)
            continue
        if before and _place(run) == _place(acceptance) and (run.variants or _rates(run)):
            found.append((folder.name, run))
    found.sort(key=lambda entry: _time(entry[1]), reverse=True)
    return Earlier(tuple(found[:MOST_SHOWN]), tuple(unreadable))


def trend_rows(acceptance: Acceptance, earlier: Earlier) -> tuple[TrendRow, ...]:
    """This run, then the earlier ones; nothing where there are none."""
    if not earlier.runs:
        return ()
    older = (_row(name, run, _other(run, acceptance)) for name, run in earlier.runs)
    return (_row("this run", acceptance, ()), *older)


def _time(run: Acceptance) -> datetime:
    """When a run ended; ValueError where it does not say. A time that states no distance from UTC is UTC."""
    found = datetime.fromisoformat(run.finished_utc)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _place(run: Acceptance) -> tuple[str | None, str | None, str, bool]:
    port = None if run.spec is None else run.spec.port
    return port, None if run.machine is None else run.machine.soc, run.target, run.verdict.sample


def _row(name: str, run: Acceptance, other: tuple[str, ...]) -> TrendRow:
    verdict = run.verdict
    pth = next((variant for variant in run.variants if variant.name == PTH), None)
    judged = [variant for variant in run.variants if variant.losses]
    last = [variant for variant in judged if variant.batch is not None] or judged
    losses = {k: [loss for variant in last for loss in variant.losses if loss.k == k] for k in (1, 5)}
    return TrendRow(
        name=name,
        finished_utc=run.finished_utc,
        gates=f"{verdict.passed} passed, {len(verdict.failed)} failed, {len(verdict.missing)} missing",
        pth_top1_percent=pth.accuracy[0].percent if pth else None,
        losses={k: max(found, key=lambda loss: loss.drop_pp) for k, found in losses.items() if found},
        rates=_rates(run),
        other=other,
    )


def _rates(run: Acceptance) -> dict[int, float]:
    """Images/s per chip by batch size; none of a simulator's, which are invented."""
    rates = {entry.batch: entry.images_per_second_per_chip for entry in run.device_throughput}
    return rates if run.target == TargetKind.ASCEND else {}


def _other(run: Acceptance, now: Acceptance) -> tuple[str, ...]:
    """In what an earlier run was another, as far as both say it."""
    before, after = _identity(run), _identity(now)
    return tuple(name for name, value in after.items() if None not in (value, before[name]) and before[name] != value)


def _identity(run: Acceptance) -> dict[str, object]:
    digests = {digest.name: digest.sha256 for digest in run.digests}
    return {
        "checkpoint": digests.get("checkpoint"),
        "ONNX file": digests.get("onnx"),
        "images": None if run.dataset is None else (run.dataset.ids_sha256, run.dataset.images_sha256),
        "port": None if run.spec is None else run.spec.json_sha256,
        "toolkit": None if run.machine is None else run.machine.toolchain,
        "board": None if run.machine is None else [board.serial_number for board in run.machine.boards],
        "suite's code": None if run.versions is None else run.versions.suite_sha256,
    }
