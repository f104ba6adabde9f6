"""The guide's published texts give the guide's numbers; every damaged text is refused by the name of its damage."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.ascend.perf_texts import (
    PerfTextError,
    ais_reading,
    read_ais_json,
    read_ais_output,
    read_dataset_perf,
    read_pure_perf,
)
from tools.ascend.reading import Mode, card_images_per_second

TRANSCRIPTS = Path(__file__).parent / "transcripts"
BS1 = (TRANSCRIPTS / "guide_bs1.txt").read_text()
BS16 = (TRANSCRIPTS / "guide_bs16.txt").read_text()
CONSOLE = (TRANSCRIPTS / "ais_console.txt").read_bytes().decode()
PURE = {
    4: "ave_throughputRate = 974.27samples/s, ave_latency = 1.02917ms\n",
    8: "ave_throughputRate = 1435.99samples/s, ave_latency = 0.697617ms\n",
    32: "ave_throughputRate = 2186.17samples/s, ave_latency = 0.457931ms\n",
}
SUMMARY = {
    "NPU_compute_time": {"min": 1.5, "max": 1.7, "mean": 1.6, "median": 1.6, "percentile(99%)": 1.698, "count": 2},
    "throughput": 10000.0,
    "npu_compute_time_list": [1.5, 1.7],
    "pid": "4711",
}


@pytest.mark.parametrize(("text", "size", "chip", "card"), [(BS1, 1, 317.707, 1270.828), (BS16, 16, 1891.73, 7566.92)])
def test_the_guides_data_set_runs(text: str, size: int, chip: float, card: float) -> None:
    reading = read_dataset_perf(text, batch=size, device=0, images=50000)
    assert reading.images_per_second_per_chip == chip
    assert round(card_images_per_second(reading, 4), 3) == card
    assert reading.seconds_per_image == (1 / chip,)


@pytest.mark.parametrize(
    ("size", "chip", "card"), [(4, 974.27, 3897.08), (8, 1435.99, 5743.96), (32, 2186.17, 8744.68)]
)
def test_the_guides_pure_inference(size: int, chip: float, card: float) -> None:
    reading = read_pure_perf(PURE[size], batch=size, device=0)
    assert reading.images_per_second_per_chip == chip
    assert round(card_images_per_second(reading, 4), 2) == card


def _long_labels(text: str) -> str:
    return text.replace("[infer]", "[inference]").replace("[post]", "[postprocess]")


DISGUISES: dict[str, Callable[[str], str]] = {
    "long labels": _long_labels,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "progress by carriage return": lambda text: "loading 1%\rloading 99%\r" + text,
    "indented": lambda text: "".join(f"        {line}\n" for line in text.splitlines()),
    "one line": lambda text: " ".join(text.split("\n")),
    "full-width commas": lambda text: text.replace(", ", "，"),
    "full-width colons": lambda text: text.replace(":", "："),
    "stray space in the label": lambda text: text.replace("throughputRate", "through putRate"),
    "a hundred spaces before the number": lambda text: text.replace(": ", ":" + " " * 100),
    "lantency": lambda text: text.replace("latency", "lantency").replace("Latency", "Lantency"),
    "exponent": lambda text: text.replace("159929", "1.59929e+05"),
    "wide and deep preprocess": lambda text: text.replace("[preprocess]", "[wide preprocess]"),
    "console lines around it": lambda text: f"[INFO] run\n{text}[INFO] end\n",
    "no final line feed": str.rstrip,
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_every_known_variant_reads_the_same(disguise: str) -> None:
    reading = read_dataset_perf(DISGUISES[disguise](BS16), batch=16, device=0, images=50000)
    assert reading.images_per_second_per_chip == 1891.73


DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: " \r\n", "empty"),
    "no e2e": (lambda text: text.replace("[e2e]", "[x]"), r"\[e2e\] is missing"),
    "only e2e": (lambda text: text.split("\n")[0], r"\[infer\] is missing"),
    "no post": (lambda text: text.replace("[post]", "[x]"), r"\[post\] is missing"),
    "no Interface": (lambda text: text.replace("Interface throughputRate: 1891.73, ", ""), "Interface throughputRate"),
    "cut in the last field": (lambda text: text[: text.rindex("moduleLat") + 5], r"\[post\] moduleLatency is missing"),
    "cut in the last number": (lambda text: text[: text.rindex("50.8189") + 2], "post throughputRate x moduleLatency"),
    "two runs": (lambda text: text + text, "twice"),
    "a field twice": (lambda text: text.replace("latency: 159929", "latency: 1, latency: 159929"), "twice"),
    "unknown field": (lambda text: text.replace("latency: 159929", "hroughput: 3"), "unknown field"),
    "not a number": (lambda text: text.replace("1891.73", "1891.73.5"), "not a number"),
    "no number": (lambda text: text.replace("1891.73", ""), "not a number"),
    "nan": (lambda text: text.replace("1891.73", "nan"), "not a number"),
    "infinite": (lambda text: text.replace("1891.73", "1e999"), "positive and finite"),
    "zero": (lambda text: text.replace("1891.73", "0"), "positive and finite"),
    "negative": (lambda text: text.replace("312.638", "-312.638"), "positive and finite"),
    "images lost": (lambda text: text.replace("159929", "159920"), "the run had 50000"),
    "post counts images": (
        lambda text: text.replace("19.6777", "314.855").replace("50.8189", "3.17607"),
        "another batch size",
    ),
    "Interface below infer": (lambda text: text.replace("1891.73", "314.8"), "below the infer throughputRate"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damaged_perf_file_is_refused_by_name(damage: str) -> None:
    spoil, named = DAMAGES[damage]
    with pytest.raises(PerfTextError, match=named):
        read_dataset_perf(spoil(BS16), batch=16, device=0, images=50000)


def test_a_perf_file_of_another_batch_is_refused() -> None:
    with pytest.raises(PerfTextError, match="another batch size"):
        read_dataset_perf(BS16, batch=4, device=0, images=50000)


def test_a_last_partial_batch_counts_as_one_in_post() -> None:
    text = (
        "[e2e] throughputRate: 100, latency: 3000\n[infer] throughputRate: 110, Interface throughputRate: 400, "
        "moduleLatency: 1\n[post] throughputRate: 3.66667, moduleLatency: 272.727\n"
    )
    assert read_dataset_perf(text, batch=32, device=0, images=300).images == 300


@pytest.mark.parametrize(
    "text",
    [
        "[INFO] ave_throughputRate: 974.27samples/s, ave_latency: 1.02917ms\n",
        "[INFO] Dataset number: 29 finished cost 4.1ms\r\n[INFO] ave_throughputRate: 974.27, ave_latency: 1.02917\r\n",
        "ave_throughputRate = 9.7427e+02samples/s，ave_latency = 1.02917ms",
    ],
)
def test_pure_inference_from_file_and_console(text: str) -> None:
    assert read_pure_perf(text, batch=4, device=0).images_per_second_per_chip == 974.27


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"),
        ("hello", "ave_throughputRate is missing"),
        ("ave_throughputRate = 974.27samples/s", "ave_latency is missing"),
        ("ave_throughputRate = 974.27samples/s, ave_latency = 1.02", "no unit"),
        ("ave_throughputRate = 974.27batches/s, ave_latency = 1.02917ms", "unit 'batches/s'"),
        ("ave_throughputRate = 974.27samples/s, ave_latency = 4.11668ms", "x ave_latency / 1000 is 4.01"),
        ("ave_throughputRate = 243.57samples/s, ave_latency = 1.02917ms", "x ave_latency / 1000 is 0.25"),
        ("ave_throughputRate = 0samples/s, ave_latency = 1ms", "positive and finite"),
        ("ave_throughputRate = 1x2samples/s, ave_latency = 1ms", "not a number"),
        (PURE[4] + PURE[8], "two runs are mixed"),
    ],
)
def test_damaged_pure_inference_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(PerfTextError, match=re.escape(named)):
        read_pure_perf(text, batch=4, device=0)


THROUGHPUT_LINES = {
    "2022-06": "[INFO] throughput (1000*batchsize/NPU_compute_time): 10000.0",
    "2022-09": "[INFO] throughput 1000*batchsize(16)/NPU_compute_time.mean(1.6): 10000.0",
    "2023": "throughput 1000*batchsize.mean(16)/NPU_compute_time.mean(1.6): 10000.0",
}


@pytest.mark.parametrize("version", THROUGHPUT_LINES)
def test_printed_summaries_of_all_versions(version: str) -> None:
    text = (
        "[INFO] -----------------Performance Summary------------------\n"
        "[INFO] NPU_compute_time (ms): min = 1.5, max = 1.7, mean = 1.6, median = 1.6\n"
        f"{THROUGHPUT_LINES[version]}\n[INFO] -----\n"
    )
    summary = read_ais_output(text)
    assert (summary.reported_images_per_second, summary.times.mean_milliseconds) == (10000.0, 1.6)
    assert summary.batch == (None if version == "2022-06" else 16)


def test_the_last_summary_of_a_log_counts() -> None:
    earlier = CONSOLE.replace("(1.6): 10000.0", "(3.2): 5000.0").replace("mean = 1.6", "mean = 3.2")
    assert read_ais_output(earlier + CONSOLE).reported_images_per_second == 10000.0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"),
        ("[INFO] acl init success", "no throughput line"),
        (CONSOLE + "[INFO] ----Performance Summary----\n[INFO] NPU_comp", "cut short"),
        (CONSOLE.replace("10000.0", "10000.x"), "not a number"),
        (CONSOLE.replace("mean(16)", "mean(1.5)"), "whole number"),
        ("throughput (1000*batchsize/NPU_compute_time): 1.0", "states no mean"),
    ],
)
def test_damaged_console_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(PerfTextError, match=named):
        read_ais_output(text)


def test_padding_is_taken_out_of_ais_benchs_figure() -> None:
    summary = read_ais_json(json.dumps(SUMMARY))
    reading = ais_reading(summary, mode=Mode.DATASET, batch=16, device=0, images=20)
    assert reading.reported_images_per_second == 10000.0
    assert reading.images_per_second_per_chip == 10000.0 * 20 / 32
    assert reading.seconds_per_image == (1.5 / 1000 / 16, 1.7 / 1000 / 16)


def test_summary_of_2022_without_list_and_count() -> None:
    old = {"NPU_compute_time": {"mean": 1.6000000238418579}, "throughput": 1000 * 16 / 1.6000000238418579}
    reading = ais_reading(read_ais_json(json.dumps(old)), mode=Mode.PURE, batch=16, device=0, images=None)
    assert math.isclose(reading.images_per_second_per_chip, 10000, rel_tol=1e-6)
    assert reading.seconds_per_image == (1.6000000238418579 / 1000 / 16,)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (json.dumps(SUMMARY)[:-5], "not whole JSON"),
        ("[1]", "NPU_compute_time"),
        ("null", "NPU_compute_time"),
        ("[" * 100_000, "not whole JSON"),
        ('{"NPU_compute_time": {"mean": NaN}, "throughput": 1}', "holds NaN"),
        ('{"NPU_compute_time": {"mean": 1.6}}', "throughput is missing"),
        ('{"NPU_compute_time": {"mean": "1.6"}, "throughput": 1}', "not a number"),
        ('{"NPU_compute_time": {"mean": true}, "throughput": 1}', "not a number"),
        ('{"NPU_compute_time": {"mean": 1.6, "count": 0}, "throughput": 1}', "whole number"),
        ('{"NPU_compute_time": {"mean": 1.6}, "throughput": 1, "npu_compute_time_list": 3}', "not a list"),
        ('{"NPU_compute_time": {"mean": 1.6}, "throughput": 1, "npu_compute_time_list": [null]}', "not a number"),
        ('{"NPU_compute_time": {"mean": 1' + "0" * 400 + '}, "throughput": 1}', "too large"),
        ('{"NPU_compute_time": {"mean": 1' + "0" * 5000 + '}, "throughput": 1}', "not whole JSON"),
    ],
)
def test_damaged_json_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(PerfTextError, match=named):
        read_ais_json(text)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"throughput": 40000.0}, "throughput is 40000"),
        ({"throughput": 0.0}, "positive and finite"),
        ({"npu_compute_time_list": [1.5, 1.8]}, "npu_compute_time_list has the mean"),
        ({"npu_compute_time_list": [1.6]}, "the stated count is 2"),
        ({"npu_compute_time_list": [3.2, 0.0]}, "positive and finite"),
    ],
)
def test_contradicting_json_is_refused_by_name(change: dict[str, object], named: str) -> None:
    with pytest.raises(PerfTextError, match=named):
        ais_reading(read_ais_json(json.dumps(SUMMARY | change)), mode=Mode.DATASET, batch=16, device=0, images=32)


def test_a_wrong_batchsize_argument_contradicts_the_summary() -> None:
    with pytest.raises(PerfTextError, match="another batch size; found 16; allowed 4"):
        ais_reading(read_ais_output(CONSOLE), mode=Mode.DATASET, batch=4, device=0, images=32)


_PIECES = st.sampled_from(
    [
        *"[]:=,{，9\r\n",
        "[infer]",
        "[e2e]",
        "[post]",
        "throughputRate",
        "Interface ",
        "1e5",
        "nan",
        "ave_latency",
        "throughput 1000*batchsize(",
        ")",
        "NPU_compute_time",
        "mean = ",
        '"throughput"',
    ]
)
_TEXTS = st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=40).map("".join))


@settings(max_examples=150, deadline=None)
@given(text=_TEXTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    readers: list[Callable[[], object]] = [
        lambda: read_dataset_perf(text, batch=1, device=0, images=1),
        lambda: read_pure_perf(text, batch=1, device=0),
        lambda: read_ais_output(text),
        lambda: read_ais_json(text),
    ]
    for read in readers:
        try:
            read()
        except PerfTextError:
            continue


@given(cut=st.integers(0, len(BS16) - 9))
def test_no_cut_perf_file_passes(cut: int) -> None:
    """Cut anywhere before the last three digits, which is as far as the six printed digits can tell."""
    with pytest.raises(PerfTextError):
        read_dataset_perf(BS16[:cut], batch=16, device=0, images=50000)


@pytest.mark.parametrize(
    "text", ["a " * 300_000, "[" * 300_000, "[e2e] " + "a" * 300_000, "NPU_compute_time" * 20_000, "[a" + " " * 300_000]
)
def test_hostile_repetition_is_refused_without_delay(text: str) -> None:
    with pytest.raises(PerfTextError):
        read_dataset_perf(text, batch=1, device=0, images=1)
    with pytest.raises(PerfTextError):
        read_ais_output(text + "\nthroughput 1000*batchsize" + "(" * 1000)
