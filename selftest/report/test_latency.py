"""Percentiles of single executions: measured times, and none that so few of them cannot tell."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from selftest.report.conftest import Written
from selftest.report.page import Page
from tools.judge.acceptance import Acceptance
from tools.judge.throughput_records import DeviceThroughput
from tools.report.html import write_report
from tools.report.latency import LatencyRow, latency_rows


def timed(entry: DeviceThroughput, *runs_ms: list[float]) -> DeviceThroughput:
    """Its runs with the times of their executions, in ms."""
    runs = [
        dataclasses.replace(run, seconds_per_image=tuple(time / 1000 / entry.batch for time in times))
        for run, times in zip(entry.runs, runs_ms, strict=True)
    ]
    return dataclasses.replace(entry, runs=tuple(runs))


def row(entry: DeviceThroughput, *runs_ms: list[float]) -> LatencyRow:
    (found,) = latency_rows([timed(entry, *runs_ms)])
    return found


@pytest.fixture
def bs16(accepted: Written) -> DeviceThroughput:
    return next(entry for entry in accepted.run.device_throughput if entry.batch == 16)


def test_percentiles_are_times_of_a_whole_batch_over_all_runs(bs16: DeviceThroughput) -> None:
    times = [float(time) for time in range(1, 301)]
    found = row(bs16, times[200:], times[:100], times[100:200])
    assert (found.batch, found.executions) == (16, 300)
    assert found.percentiles_ms == {50: pytest.approx(150), 90: pytest.approx(270), 99: pytest.approx(297)}
    assert found.longest_ms == pytest.approx(300)


@pytest.mark.parametrize(("each", "known"), [(33, [50, 90]), (34, [50, 90, 99]), (3, [50]), (4, [50, 90])])
def test_a_percentile_that_would_be_the_longest_time_is_left_out(
    each: int, known: list[int], bs16: DeviceThroughput
) -> None:
    found = row(bs16, *[[1.0] * each] * 3)
    assert [percent for percent, value in found.percentiles_ms.items() if value is not None] == known


def test_a_tool_that_keeps_a_mean_alone_has_no_latencies(bs16: DeviceThroughput) -> None:
    assert latency_rows([timed(bs16, [3.0], [4.0], [5.0])]) == ()


def test_the_page_shows_them_or_says_that_there_are_none(accepted: Written, tmp_path: Path) -> None:
    def page(run: Acceptance) -> str:
        bare = dataclasses.replace(run, variants=())
        write_report(tmp_path, dataclasses.replace(bare, spec=None))
        return Page(tmp_path / "report.html").text

    run = accepted.run
    assert "No latencies: the tool kept no times of single executions" in page(run)
    measured = tuple(timed(entry, *[[2.0] * 50] * 3) for entry in run.device_throughput)
    text = page(dataclasses.replace(run, device_throughput=measured))
    assert "p50 ms p90 ms p99 ms longest ms" in text
    assert "bs4 pure 150 2.000 2.000 2.000 2.000" in text
