"""How long one execution takes on a chip, where the tool has kept the time of each: percentiles over all runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tools.judge.throughput_records import DeviceThroughput

PERCENTS = (50, 90, 99)


@dataclass(frozen=True)
class LatencyRow:
    """One batch size: `executions` counted, and in ms what so many percent of them take at most.

    A percentile is None where so few executions were timed that it would be the longest of them under another name.
    """

    batch: int
    mode: str
    executions: int
    percentiles_ms: dict[int, float | None]
    longest_ms: float


def latency_rows(measured: Sequence[DeviceThroughput]) -> tuple[LatencyRow, ...]:
    """A row for each batch size of which executions were timed; a tool that keeps their mean alone gives none."""
    rows = (_row(entry) for entry in measured)
    return tuple(sorted((row for row in rows if row is not None), key=lambda row: row.batch))


def _row(entry: DeviceThroughput) -> LatencyRow | None:
    timed = [run.seconds_per_image for run in entry.runs if len(run.seconds_per_image) > 1]
    if not timed:
        return None
    times = sorted(1000 * entry.batch * seconds for run in timed for seconds in run)
    found = {percent: _percentile(times, percent) for percent in PERCENTS}
    return LatencyRow(entry.batch, entry.mode, len(times), found, times[-1])


def _percentile(times: Sequence[float], percent: int) -> float | None:
    """By the nearest rank, which is a time that was measured; `times` ascend."""
    if len(times) * (100 - percent) < 100:
        return None
    return times[math.ceil(len(times) * percent / 100) - 1]
