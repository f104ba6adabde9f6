"""Each law of a reading is broken by a small change of a reading that keeps it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.ascend.reading import (
    ExecutionTimes,
    InferTool,
    Mode,
    ModuleRate,
    PipelineRates,
    ThroughputReading,
    card_images_per_second,
    contradictions,
)

PIPELINE = PipelineRates(
    e2e_images_per_second=312.638,
    e2e_milliseconds=159929,
    infer_images_per_second=314.855,
    interface_images_per_second=1891.73,
    post_batches_per_second=19.6777,
    modules=(ModuleRate("post", 19.6777, 50.8189),),
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
        (replace(DATASET, pipeline=replace(PIPELINE, post_batches_per_second=39.4)), "another batch size"),
        (replace(DATASET, pipeline=replace(PIPELINE, post_batches_per_second=9.8)), "another batch size"),
        (replace(DATASET, pipeline=replace(PIPELINE, interface_images_per_second=314.8)), "leaves the copies out"),
        (replace(DATASET, pipeline=replace(PIPELINE, modules=(ModuleRate("post", 19.7, 50.0),))), "must be 1000"),
        (replace(DATASET, pipeline=replace(PIPELINE, modules=(ModuleRate("post", 0.0, 50.0),))), "positive"),
        (replace(DATASET, images_per_second_per_chip=0.0), "images_per_second_per_chip is 0.0"),
        (replace(DATASET, seconds_per_image=(float("nan"),)), "seconds_per_image"),
        (replace(PURE, milliseconds_per_image=4000 / 1891.73), "must lie in"),
        (replace(PURE, milliseconds_per_image=900 / 1891.73), "must lie in"),
        (replace(AIS, reported_images_per_second=32000.0), "1000 x batch 16"),
        (replace(AIS, executions=ExecutionTimes(2.0, (1.0, 3.1), 2)), "has the mean"),
        (replace(AIS, executions=ExecutionTimes(2.0, (1.0, 3.0), 3)), "stated count is 3"),
    ],
)
def test_each_law_can_be_broken(reading: ThroughputReading, law: str) -> None:
    (broken,) = contradictions(reading)
    assert law in broken


def test_the_cards_figure_is_the_chips_times_its_chips() -> None:
    assert card_images_per_second(DATASET, 4) == 4 * 1891.73
    assert card_images_per_second(DATASET, 1) == 1891.73
