"""What a tool says twice must agree: each pair is broken alone, and real transcripts break none."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.judge.texts.digits import SIX_DIGITS, half_last_digit, same_of_six
from tools.judge.texts.perf_texts import PerfTextError
from tools.judge.texts.reading import InferTool, Mode
from tools.judge.texts.rounds import rounds_differ
from tools.judge.texts.told import PURE_EXECUTIONS, STORED, Asked, Told, read_told

TRANSCRIPTS = Path(__file__).parent / "transcripts"
BS1, BS16 = ((TRANSCRIPTS / f"guide_bs{batch}.txt").read_text() for batch in (1, 16))
AIS = (TRANSCRIPTS / "ais_console.txt").read_bytes().decode()
PURE = "ave_throughputRate = 974.27samples/s, ave_latency = 1.02917ms\n"
DATASET = Asked(InferTool.BENCHMARK, 16, 0, images=50000, executions=0)
ROUNDS = Asked(InferTool.BENCHMARK, 4, 0, images=None, executions=30)
OVER_32 = Asked(InferTool.AIS_BENCH, 16, 0, images=32, executions=0)
LOOPED = Asked(InferTool.AIS_BENCH, 16, 0, images=None, executions=2)
SUMMARY = {
    "NPU_compute_time": {"min": 1.5, "max": 1.7, "mean": 1.6, "median": 1.6, "percentile(99%)": 1.698, "count": 2},
    "throughput": 10000.0,
    "npu_compute_time_list": [1.5, 1.7],
}
AROUND = "[INFO][Inference] Init SUCCESS\n-----Performance Summary-----\n{}-----\n[INFO][Inference] UnInit SUCCESS\n"


def rounds(costs: list[float], first: int = 0) -> str:
    """The console of a pure run: a line a round, then the summary."""
    lines = (f"[INFO] Dataset number: {first + index} finished cost {cost:.6g}ms\n" for index, cost in enumerate(costs))
    return f"{''.join(lines)}[INFO] {PURE.replace(' = ', ': ')}"


COSTS = [4.1 + 0.01 * (index % 3) for index in range(30)]


def refusal(told: Told, asked: Asked) -> str:
    """Why the texts are refused."""
    with pytest.raises(PerfTextError) as caught:
        read_told(told, asked)
    return str(caught.value)


@pytest.mark.parametrize(("text", "batch"), [(BS1, 1), (BS16, 16)])
@pytest.mark.parametrize("console", ["", "[INFO] load model success\n", AROUND])
def test_the_guides_runs_agree_with_their_console(text: str, batch: int, console: str) -> None:
    asked = Asked(InferTool.BENCHMARK, batch, 0, images=50000, executions=0)
    assert read_told(Told(console.format(text), text), asked).images == 50000


@pytest.mark.parametrize("number", re.findall(r"[0-9.]+(?=[,\n])", BS16))
def test_each_figure_of_the_perf_file_is_that_of_the_console(number: str) -> None:
    other = f"{float(number) * 1.3:.6g}"
    named = refusal(Told(AROUND.format(BS16.replace(number, other)), BS16), DATASET)
    assert f"is {number} in the perf file and {other} on the console" in named


def test_a_perf_file_of_higher_figures_than_the_console_is_refused_by_name() -> None:
    stored = BS16.replace("Interface throughputRate: 1891.73", "Interface throughputRate: 2459.25")
    assert refusal(Told(AROUND.format(BS16), stored), DATASET) == (
        "[infer] Interface throughputRate is 2459.25 in the perf file and 1891.73 on the console"
    )


# Last lines of logs that were published with the figures below them; the rounds before are not shown.
PUBLISHED = [
    (1, "19 finished cost 597.914ms", "1.67129", "599.028", 20),
    (4, "19 finished cost 25.448ms", "157.113", "6.41437", 20),
    (32, "19 finished cost 186.99ms", "171.244", "5.85112", 20),
    (1, "49 finished cost 4.174ms", "240.622", "4.24716", 50),
    (16, "99 finished cost 49.343ms", "323.826", "3.08851", 100),
    (1, "19 finished cost 2.635ms", "155.975", "6.42435", 20),
]


@pytest.mark.parametrize(("batch", "line", "rate", "latency", "asked"), PUBLISHED)
def test_published_logs_of_pure_inference_agree(batch: int, line: str, rate: str, latency: str, asked: int) -> None:
    console = f"[INFO] Dataset number: {line}\n[INFO] ave_throughputRate: {rate}samples/s, ave_latency: {latency}ms\n"
    stored = f"ave_throughputRate = {rate}samples/s, ave_latency = {latency}ms\n"
    run = Asked(InferTool.BENCHMARK, batch, 0, images=None, executions=asked)
    assert read_told(Told(console, stored), run).reported_images_per_second == float(rate)


@pytest.mark.parametrize(
    "console",
    [
        rounds(COSTS),
        rounds(COSTS, first=1),
        rounds(COSTS).replace("\n", "\r"),
        rounds([12.0, *COSTS[1:]]),
        rounds(COSTS[:1], first=29),
        rounds(COSTS[:1], first=30),
    ],
)
def test_all_rounds_or_the_last_of_them_agree(console: str) -> None:
    assert read_told(Told(console, PURE), ROUNDS).reported_images_per_second == 974.27


@pytest.mark.parametrize(
    ("console", "named"),
    [
        (rounds(COSTS[:1]), "benchmark tells of 1 rounds, the last numbered 0 on the console, -round=30 was asked for"),
        (rounds(COSTS[:29]), "tells of 29 rounds, the last numbered 28"),
        (rounds([*COSTS, 4.1]), "tells of 31 rounds, the last numbered 30"),
        (rounds(COSTS[:15]) + rounds(COSTS[:15], first=16), "tells of 30 rounds, the last numbered 30"),
        ("[INFO] loaded\n", "tells of no round on the console"),
        ("", "tells of no round on the console"),
        (
            rounds([cost * 1.3 for cost in COSTS]),
            "ave_throughputRate is 974.27 samples/s in the perf file, the rounds on the console give 746.826 to 750.4",
        ),
        (
            rounds([cost / 1.3 for cost in COSTS]),
            "ave_latency is 1.02917 ms in the perf file, the rounds on the console",
        ),
        (rounds([0.0, *COSTS[1:]]), "a round has cost 0 ms"),
        (rounds(COSTS).replace("974.27", "749.44"), "ave_throughputRate is 974.27 in the perf file and 749.44 on"),
        (rounds(COSTS).replace("1.02917", "1.33"), "ave_latency is 1.02917 in the perf file and 1.33 on the console"),
    ],
)
def test_rounds_that_do_not_fit_are_refused_by_name(console: str, named: str) -> None:
    assert named in refusal(Told(console, PURE), ROUNDS)


@pytest.mark.parametrize("cost", [1000.0, 0.5])
def test_means_may_lie_beyond_all_rounds_by_the_last_printed_digit_only(cost: float) -> None:
    told = Told(rounds([cost] * 30), PURE)
    sound = replace(read_told(Told(rounds(COSTS), PURE), ROUNDS), batch=1)
    rate = 1000 / cost
    for factor in (1 - SIX_DIGITS, 1 + SIX_DIGITS):
        edge = replace(sound, reported_images_per_second=rate * factor, milliseconds_per_image=cost * factor)
        assert rounds_differ(told.console, edge, asked=30) == []
    for factor in (1 - 1.1 * SIX_DIGITS, 1 + 1.1 * SIX_DIGITS):
        beyond = replace(sound, reported_images_per_second=rate * factor, milliseconds_per_image=cost * factor)
        assert len(rounds_differ(told.console, beyond, asked=30)) == 2


def test_ais_benchs_console_and_summary_agree() -> None:
    assert read_told(Told(AIS, json.dumps(SUMMARY)), OVER_32).seconds_per_image == (1.5 / 16000, 1.7 / 16000)


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        (Told(AROUND.format(BS16), BS16), DATASET),
        (Told(rounds(COSTS), PURE), ROUNDS),
        (Told(AIS, json.dumps(SUMMARY)), OVER_32),
        (Told(AIS, json.dumps(SUMMARY)), LOOPED),
    ],
)
def test_a_reading_is_of_what_was_asked(told: Told, asked: Asked) -> None:
    reading = read_told(told, replace(asked, device=3))
    assert (reading.tool, reading.mode, reading.batch) == (asked.tool, asked.mode, asked.batch)
    assert (reading.device, reading.images) == (3, asked.images)
    assert asked.mode is (Mode.PURE if asked in (ROUNDS, LOOPED) else Mode.DATASET)


def test_padding_is_no_image() -> None:
    reading = read_told(Told(AIS, json.dumps(SUMMARY)), replace(OVER_32, images=30))
    assert reading.images_per_second_per_chip == 10000.0 * 30 / 32


def test_executions_and_files_are_those_of_the_guides() -> None:
    """`-round` of the AlexNet guide and `--loop` of the README for 310P3; the names are those that bundles hold."""
    assert PURE_EXECUTIONS == {InferTool.BENCHMARK: 30, InferTool.AIS_BENCH: 1000}
    assert STORED == {InferTool.BENCHMARK: "perf.txt", InferTool.AIS_BENCH: "summary.json"}


UNNAMED = AIS.replace("batchsize.mean(16)", "batchsize")
UNCOUNTED = AIS.replace("runcount:2", "")
NO_LIST = {"NPU_compute_time": {"mean": 1.6}, "throughput": 10000.0}


@pytest.mark.parametrize(
    ("console", "summary", "asked"),
    [
        (UNCOUNTED, SUMMARY, OVER_32),
        (UNCOUNTED, NO_LIST, OVER_32),
        (AIS.replace("filesperbatch:16", ""), NO_LIST, OVER_32),
        (UNCOUNTED.replace("filesperbatch:16", ""), NO_LIST, LOOPED),
    ],
)
def test_one_place_that_tells_the_batch_is_enough(console: str, summary: dict[str, object], asked: Asked) -> None:
    assert read_told(Told(console, json.dumps(summary)), asked).batch == 16


@pytest.mark.parametrize(
    ("console", "summary", "asked", "named"),
    [
        (
            UNCOUNTED.replace("filesperbatch:16", ""),
            NO_LIST,
            OVER_32,
            "ais_bench tells neither executions nor files per batch: the batch cannot be cross-checked",
        ),
        (
            UNNAMED,
            SUMMARY,
            LOOPED,
            "ais_bench does not print the batch it took from the OM: it cannot be cross-checked",
        ),
        (
            AIS,
            SUMMARY,
            replace(LOOPED, executions=1000),
            "in the summary ais_bench executed 2 times instead of 1000",
        ),
        (
            AIS.replace("batchsize.mean(16)", "batchsize.mean(8)"),
            SUMMARY,
            OVER_32,
            "ais_bench reckoned with another batch size; found 8; allowed 16",
        ),
    ],
)
def test_a_batch_that_cannot_be_checked_or_another_one_is_refused(
    console: str, summary: dict[str, object], asked: Asked, named: str
) -> None:
    assert refusal(Told(console, json.dumps(summary)), asked) == named


def test_the_first_five_figures_that_differ_are_named() -> None:
    figures = re.findall(r"(?<=: )[0-9.]+(?=[,\n])", BS16)
    console = re.sub(r"(?<=: )[0-9.]+(?=[,\n])", lambda match: f"{float(match[0]) * 1.3:.6g}", BS16)
    assert len(figures) > 5
    named = refusal(Told(AROUND.format(console), BS16), DATASET).split("; ")
    assert len(named) == 5
    assert all(re.fullmatch(r"\[.*\] .* is [0-9.]+ in the perf file and [0-9.]+ on the console", one) for one in named)


def times(**change: float) -> dict[str, object]:
    """The summary with other statistics."""
    return {**SUMMARY, "NPU_compute_time": {**SUMMARY["NPU_compute_time"], **change}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("summary", "named"),
    [
        (
            {**SUMMARY, "throughput": 13000.0},
            "throughput of ais_bench is 10000 on the console and 13000 in the summary",
        ),
        (times(min=1.4), "NPU_compute_time min is 1.5 on the console and 1.4 in the summary"),
        (times(max=1.8), "NPU_compute_time max is 1.7 on the console and 1.8 in the summary"),
        (times(mean=1.5), "NPU_compute_time mean is 1.6 on the console and 1.5 in the summary"),
        (times(median=1.5), "NPU_compute_time median is 1.6 on the console and 1.5 in the summary"),
        (times(**{"percentile(99%)": 1.6}), "NPU_compute_time percentile(99%) is 1.698 on the console and 1.6 in the"),
        (times(count=3), "npu_compute_time_list has 2 entries, the stated count is 3"),
        (
            {**SUMMARY, "npu_compute_time_list": [1.55, 1.65]},
            "npu_compute_time_list has the min 1.55 ms, stated is 1.5",
        ),
        (
            {**SUMMARY, "npu_compute_time_list": [1.5]},
            "in the summary ais_bench executed 1 times, 32 images in batches",
        ),
    ],
)
def test_a_summary_that_is_not_the_printed_one_is_refused_by_name(summary: dict[str, object], named: str) -> None:
    assert named in refusal(Told(AIS, json.dumps(summary)), OVER_32)


CONSOLES: dict[str, tuple[Callable[[str], str], str]] = {
    "another mean in the throughput line": (
        lambda text: text.replace("mean(1.6)", "mean(1.3)"),
        "mean of NPU_compute_time is 1.6 ms on the console and 1.3 ms in the throughput line below it",
    ),
    "another count of executions": (
        lambda text: text.replace("runcount:2", "runcount:3"),
        "on the console ais_bench executed 3 times, 32 images in batches of 16 need 2",
    ),
    "another batch of files": (
        lambda text: text.replace("filesperbatch:16", "filesperbatch:8"),
        "ais_bench took 8 files a batch, the OM's batch is 16",
    ),
}


@pytest.mark.parametrize("name", CONSOLES)
def test_a_console_that_contradicts_itself_is_refused_by_name(name: str) -> None:
    spoil, named = CONSOLES[name]
    assert named in refusal(Told(spoil(AIS), json.dumps(SUMMARY)), OVER_32)


@pytest.mark.parametrize(
    ("token", "half"),
    [("12.50", 0.005), ("1.5e-3", 0.00005), ("1.5E-3", 0.00005), ("10", 0.5), (".5", 0.05), ("1e400", 5e307)],
)
def test_half_a_unit_of_the_last_digit(token: str, half: float) -> None:
    assert half_last_digit(token) == pytest.approx(half)


def test_what_is_no_number_has_no_last_digit() -> None:
    with pytest.raises(ValueError, match=r"^'1\.5\.' is no decimal number$"):
        half_last_digit("1.5.")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [(100000.0, 100001.0, True), (100000.0, 100002.0, False), (0.0, 0.0, True), (0.0, 1e-9, False)],
)
def test_six_digits_tell_figures_apart(first: float, second: float, same: bool) -> None:
    assert same_of_six(first, second) is same


ASKED = (DATASET, ROUNDS, OVER_32, Asked(InferTool.AIS_BENCH, 16, 0, images=None, executions=1000))
TEXTS = (BS16, AROUND.format(BS16), PURE, rounds(COSTS), AIS, json.dumps(SUMMARY))
PIECES = (
    "nan",
    "inf",
    "1e999",
    "1e-999",
    "-1",
    "0",
    "9" * 400,
    ".",
    "[infer] ",
    "finished cost ",
    "\r",
    "[[[[",
    "{",
    "",
)


@given(
    console=st.sampled_from(TEXTS),
    stored=st.sampled_from(TEXTS),
    piece=st.sampled_from(PIECES),
    at=st.integers(0, 2000),
    length=st.integers(0, 20),
)
def test_a_text_that_was_spoilt_is_a_reading_or_refused(
    console: str, stored: str, piece: str, at: int, length: int
) -> None:
    for asked in ASKED:
        for first, second in (
            (console[:at] + piece + console[at + length :], stored),
            (console, f"{stored[:at]}{piece}"),
        ):
            try:
                found = read_told(Told(first, second), asked)
            except PerfTextError:
                continue
            assert found.reported_images_per_second > 0


@pytest.mark.parametrize(
    "unit", ["Dataset number: ", "Dataset number: 1 finished cost ", "[e2e] ", "1", " ", "runcount:"]
)
def test_hostile_repetition_is_refused_without_delay(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    for asked in ASKED:
        for told in (Told(text, text), Told(text, PURE), Told(text, json.dumps(SUMMARY)), Told(text, BS16)):
            with contextlib.suppress(PerfTextError):
                read_told(told, asked)
