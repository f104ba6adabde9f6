"""A chip's throughput against its floor and its ceiling, and what a busy device does to both."""

from __future__ import annotations

import dataclasses

import pytest

from tools.base.errors import SuiteError
from tools.judge.checks import not_judged
from tools.judge.device import (
    fastest,
    floor,
    floor_word,
    idle,
    images_by_run,
    plausible,
    slowest_rates,
    stated,
    throughput_record,
)
from tools.judge.machine_class import Device
from tools.judge.numbers import Fact
from tools.judge.results import Check, Verdict
from tools.judge.spec import Spec
from tools.judge.throughput import Stated, judge_throughput
from tools.judge.throughput_records import DeviceThroughput, ThroughputRun
from tools.ports.spec import PUBLISHED_SPEC, load_spec

FLOOR_BS16 = 1891.73 * 0.95
CEILING_BS16 = 1891.73 * 1.5
BUSY = ("device 0: AI core at 87 %",)


@pytest.fixture(scope="module")
def device() -> Device:
    """The Ascend310 of the guide."""
    found = load_spec(PUBLISHED_SPEC).device("Ascend310")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def flops() -> Fact:
    """Operations that an image takes AlexNet."""
    found = load_spec(PUBLISHED_SPEC).model.flops_per_image
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [
        (FLOOR_BS16 * 1.03, Verdict.PASS),
        (FLOOR_BS16 * 0.97, Verdict.FAIL),
        (FLOOR_BS16 + 0.01, Verdict.INCONCLUSIVE),
        (FLOOR_BS16 - 0.01, Verdict.INCONCLUSIVE),
        (1891.73, Verdict.PASS),
        (1e-9, Verdict.FAIL),
    ],
)
def test_the_floor_decides_outside_the_noise(device: Device, rate: float, verdict: Verdict) -> None:
    assert floor([rate], device, 16, busy=()).verdict is verdict


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(device: Device, rate: float) -> None:
    with pytest.raises(SuiteError):
        floor([rate], device, 16, busy=())


@pytest.mark.parametrize("rate", [1.0, 1891.73])
def test_on_a_busy_device_nothing_is_decided(device: Device, rate: float) -> None:
    check = floor([rate], device, 16, busy=BUSY)
    assert (check.verdict, check.detail) == (Verdict.INCONCLUSIVE, "the device was busy: device 0: AI core at 87 %")


def test_a_batch_that_nobody_published_has_no_floor_but_the_ceiling_of_arithmetic(device: Device, flops: Fact) -> None:
    assert floor([9e9], device, 64, busy=()).verdict is Verdict.NOT_JUDGED
    most = device.peak_fp16_tflops_per_chip.value * 1e12 / flops.value
    assert plausible(most * 0.999, device, flops, 64).verdict is Verdict.PASS
    assert plausible(most * 1.001, device, flops, 64).verdict is Verdict.FAIL


def test_without_counted_operations_the_published_figure_is_the_ceiling(device: Device) -> None:
    assert plausible(CEILING_BS16 - 0.01, device, None, 16).verdict is Verdict.PASS
    assert plausible(CEILING_BS16 + 0.01, device, None, 16).verdict is Verdict.FAIL


def test_a_chip_that_nobody_described_is_not_judged(flops: Fact) -> None:
    assert floor([1.0], None, 16, busy=()).verdict is Verdict.NOT_JUDGED
    assert plausible(9e9, None, flops, 16).verdict is Verdict.NOT_JUDGED


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [(CEILING_BS16 - 0.01, Verdict.PASS), (CEILING_BS16 + 0.01, Verdict.FAIL), (7566.92, Verdict.FAIL)],
)
def test_the_ceiling_refuses_images_counted_twice(device: Device, flops: Fact, rate: float, verdict: Verdict) -> None:
    assert plausible(rate, device, flops, 16).verdict is verdict


def test_published_rates_lie_under_the_ceiling_and_four_times_as_much_above(device: Device, flops: Fact) -> None:
    for entry in device.throughput:
        rate = entry.images_per_second_per_chip.value
        assert plausible(rate, device, flops, entry.batch).passed
        assert plausible(4 * rate, device, flops, entry.batch).verdict is Verdict.FAIL


def test_the_floor_is_held_against_the_median_of_the_runs(device: Device) -> None:
    slow, right = FLOOR_BS16 * 0.97, FLOOR_BS16 * 1.02
    assert floor([right, right, slow], device, 16, busy=()).measured == right
    assert floor([slow, slow, right], device, 16, busy=()).measured == slow


def test_more_runs_settle_what_one_run_leaves_open(device: Device) -> None:
    rate = FLOOR_BS16 * 0.985
    assert floor([rate], device, 16, busy=()).verdict is Verdict.INCONCLUSIVE
    assert floor([rate] * 5, device, 16, busy=()).verdict is Verdict.FAIL


def test_an_idle_device_passes_and_a_busy_one_fails_unless_that_is_tolerated() -> None:
    assert idle((), tolerated=False).verdict is Verdict.PASS
    assert idle((), tolerated=True).verdict is Verdict.PASS
    assert idle(BUSY, tolerated=False).verdict is Verdict.FAIL
    assert idle(BUSY, tolerated=True).verdict is Verdict.INCONCLUSIVE


def test_the_word_beside_a_recorded_throughput(device: Device) -> None:
    def word(rate: float, where: Device | None, busy: tuple[str, ...] = (), *, simulated: bool = False) -> str:
        return floor_word([rate], where, 16, busy=busy, simulated=simulated)

    assert word(1891.73, device) == "PASS"
    assert word(1.0, device) == "FAIL"
    assert word(1891.73, device, BUSY) == "INCONCLUSIVE"
    assert word(1891.73, None) == "NOT JUDGED"
    assert word(1891.73, device, simulated=True) == "SIMULATED"


def test_an_idle_device_is_none_of_its_reasons() -> None:
    source = "a perf run on a busy device measures the other job too"
    free = Check(measured="0 of 1", threshold="== 0", unit="reasons", verdict=Verdict.PASS, source=source)
    assert idle((), tolerated=False) == free
    refused = dataclasses.replace(free, measured="2 of 2", verdict=Verdict.FAIL, detail="a, b")
    assert idle(("a", "b"), tolerated=False) == refused
    assert idle(("a", "b"), tolerated=True) == dataclasses.replace(refused, verdict=Verdict.INCONCLUSIVE, detail="a; b")


def test_a_figure_that_nobody_published_is_named_with_its_batch(device: Device) -> None:
    missing = not_judged("nobody published a throughput at batch 64 for this chip", unit="images/s")
    assert floor([9e9], device, 64, busy=()) == floor([9e9], None, 64, busy=()) == missing
    neither = not_judged("neither a throughput nor the operations an image takes were published", unit="images/s")
    assert plausible(9e9, device, None, 64) == neither


def test_every_reason_of_a_busy_device_stands_beside_its_throughput(device: Device) -> None:
    assert floor([1891.73], device, 16, busy=("a", "b")).detail == "the device was busy: a; b"


def run(number: int, rate: float, *, device: int = 0, batch: int = 16) -> ThroughputRun:
    """One reading, whose tool states a little more than the official figure."""
    return ThroughputRun(number, "ais_bench", "dataset", batch, device, 60, (1 / rate,), rate + 1, rate)


RUNS = (run(2, 1900.0), run(1, 2000.0), run(1, 1950.0, device=1), run(2, 1920.0, device=1))


def test_of_several_devices_the_slowest_counts_and_the_fastest_is_doubted() -> None:
    assert slowest_rates(RUNS) == slowest_rates(RUNS[::-1]) == (1950.0, 1900.0)
    assert fastest(RUNS) == fastest(RUNS[::-1]) == 2000.0
    assert stated(RUNS[:2]) == (Stated(1901.0, (1 / 1900.0,)), Stated(2001.0, (1 / 2000.0,)))


def test_all_devices_of_a_run_see_its_images_together_and_pure_inference_sees_none() -> None:
    pure = dataclasses.replace(run(3, 1900.0), mode="pure", images=None)
    empty = dataclasses.replace(run(4, 1900.0), images=0)
    assert images_by_run((pure, *RUNS[:3], empty)) == {2: 60, 1: 120, 4: 0}
    assert images_by_run((pure,)) == {}


@pytest.fixture(scope="module")
def spec() -> Spec:
    """The published model's."""
    return load_spec(PUBLISHED_SPEC)


def test_the_record_of_a_throughput_holds_what_follows_from_its_runs(spec: Spec, device: Device) -> None:
    published = device.published(16)
    assert published is not None
    bound = device.floor(published)
    assert throughput_record(RUNS, soc="Ascend310", simulated=False, busy=BUSY, spec=spec) == DeviceThroughput(
        batch=16,
        mode="dataset",
        soc="Ascend310",
        chips_per_card=4,
        runs=RUNS,
        images_per_second_per_chip=1900.0,
        images_per_second_per_card=7600.0,
        published_images_per_second_per_chip=1891.73,
        floor_images_per_second_per_chip=bound.at_least,
        figure_source=published.images_per_second_per_chip.source,
        busy=BUSY,
        judged=judge_throughput((1950.0, 1900.0), floor=bound, noise_cv_percent=device.noise_cv_percent.value),
    )


NOTHING = {
    "published_images_per_second_per_chip": None,
    "floor_images_per_second_per_chip": None,
    "figure_source": "",
    "judged": None,
}


@pytest.mark.parametrize(
    ("soc", "simulated", "batch", "chips"),
    [("Ascend310", True, 16, 4), ("Ascend310", False, 64, 4), ("Ascend999", False, 16, 1)],
    ids=["simulated", "a batch without a figure", "an unknown chip"],
)
def test_where_nobody_published_a_figure_a_record_judges_nothing(
    soc: str, simulated: bool, batch: int, chips: int, spec: Spec
) -> None:
    made = throughput_record((run(1, 1900.0, batch=batch),), soc=soc, simulated=simulated, busy=(), spec=spec)
    assert {name: getattr(made, name) for name in NOTHING} == NOTHING
    assert (made.chips_per_card, made.images_per_second_per_card) == (chips, 1900.0 * chips)
