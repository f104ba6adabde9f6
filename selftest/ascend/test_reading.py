"""Each law of a reading is broken by a small change of a reading that keeps it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tools.judge.texts.digits import SIX_DIGITS
from tools.judge.texts.reading import (
    ExecutionTimes,
    InferTool,
    Mode,
    ModuleRate,
    PipelineRates,
    ThroughputReading,
    contradictions,
)

PIPELINE = PipelineRates(
    e2e_images_per_second=312.638,
    e2e_milliseconds=159929,
    infer_images_per_second=314.855,
    interface_images_per_second=1891.73,
    post_batches_per_second=19.6777,
    modules=(ModuleRate("post", 19.6777, 50.8189),),
    infer_milliseconds=2.01078,
)
DATASET = ThroughputReading(
    tool=InferTool.BENCHMARK,
    mode=Mode.DATASET,
    batch=16,
    device=0,
    images=50000,
    images_per_second_per_chip=1891.73,
    reported_images_per_second=1891.73,
    seconds_per_image=(1 / 1891.73,),
    pipeline=PIPELINE,
)
PURE = replace(DATASET, mode=Mode.PURE, images=None, pipeline=None, milliseconds_per_image=1000 / 1891.73)
AIS = replace(
    DATASET,
    tool=InferTool.AIS_BENCH,
    pipeline=None,
    reported_images_per_second=8000.0,
    executions=ExecutionTimes(2.0, (1.0, 3.0), 2),
)


@pytest.mark.parametrize("reading", [DATASET, PURE, AIS])
def test_a_sound_reading_breaks_no_law(reading: ThroughputReading) -> None:
    assert contradictions(reading) == ()


@pytest.mark.parametrize(
    ("reading", "law"),
    [
        (replace(DATASET, pipeline=replace(PIPELINE, e2e_milliseconds=159900)), "the run had 50000"),
        (replace(DATASET, pipeline=replace(PIPELINE, post_batches_per_second=9.8)), "another batch size"),
        (
            replace(DATASET, pipeline=replace(PIPELINE, interface_images_per_second=314.8, infer_milliseconds=None)),
            "below the infer throughputRate",
        ),
        (replace(DATASET, pipeline=replace(PIPELINE, infer_milliseconds=0.52)), "moduleLatency 0.52 ms of infer"),
        (replace(DATASET, pipeline=replace(PIPELINE, infer_milliseconds=0.0)), "infer moduleLatency is 0.0"),
        (replace(DATASET, pipeline=replace(PIPELINE, modules=(ModuleRate("post", 19.7, 50.0),))), "must be 1000"),
        (replace(DATASET, pipeline=replace(PIPELINE, modules=(ModuleRate("post", 0.0, 50.0),))), "positive"),
        (replace(DATASET, images_per_second_per_chip=0.0), "images_per_second_per_chip is 0.0"),
        (replace(DATASET, seconds_per_image=(float("nan"),)), "seconds_per_image"),
        (replace(PURE, milliseconds_per_image=4000 / 1891.73), "must lie in"),
        (replace(PURE, milliseconds_per_image=900 / 1891.73), "must lie in"),
        (replace(AIS, executions=ExecutionTimes(2.0, (1.0, 3.1), 2)), "has the mean"),
        (replace(AIS, executions=ExecutionTimes(2.0, (1.0, 3.0), 3)), "stated count is 3"),
        (replace(AIS, executions=ExecutionTimes(2.0, (1.0, 3.0), 2, {"min": 1.1})), "has the min 1 ms, stated is 1.1"),
        (replace(AIS, executions=ExecutionTimes(2.0, (1.0, 3.0), 2, {"max": 2.9})), "has the max 3 ms, stated is 2.9"),
        (replace(AIS, executions=ExecutionTimes(2.0, (1.0, 3.0), 2, {"median": 1.0})), "has the median 2 ms"),
    ],
)
def test_each_law_can_be_broken(reading: ThroughputReading, law: str) -> None:
    (broken,) = contradictions(reading)
    assert law in broken


def dataset(e2e: float, images: int) -> ThroughputReading:
    """A run of one second at batch 16 with this e2e rate and so many images; all else keeps its law."""
    post = e2e * math.ceil(images / 16) / images
    modules = (ModuleRate("post", post, 1000 / post),)
    pipeline = replace(PIPELINE, e2e_images_per_second=e2e, e2e_milliseconds=1000.0, modules=modules)
    return replace(DATASET, images=images, pipeline=replace(pipeline, post_batches_per_second=post))


@pytest.mark.parametrize(("images", "most"), [(10, 0.5), (16_666, 0.5), (50_000, 1.5), (1_000_000, 30.0)])
def test_the_images_counted_by_e2e_may_differ_by_half_an_image_or_3e_5(images: int, most: float) -> None:
    for side in (-1, 1):
        assert contradictions(dataset(images + side * most * 0.999, images)) == ()
        assert len(contradictions(dataset(images + side * most * 1.001, images))) == 1


def test_exactly_half_an_image_is_allowed() -> None:
    assert contradictions(dataset(10.5, 10)) == contradictions(dataset(9.5, 10)) == ()


def test_a_pipeline_without_a_count_of_images_has_nothing_to_count_by() -> None:
    assert contradictions(replace(dataset(1.0, 50_000), images=None)) == ()


def pipeline_with(**change: object) -> ThroughputReading:
    """The sound run with another pipeline figure."""
    return replace(DATASET, pipeline=replace(PIPELINE, **change))  # type: ignore[arg-type]


def test_interface_may_lie_below_infer_by_the_last_printed_digit_only() -> None:
    edge = 314.855 * (1 - SIX_DIGITS)
    below = math.nextafter(edge, 0)
    assert contradictions(pipeline_with(interface_images_per_second=edge, infer_milliseconds=None)) == ()
    assert contradictions(pipeline_with(interface_images_per_second=below, infer_milliseconds=None)) != ()


@pytest.mark.parametrize(("product", "sound"), [(1000.9, True), (999.1, True), (1001.1, False), (998.9, False)])
def test_rate_times_latency_of_a_module_is_1000_within_a_thousandth(product: float, sound: bool) -> None:
    found = contradictions(pipeline_with(modules=(ModuleRate("preprocess", 1.0, product),)))
    assert found == (() if sound else (f"preprocess throughputRate x moduleLatency is {product:g}, it must be 1000",))


@pytest.mark.parametrize("images", [50_000, 100])
def test_post_is_not_slower_than_the_whole_run_by_more_than_a_hundredth(images: int) -> None:
    """100 images are 7 batches of 16, the last of them not full; a post that is quicker than infer breaks no law."""
    lowest = images * math.ceil(images / 16) / images * (1 - 0.01)
    for post, laws in ((lowest, 0), (math.nextafter(lowest, 0), 1), (lowest * 40, 0)):
        run = dataset(float(images), images)
        assert run.pipeline is not None
        modules = (ModuleRate("post", post, 1000 / post),)
        pipeline = replace(run.pipeline, post_batches_per_second=post, modules=modules)
        assert len(contradictions(replace(run, pipeline=pipeline))) == laws


def test_executions_take_no_longer_than_infer_with_its_copies_but_for_the_last_digit() -> None:
    edge = 1000 / 1891.73 * (1 - SIX_DIGITS)
    assert contradictions(pipeline_with(infer_milliseconds=edge)) == ()
    assert contradictions(pipeline_with(infer_milliseconds=math.nextafter(edge, 0))) != ()
    assert contradictions(pipeline_with(infer_milliseconds=None)) == ()


@pytest.mark.parametrize(
    ("rate", "laws"), [(980.0, 0), (1120.0, 0), (math.nextafter(980.0, 0), 1), (math.nextafter(1120.0, 2e3), 1)]
)
def test_rate_times_latency_of_pure_inference_lies_in_0_98_to_1_12(rate: float, laws: int) -> None:
    reading = replace(PURE, reported_images_per_second=rate, milliseconds_per_image=1.0)
    assert len(contradictions(reading)) == laws


@pytest.mark.parametrize(
    ("times", "laws"),
    [
        (ExecutionTimes(2.0, (2.0, 2.00003), 2), 0),
        (ExecutionTimes(2.0, (2.0, 2.00005), 2), 1),
        (ExecutionTimes(2.0, (), 2), 0),
        (ExecutionTimes(2.0, (2.0,), None), 0),
        (ExecutionTimes(2.0, (1.0, 3.0), 2, {"min": 1.000009, "max": 2.99998, "median": 2.00001}), 0),
        (ExecutionTimes(2.0, (1.0, 3.0), 2, {"min": 1.00002, "max": 2.9999, "median": 2.0001}), 3),
        (ExecutionTimes(2.0, (1.0, 2.0), 3), 2),
    ],
)
def test_the_list_of_executions_has_the_stated_mean_and_count(times: ExecutionTimes, laws: int) -> None:
    assert len(contradictions(replace(AIS, executions=times))) == laws


def test_what_contradicts_in_each_record_is_told_together() -> None:
    reading = replace(
        pipeline_with(interface_images_per_second=1.0, infer_milliseconds=None),
        milliseconds_per_image=9.0,
        executions=ExecutionTimes(2.0, (2.0,), 3),
    )
    pipeline, pure, executions = contradictions(reading)
    assert pipeline.startswith("Interface throughputRate 1 is below the infer throughputRate 314.855")
    assert pure.startswith("ave_throughputRate x ave_latency / 1000 is 17.03")
    assert executions == "npu_compute_time_list has 1 entries, the stated count is 3"


NAMES = [
    "images_per_second_per_chip",
    "reported_images_per_second",
    "seconds_per_image[0]",
    "e2e throughputRate",
    "e2e latency",
    "infer throughputRate",
    "Interface throughputRate",
    "post throughputRate",
    "post throughputRate",
    "post moduleLatency",
    "ave_latency",
    "NPU_compute_time mean",
]


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_each_number_that_is_not_positive_and_finite_is_named(value: float) -> None:
    """Nothing else is said then: a product with it would mean nothing."""
    reading = ThroughputReading(
        tool=InferTool.BENCHMARK,
        mode=Mode.DATASET,
        batch=16,
        device=0,
        images=50000,
        images_per_second_per_chip=value,
        reported_images_per_second=value,
        seconds_per_image=(value,),
        pipeline=PipelineRates(value, value, value, value, value, (ModuleRate("post", value, value),)),
        milliseconds_per_image=value,
        executions=ExecutionTimes(value, (), None),
    )
    assert contradictions(reading) == tuple(f"{name} is {value}, it must be positive and finite" for name in NAMES)


def test_the_words_that_the_evidence_keeps() -> None:
    assert [str(word) for word in (*InferTool, *Mode)] == ["benchmark", "ais_bench", "dataset", "pure"]


def test_the_cards_figure_is_the_chips_times_its_chips() -> None:
    assert DATASET.images_per_second_per_chip * 4 == 4 * 1891.73
    assert DATASET.images_per_second_per_chip * 1 == 1891.73
