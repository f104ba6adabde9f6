"""The guide's published texts give the guide's numbers; every damaged text is refused by the name of its damage."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.judge.numbers import AtMost
from tools.judge.texts.perf_texts import (
    AisSummary,
    PerfTextError,
    Printed,
    ais_reading,
    read_ais_json,
    read_ais_output,
    read_dataset_perf,
    read_pure_perf,
)
from tools.judge.texts.reading import (
    ExecutionTimes,
    InferTool,
    Mode,
    ModuleRate,
    PipelineRates,
    ThroughputReading,
)
from tools.judge.throughput import Stated, check_reported

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
    assert round(reading.images_per_second_per_chip * 4, 3) == card


def test_every_number_of_a_data_set_run_lands_in_its_field() -> None:
    assert read_dataset_perf(BS16, batch=16, device=3, images=50000) == ThroughputReading(
        tool=InferTool.BENCHMARK,
        mode=Mode.DATASET,
        batch=16,
        device=3,
        images=50000,
        images_per_second_per_chip=1891.73,
        reported_images_per_second=1891.73,
        seconds_per_image=(1 / 1891.73,),
        pipeline=PipelineRates(
            e2e_images_per_second=312.638,
            e2e_milliseconds=159929,
            infer_images_per_second=314.855,
            interface_images_per_second=1891.73,
            post_batches_per_second=19.6777,
            modules=(
                ModuleRate("data read", 321.245, 3.11289),
                ModuleRate("preprocess", 319.722, 3.12772),
                ModuleRate("post", 19.6777, 50.8189),
            ),
            infer_milliseconds=2.01078,
        ),
    )


def test_a_pipeline_with_two_kinds_of_preprocessing_keeps_both() -> None:
    deep = "[deep preprocess] throughputRate: 100, moduleLatency: 10\n[infer]"
    text = BS16.replace("[preprocess]", "[wide preprocess]").replace("[infer]", deep)
    reading = read_dataset_perf(text, batch=16, device=0, images=50000)
    assert reading.pipeline is not None
    assert [module.name for module in reading.pipeline.modules] == [
        "data read",
        "wide preprocess",
        "deep preprocess",
        "post",
    ]


def test_less_than_an_image_a_second_is_a_rate() -> None:
    text = "ave_throughputRate = 0.5samples/s, ave_latency = 2000ms"
    assert read_pure_perf(text, batch=1, device=0).seconds_per_image == (2.0,)


def test_every_number_of_pure_inference_lands_in_its_field() -> None:
    assert read_pure_perf(PURE[4], batch=4, device=3) == ThroughputReading(
        tool=InferTool.BENCHMARK,
        mode=Mode.PURE,
        batch=4,
        device=3,
        images=None,
        images_per_second_per_chip=974.27,
        reported_images_per_second=974.27,
        seconds_per_image=(1 / 974.27,),
        milliseconds_per_image=1.02917,
    )


@pytest.mark.parametrize(
    ("size", "chip", "card"), [(4, 974.27, 3897.08), (8, 1435.99, 5743.96), (32, 2186.17, 8744.68)]
)
def test_the_guides_pure_inference(size: int, chip: float, card: float) -> None:
    reading = read_pure_perf(PURE[size], batch=size, device=0)
    assert reading.images_per_second_per_chip == chip
    assert round(reading.images_per_second_per_chip * 4, 2) == card


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
    "exponent in capitals": lambda text: text.replace("159929", "1.59929E+05"),
    "wide and deep preprocess": lambda text: text.replace("[preprocess]", "[wide preprocess]"),
    "console lines around it": lambda text: f"[INFO] run\n{text}[INFO] end\n",
    "no final line feed": str.rstrip,
    "wide spaces": lambda text: text.replace(" ", "\u3000"),
    "spaces that do not break": lambda text: text.replace(" ", "\u00a0"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "full-width equals signs": lambda text: text.replace(":", "\uff1d"),
    "capitals": str.upper,
    "spaces within the brackets": lambda text: text.replace("[", "[  ").replace("]", "  ]"),
    "an unknown block": lambda text: f"[total] anything: 1\n{text}",
    "three hundred spaces before the colon": lambda text: text.replace(":", " " * 300 + ":"),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_every_known_variant_reads_the_same(disguise: str) -> None:
    reading = read_dataset_perf(DISGUISES[disguise](BS16), batch=16, device=0, images=50000)
    assert reading.images_per_second_per_chip == 1891.73


CONTRADICTS = "the benchmark reading contradicts itself: "
POSITIVE = "it must be positive and finite"
OTHER_BATCH = "in batches of {} the e2e throughputRate gives {}: a run of another batch size"
DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: " \r\n", "the perf text is empty"),
    "no e2e": (
        lambda text: text.replace("[e2e]", "[x]"),
        "[e2e] is missing: the perf text is cut short or not one",
    ),
    "only e2e": (lambda text: text.split("\n")[0], "[infer] is missing: the perf text is cut short or not one"),
    "no post": (
        lambda text: text.replace("[post]", "[x]"),
        "[post] is missing: the perf text is cut short or not one",
    ),
    "no Interface": (
        lambda text: text.replace("Interface throughputRate: 1891.73, ", ""),
        "[infer] Interface throughputRate is missing: the perf text is cut short",
    ),
    "cut in the last field": (
        lambda text: text[: text.rindex("moduleLat") + 5],
        "[post] moduleLatency is missing: the perf text is cut short",
    ),
    "cut in the last number": (
        lambda text: text[: text.rindex("50.8189") + 2],
        f"{CONTRADICTS}post throughputRate x moduleLatency is 983.885, it must be 1000",
    ),
    "two runs": (lambda text: text + text, "[e2e] is there twice: the texts of two runs are mixed"),
    "a field twice": (
        lambda text: text.replace("latency: 159929", "latency: 1, latency: 159929"),
        "[e2e] latency is there twice",
    ),
    "unknown field": (
        lambda text: text.replace("latency: 159929", "hroughput: 3"),
        "[e2e] has the unknown field 'hroughput'",
    ),
    "not a number": (
        lambda text: text.replace("1891.73", "1891.73.5"),
        "[infer] Interface throughputRate is '1891.73.5', not a number",
    ),
    "a unit": (
        lambda text: text.replace("1891.73", "1891.73ms"),
        "[infer] Interface throughputRate is '1891.73ms', not a number",
    ),
    "no number": (
        lambda text: text.replace("1891.73", ""),
        "[infer] Interface throughputRate is '', not a number",
    ),
    "61 digits": (
        lambda text: text.replace("1891.73", f"1891.73{'0' * 54}"),
        f"[infer] Interface throughputRate is '1891.73{'0' * 53}', not a number",
    ),
    "nan": (
        lambda text: text.replace("1891.73", "nan"),
        "[infer] Interface throughputRate is 'nan', not a number",
    ),
    "infinite": (
        lambda text: text.replace("1891.73", "1e999"),
        f"{CONTRADICTS}images_per_second_per_chip is inf, {POSITIVE}; reported_images_per_second is inf, {POSITIVE}; "
        f"seconds_per_image[0] is 0.0, {POSITIVE}; Interface throughputRate is inf, {POSITIVE}",
    ),
    "zero": (
        lambda text: text.replace("1891.73", "0"),
        f"{CONTRADICTS}images_per_second_per_chip is 0.0, {POSITIVE}; reported_images_per_second is 0.0, {POSITIVE}; "
        f"Interface throughputRate is 0.0, {POSITIVE}",
    ),
    "negative": (
        lambda text: text.replace("312.638", "-312.638"),
        f"{CONTRADICTS}e2e throughputRate is -312.638, {POSITIVE}",
    ),
    "images lost": (
        lambda text: text.replace("159929", "159920"),
        f"{CONTRADICTS}e2e throughputRate x latency / 1000 gives 49997.1 images, the run had 50000",
    ),
    "Interface below infer": (
        lambda text: text.replace("1891.73", "314.8"),
        f"{CONTRADICTS}Interface throughputRate 314.8 is below the infer throughputRate 314.855, "
        "although it leaves the copies out; Interface throughputRate 314.8 is 3.17662 ms an image, which is more than "
        "the moduleLatency 2.01078 ms of infer, although it leaves the copies out",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damaged_perf_file_is_refused_by_name(damage: str) -> None:
    spoil, named = DAMAGES[damage]
    with pytest.raises(PerfTextError) as caught:
        read_dataset_perf(spoil(BS16), batch=16, device=0, images=50000)
    assert str(caught.value) == named


def test_a_number_of_60_characters_is_read() -> None:
    text = BS16.replace("1891.73", f"1891.73{'0' * 53}")
    assert read_dataset_perf(text, batch=16, device=0, images=50000).images_per_second_per_chip == 1891.73


def test_a_perf_file_of_another_batch_is_refused() -> None:
    with pytest.raises(PerfTextError) as caught:
        read_dataset_perf(BS16, batch=4, device=0, images=50000)
    post = "post throughputRate is 19.6777 batches per second"
    assert str(caught.value) == f"{CONTRADICTS}{post}, {OTHER_BATCH.format(4, 78.1595)}"


def test_a_last_partial_batch_counts_as_one_in_post() -> None:
    text = (
        "[e2e] throughputRate: 100, latency: 3000\n[infer] throughputRate: 110, Interface throughputRate: 400, "
        "moduleLatency: 3\n[post] throughputRate: 3.66667, moduleLatency: 272.727\n"
    )
    assert read_dataset_perf(text, batch=32, device=0, images=300).images == 300


# Batch, images; rate and latency of e2e; of infer rate, Interface rate and moduleLatency; of post both. As published.
POST_AT_ITS_OWN_PACE = {
    "OpenPose": (1, 5000, "0.0806233", "6.20168e+07", "32.3342", "755.13", "30.6295", "0.0806403", "12400.8"),
    "ADNet": (1, 68, "21.1584", "3213.85", "33.8299", "35.7852", "29.1051", "34.309", "29.1469"),
    "ADNet in batches": (16, 68, "19.8971", "3417.58", "27.4387", "29.3584", "35.5952", "2.40737", "415.392"),
    "RDN": (1, 5, "1.32351", "3777.82", "6.8117", "7.39423", "139.064", "3.24091", "308.555"),
    "a segmentation": (4, 500, "0.429745", "1.16348e+06", "0.477698", "5.59273", "2100.2", "0.107216", "9327"),
}


@pytest.mark.parametrize("name", POST_AT_ITS_OWN_PACE)
def test_published_runs_whose_post_is_not_as_quick_as_infer_are_read(name: str) -> None:
    batch, images, e2e, wall, infer, interface, copied, post, posted = POST_AT_ITS_OWN_PACE[name]
    text = (
        f"[e2e] throughputRate: {e2e}, latency: {wall}\n"
        f"[infer] throughputRate: {infer}, Interface throughputRate: {interface}, moduleLatency: {copied}\n"
        f"[post] throughputRate: {post}, moduleLatency: {posted}\n"
    )
    assert read_dataset_perf(text, batch=batch, device=0, images=images).reported_images_per_second == float(interface)


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


CUT = "the pure-inference text is cut short"
PRODUCT = "ave_throughputRate x ave_latency / 1000 is {}, it must lie in 0.98 to 1.12"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "the perf text is empty"),
        ("hello", f"ave_throughputRate is missing: {CUT} or not one"),
        ("ave_throughputRate = 974.27samples/s", f"ave_latency is missing: {CUT} or not one"),
        ("ave_throughputRate = 974.27samples/s, ave_latency = 1.02", f"ave_latency has no unit: {CUT}"),
        (
            "ave_throughputRate = 974.27batches/s, ave_latency = 1.02917ms",
            "ave_throughputRate has the unit 'batches/s', it must be samples/s",
        ),
        (
            "ave_throughputRate = 974.27Samples/s, ave_latency = 1.02917ms",
            "ave_throughputRate has the unit 'Samples/s', it must be samples/s",
        ),
        (
            "ave_throughputRate = 974.27samples/s, ave_latency = 1.02917s",
            "ave_latency has the unit 's', it must be ms",
        ),
        (
            "ave_throughputRate = 974.27samples/s, ave_latency = 4.11668ms",
            f"{CONTRADICTS}{PRODUCT.format(4.011)}",
        ),
        (
            "ave_throughputRate = 243.57samples/s, ave_latency = 1.02917ms",
            f"{CONTRADICTS}{PRODUCT.format(0.2507)}",
        ),
        (
            "ave_throughputRate = 0samples/s, ave_latency = 1ms",
            f"{CONTRADICTS}images_per_second_per_chip is 0.0, {POSITIVE}; "
            f"reported_images_per_second is 0.0, {POSITIVE}",
        ),
        (
            "ave_throughputRate = 974.27samples/s, ave_latency = 0ms",
            f"{CONTRADICTS}ave_latency is 0.0, {POSITIVE}",
        ),
        ("ave_throughputRate = 1x2samples/s, ave_latency = 1ms", "ave_throughputRate is '1x2samples/s', not a number"),
        (PURE[4] + PURE[8], "ave_throughputRate is given as 974.27 and as 1435.99: the texts of two runs are mixed"),
    ],
)
def test_damaged_pure_inference_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(PerfTextError) as caught:
        read_pure_perf(text, batch=4, device=0)
    assert str(caught.value) == named


def test_the_same_numbers_twice_are_one_run() -> None:
    assert read_pure_perf(PURE[4] * 2, batch=4, device=0) == read_pure_perf(PURE[4], batch=4, device=0)


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


@pytest.mark.parametrize("ending", ["\r", "\r\n"])
def test_a_console_may_end_its_lines_by_carriage_returns(ending: str) -> None:
    assert read_ais_output(CONSOLE.replace("\n", ending)) == read_ais_output(CONSOLE)


def test_a_line_may_begin_with_the_time_of_day() -> None:
    assert read_ais_output(CONSOLE.replace("[INFO] throughput", "12:30:01 throughput")) == read_ais_output(CONSOLE)


BARE = "throughput (1000*batchsize/NPU_compute_time): {}\n"


def test_a_mean_is_looked_for_from_the_line_after_the_summary_before() -> None:
    times = "NPU_compute_time (ms): mean = {}\n"
    once = times.format(1.6) + "[INFO] a line between\n" + BARE.format(10000)
    assert read_ais_output(once).times.mean_milliseconds == 1.6
    assert read_ais_output(times.format(3.2) + BARE.format(5000) + once).times.mean_milliseconds == 1.6


def test_a_title_directly_above_the_throughput_line_is_its_own() -> None:
    lines = CONSOLE.splitlines()
    title = next(line for line in lines if "Performance Summary" in line)
    last = next(index for index, line in enumerate(lines) if "1000*batchsize" in line)
    assert read_ais_output(f"{title}\n{lines[last]}").reported_images_per_second == 10000.0
    with pytest.raises(PerfTextError, match="the last Performance Summary of ais_bench has no throughput line"):
        read_ais_output("\n".join([*lines[: last + 1], title]))


SECOND = "[INFO] ----Performance Summary----\n[INFO] NPU_comp"
MEANLESS = "the last summary of ais_bench states no mean of NPU_compute_time"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "the perf text is empty"),
        ("[INFO] acl init success", "no throughput line of ais_bench in its output"),
        ("throughput: 3", "no throughput line of ais_bench in its output"),
        ("1000*batchsize: 3", "no throughput line of ais_bench in its output"),
        (
            CONSOLE + SECOND,
            "the last Performance Summary of ais_bench has no throughput line: its output is cut short",
        ),
        (CONSOLE.replace("10000.0", "10000.x"), "throughput is '10000.x', not a number"),
        (CONSOLE.replace("mean(16)", "mean(1.5)"), "batchsize is 1.5, it must be a whole number of at least 1"),
        (CONSOLE.replace("mean(16)", "mean(0)"), "batchsize is 0, it must be a whole number of at least 1"),
        (CONSOLE.replace("mean(16)", "mean(1e999)"), "batchsize is inf, it must be a whole number of at least 1"),
        (CONSOLE.replace("mean(16)", "mean(x)"), "batchsize is 'x', not a number"),
        (CONSOLE.replace("mean(1.6)", "mean(x)"), "NPU_compute_time mean is 'x', not a number"),
        (CONSOLE.replace("min = 1.5", "min = x"), "NPU_compute_time min is 'x', not a number"),
        ("NPU_compute_time (ms): mean = 3.2\nthroughput 1000*batchsize: 5\n" + BARE.format(1), MEANLESS),
        ("throughput (1000*batchsize/NPU_compute_time): 1.0", MEANLESS),
        (f"{CONSOLE}\nthroughput (1000*batchsize/NPU_compute_time): 1.0", MEANLESS),
    ],
)
def test_damaged_console_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(PerfTextError) as caught:
        read_ais_output(text)
    assert str(caught.value) == named


def test_a_batch_of_1_is_a_batch() -> None:
    assert read_ais_output(CONSOLE.replace("mean(16)", "mean(1)")).batch == 1


def test_a_printed_summary_has_a_mean_and_no_list() -> None:
    printed = read_ais_output(CONSOLE)
    assert printed == AisSummary(10000.0, 16, ExecutionTimes(1.6, (), None), printed.figures)
    assert {name: figure.value for name, figure in printed.figures.items()} == {
        "min": 1.5,
        "max": 1.7,
        "mean": 1.6,
        "median": 1.6,
        "percentile(99%)": 1.698,
        "throughput": 10000.0,
        "mean in the throughput line": 1.6,
    }


def test_a_summary_json_has_all_there_is_with_all_digits() -> None:
    times = ExecutionTimes(1.6, (1.5, 1.7), 2, {"min": 1.5, "max": 1.7, "median": 1.6})
    figures = {"min": 1.5, "max": 1.7, "mean": 1.6, "median": 1.6, "percentile(99%)": 1.698, "throughput": 10000.0}
    whole = {name: Printed(value, 0.0) for name, value in figures.items()}
    assert read_ais_json(json.dumps(SUMMARY)) == AisSummary(10000.0, None, times, whole)
    assert AisSummary(10000.0, None, times).figures == {}


@pytest.mark.parametrize(
    ("first", "second", "agree"),
    [
        (Printed(1.0, 0.5), Printed(2.0, 0.5), True),
        (Printed(1.0, 0.5), Printed(2.0, 0.499), False),
        (Printed(0.0, 0.0), Printed(0.0, 0.0), True),
        (Printed(1.0, 0.0), Printed(1.0 + 5e-13, 0.0), True),
        (Printed(1.0, 0.0), Printed(1.0 + 5e-12, 0.0), False),
        (Printed(1e-3 + 1e-10, 0.0), Printed(1e-3, 0.0), False),
        (Printed.read("1.5", "min"), Printed(1.5, 0.05), True),
        (Printed.read("1.6", "min"), Printed(1.649, 0.0), True),
        (Printed.read("1.6", "min"), Printed(1.651, 0.0), False),
    ],
)
def test_figures_are_one_up_to_half_a_unit_of_each_ones_last_digit(
    first: Printed, second: Printed, agree: bool
) -> None:
    assert first.agrees(second) is agree


@pytest.mark.parametrize("images", [32, None])
def test_without_padding_the_figure_is_that_of_ais_bench(images: int | None) -> None:
    mode = Mode.PURE if images is None else Mode.DATASET
    summary = read_ais_json(json.dumps(SUMMARY))
    assert ais_reading(summary, mode=mode, batch=16, device=3, images=images) == ThroughputReading(
        tool=InferTool.AIS_BENCH,
        mode=mode,
        batch=16,
        device=3,
        images=images,
        images_per_second_per_chip=10000.0,
        reported_images_per_second=10000.0,
        seconds_per_image=(1.5 / 1000 / 16, 1.7 / 1000 / 16),
        executions=summary.times,
    )


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
    "text", [json.dumps(SUMMARY)[:-5], "[" * 100_000, '{"NPU_compute_time": {"mean": 1' + "0" * 5000 + "}}"]
)
def test_what_is_no_json_is_refused_with_the_decoders_reason(text: str) -> None:
    with pytest.raises(PerfTextError, match=r"^the summary of ais_bench is not whole JSON: .+") as caught:
        read_ais_json(text)
    assert str(caught.value).endswith(str(caught.value.__cause__))


TIMELESS = "the summary of ais_bench has no NPU_compute_time"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[1]", TIMELESS),
        ("null", TIMELESS),
        ("{}", TIMELESS),
        ('{"NPU_compute_time": 1.6, "throughput": 1}', TIMELESS),
        ('{"NPU_compute_time": {"mean": NaN}, "throughput": 1}', "the summary of ais_bench holds NaN, not a number"),
        ('{"NPU_compute_time": {"mean": 1.6}}', "throughput is missing in the summary of ais_bench"),
        ('{"NPU_compute_time": {}, "throughput": 1}', "mean is missing in the summary of ais_bench"),
        ('{"NPU_compute_time": {"mean": "1.6"}, "throughput": 1}', "mean is '1.6', not a number"),
        ('{"NPU_compute_time": {"mean": true}, "throughput": 1}', "mean is True, not a number"),
        ('{"NPU_compute_time": {"mean": 1.6}, "throughput": true}', "throughput is True, not a number"),
        (
            '{"NPU_compute_time": {"mean": 1.6, "count": 0}, "throughput": 1}',
            "NPU_compute_time count is 0, it must be a whole number of at least 1",
        ),
        (
            '{"NPU_compute_time": {"mean": 1.6, "count": "2"}, "throughput": 1}',
            "count is '2', not a number",
        ),
        (
            '{"NPU_compute_time": {"mean": 1.6}, "throughput": 1, "npu_compute_time_list": 3}',
            "npu_compute_time_list is not a list",
        ),
        (
            '{"NPU_compute_time": {"mean": 1.6}, "throughput": 1, "npu_compute_time_list": [1.6, null]}',
            "npu_compute_time_list[1] is None, not a number",
        ),
        (
            '{"NPU_compute_time": {"mean": 1' + "0" * 400 + '}, "throughput": 1}',
            "mean is too large for a number",
        ),
    ],
)
def test_damaged_json_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(PerfTextError) as caught:
        read_ais_json(text)
    assert str(caught.value) == named


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"throughput": 0.0}, "positive and finite"),
        ({"npu_compute_time_list": [1.5, 1.8]}, "npu_compute_time_list has the mean"),
        ({"npu_compute_time_list": [1.6]}, "the stated count is 2"),
        ({"npu_compute_time_list": [3.2, 0.0]}, "positive and finite"),
    ],
)
def test_contradicting_json_is_refused_by_name(change: dict[str, object], named: str) -> None:
    with pytest.raises(PerfTextError, match=named):
        ais_reading(read_ais_json(json.dumps(SUMMARY | change)), mode=Mode.DATASET, batch=16, device=0, images=32)


def test_a_figure_that_is_not_that_of_its_samples_is_kept_with_them_for_the_judge() -> None:
    summary = read_ais_json(json.dumps(SUMMARY | {"throughput": 40000.0}))
    reading = ais_reading(summary, mode=Mode.DATASET, batch=16, device=0, images=32)
    stated = Stated(reading.reported_images_per_second, reading.seconds_per_image)
    bound = AtMost(at_most=0.1, unit="percent", source="test")
    assert check_reported([stated], bound).measured == pytest.approx(300.0)


def test_a_wrong_batchsize_argument_contradicts_the_summary() -> None:
    with pytest.raises(PerfTextError, match="another batch size; found 16; allowed 4"):
        ais_reading(read_ais_output(CONSOLE), mode=Mode.DATASET, batch=4, device=0, images=32)


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
