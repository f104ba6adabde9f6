"""The last screen of a run: accuracy, throughput and gates, so short that a terminal shows it whole."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby, zip_longest

from tools.base.printable import one_line
from tools.judge.acceptance import Acceptance
from tools.judge.gates import in_order
from tools.judge.ids import GateId
from tools.judge.lines import headroom, table, value
from tools.judge.missing import together
from tools.judge.results import GateResult, Verdict
from tools.judge.spec import Spec
from tools.judge.throughput_records import DeviceThroughput, HostThroughput
from tools.report.tables import (
    AccuracyRow,
    HostRow,
    ThroughputRow,
    accuracy_rows,
    host_rows,
    references,
    throughput_rows,
)

NOTHING = "-"
WIDTH = 100
"""Columns that are counted on; a wider figure makes a table wider, it is never cut."""
FAILED_ROWS = 10
LONGEST_CELL = 24
Row = tuple[str, ...]


def screen(run: Acceptance, spec: Spec, *, every_gate: bool) -> list[str]:
    """The figures that people ask for first, then the gates: all of them, or those that failed and counts of the rest.

    With `every_gate` also what each throughput was taken from.
    """
    parts = [_accuracy(run, spec), _throughput(run, spec)]
    parts += [_samples(run), table(run.gates)] if every_gate else [_failed(run.gates)]
    parts += [_passed(run, every_gate=every_gate)]
    return [line for part in parts if part for line in [*part, ""]]


def _accuracy(run: Acceptance, spec: Spec) -> list[str]:
    if not run.variants:
        return []
    rows = [_accuracy_row(row) for row in accuracy_rows(run, spec)]
    others = "; ".join(f"{one.name} {_places(one.top1)} and {_places(one.top5)}" for one in references(run, spec))
    images = run.variants[0].accuracy[0].images
    head = (f"{images} images", "Top-1 %", "drop pp [95 %]", "Top-5 %", "drop pp [95 %]", "")
    return [*_aligned(head, _gathered(rows)), *_folded(others)]


def _accuracy_row(row: AccuracyRow) -> Row:
    if row.record is None:
        return row.name, NOTHING, "", NOTHING, "", str(Verdict.NOT_RUN)
    tops = {top.k: top.percent for top in row.record.accuracy}
    word = str(row.verdict or "reference") + (", WARN" if row.warned else "")
    return row.name, _places(tops.get(1)), _drop(row, 1), _places(tops.get(5)), _drop(row, 5), word


def _drop(row: AccuracyRow, k: int) -> str:
    loss = row.loss(k)
    if loss is None:
        return ""
    return f"{loss.drop_pp:+.3f} [{loss.interval_pp.low:.2f}, {loss.interval_pp.high:.2f}]"


def _places(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def _gathered(rows: Iterable[Row]) -> list[Row]:
    """Batch sizes of one variant that show the same figures share a row: `om bs 1 4 8`."""
    found = []
    for (kind, figures), group in groupby(rows, key=lambda row: (_kind(row[0]), row[1:])):
        batches = [row[0].rpartition("bs")[2] for row in group]
        name = f"{kind} bs{batches[0]}" if len(batches) == 1 else f"{kind} bs {' '.join(batches)}"
        found.append((name if batches[0].isdecimal() else kind, *figures))
    return found


def _kind(name: str) -> str:
    return re.sub(r" bs\d+$", "", name)


def _throughput(run: Acceptance, spec: Spec) -> list[str]:
    """A row a batch size: the chip with its floor, and onnxruntime beside torch on this host."""
    if not run.device_throughput and not run.host_throughput:
        return []
    host = {row.record.batch: row for row in host_rows(run)}
    rows = [(*_chip(row, spec), *_host(host.get(row.batch))) for row in throughput_rows(run, spec)]
    place = " (simulated)" if run.verdict.simulated else ""
    head = ("images/s", f"one chip{place}", "card", "floor", "", "onnxruntime", "torch", "median ratio", "")
    return _aligned(head, rows)


def _chip(row: ThroughputRow, spec: Spec) -> Row:
    record = row.record
    if record is None:
        return f"bs{row.batch}", NOTHING, NOTHING, NOTHING, str(Verdict.NOT_RUN)
    card = _rate(record.images_per_second_per_card) if spec.device(record.soc) else NOTHING
    word = str(row.verdict) if row.verdict else "no floor"
    floor = _rate(record.floor_images_per_second_per_chip)
    return f"bs{row.batch} {record.mode}", _rate(record.images_per_second_per_chip), card, floor, word


def _host(row: HostRow | None) -> Row:
    if row is None:
        return NOTHING, NOTHING, NOTHING, str(Verdict.NOT_RUN)
    word = str(row.check.verdict) if row.check else NOTHING
    rates = _rate(row.candidate_images_per_second), _rate(row.reference_images_per_second)
    return *rates, f"{row.record.ratio:.3f}", word


def _rate(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _samples(run: Acceptance) -> list[str]:
    """What the rates were taken from: each host engine's rounds, each run of the vendor's tool."""
    rows = [row for entry in run.host_throughput for row in _rounds(entry)]
    rows += [_readings(entry) for entry in run.device_throughput]
    return _aligned(("samples, images/s", "slowest", "median", "fastest", "samples"), rows) if rows else []


def _rounds(entry: HostThroughput) -> list[Row]:
    engines = (
        (entry.candidate, entry.candidate_seconds_per_image),
        (entry.reference, entry.reference_seconds_per_image),
    )
    return [_spread(f"{name} bs{entry.batch}", [1 / second for second in seconds]) for name, seconds in engines]


def _readings(entry: DeviceThroughput) -> Row:
    return _spread(f"om bs{entry.batch} {entry.mode}, runs", [one.images_per_second_per_chip for one in entry.runs])


def _spread(name: str, rates: Sequence[float]) -> Row:
    ordered = sorted(rates)
    median = ordered[(len(ordered) - 1) // 2]
    return name, _rate(ordered[0]), _rate(median), _rate(ordered[-1]), str(len(ordered))


def _failed(results: Sequence[GateResult]) -> list[str]:
    """A row for each gate that failed, with its batch sizes and the figure of the one that is furthest off."""
    failed = [result for result in results if result.check.verdict is Verdict.FAIL]
    rows = [_failed_row(kind, list(group)) for kind, group in groupby(failed, key=lambda result: result.id.gate)]
    lines = _aligned(("failed", "measured", "allowed"), rows[:FAILED_ROWS]) if rows else []
    left = len(rows) - FAILED_ROWS
    return [*lines, *([f"… and {left} more"] if left > 0 else [])]


def _failed_row(kind: GateId, results: Sequence[GateResult]) -> Row:
    worst = min((result.check for result in results), key=headroom)
    name = together(kind, [result.id for result in results])
    return name, _begun(f"{value(worst)} {worst.unit}"), _begun(worst.threshold)


def _begun(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def _passed(run: Acceptance, *, every_gate: bool) -> list[str]:
    """How many gates of each stage passed, of those that the run is to answer."""
    passed = {result.id for result in run.gates if result.check.passed}
    asked: list[GateId] = in_order(list({*(result.id for result in run.gates), *run.verdict.missing}))
    counts = []
    for stage, group in groupby(asked, key=lambda name: name.stage):
        names = list(group)
        counts.append(f"{stage} {sum(name in passed for name in names)}/{len(names)}")
    more = [] if every_gate else ["each gate with its figure: -v, or report.html"]
    return [*_folded(f"gates passed: {', '.join(counts)}"), *more]


def _folded(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _aligned(head: Row, rows: Sequence[Row]) -> list[str]:
    """A table: the first column and words to the left, figures to the right, columns only as wide as they must be."""
    lines = [tuple(one_line(cell) for cell in row) for row in (head, *rows)]
    columns = list(zip_longest(*lines, fillvalue=""))
    widths = [max(map(len, column)) for column in columns]
    left = [number == 0 or not any(map(_figure, column[1:])) for number, column in enumerate(columns)]
    return [_line(row, widths, left) for row in lines]


def _figure(cell: str) -> bool:
    return cell[-1:].isdigit() or cell.endswith("]")


def _line(cells: Row, widths: Sequence[int], left: Sequence[bool]) -> str:
    padded = (
        cell.ljust(width) if to_left else cell.rjust(width)
        for cell, width, to_left in zip(cells, widths, left, strict=True)
    )
    return "  ".join(padded).rstrip()
