"""Verdicts over a device's throughput: its floor, and whether it was free to show what it can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median_low

from tools.judge.checks import none_of, not_judged, within
from tools.judge.machine_class import Device
from tools.judge.numbers import Fact
from tools.judge.results import Check, Verdict, Word
from tools.judge.spec import Spec
from tools.judge.throughput import Stated, judge_throughput
from tools.judge.throughput_records import DeviceThroughput, ThroughputRun

IDLE_SOURCE = "a perf run on a busy device measures the other job too"


def slowest_rates(runs: Sequence[ThroughputRun]) -> tuple[float, ...]:
    """The rate of each run in images per second per chip, of several devices the slowest: a floor must hold on each."""
    rates: dict[int, float] = {}
    for entry in runs:
        rate = entry.images_per_second_per_chip
        rates[entry.run] = min(rate, rates.get(entry.run, rate))
    return tuple(rates[number] for number in sorted(rates))


def fastest(runs: Sequence[ThroughputRun]) -> float:
    """The highest rate of all: what is too good to be true shows there first."""
    return max(entry.images_per_second_per_chip for entry in runs)


def images_by_run(runs: Sequence[ThroughputRun]) -> dict[int, int]:
    """How many images each run over the data set saw, all devices together; runs of pure inference see none."""
    seen: dict[int, int] = {}
    for entry in runs:
        if entry.images is not None:
            seen[entry.run] = seen.get(entry.run, 0) + entry.images
    return seen


def stated(runs: Sequence[ThroughputRun]) -> tuple[Stated, ...]:
    """Every figure that the tool stated, with its samples."""
    return tuple(Stated(entry.reported_images_per_second, entry.seconds_per_image) for entry in runs)


def throughput_record(
    runs: tuple[ThroughputRun, ...], *, soc: str, simulated: bool, busy: tuple[str, ...], spec: Spec
) -> DeviceThroughput:
    """All runs of one batch size, with what follows from them by the spec.

    The simulator's rates are kept without published figure, floor or verdict: they say nothing about a device.
    """
    rates, first, device = slowest_rates(runs), runs[0], spec.device(soc)
    published = None if device is None or simulated else device.published(first.batch)
    chips, rate = 1 if device is None else device.chips_per_card, median_low(rates)
    floor_bound = None if device is None or published is None else device.floor(published)
    judged = (
        None
        if device is None or floor_bound is None
        else judge_throughput(rates, floor=floor_bound, noise_cv_percent=device.noise_cv_percent.value)
    )
    return DeviceThroughput(
        batch=first.batch,
        mode=first.mode,
        soc=soc,
        chips_per_card=chips,
        runs=runs,
        images_per_second_per_chip=rate,
        images_per_second_per_card=rate * chips,
        published_images_per_second_per_chip=None if published is None else published.images_per_second_per_chip.value,
        floor_images_per_second_per_chip=None if floor_bound is None else floor_bound.at_least,
        figure_source="" if published is None else published.images_per_second_per_chip.source,
        busy=busy,
        judged=judged,
    )


def idle(busy: tuple[str, ...], *, tolerated: bool) -> Check:
    """No reason to call the device busy; where that is `tolerated` the answer is INCONCLUSIVE instead of FAIL."""
    check = none_of(busy, among=len(busy) or 1, unit="reasons", source=IDLE_SOURCE)
    return _inconclusive(check, "; ".join(busy)) if busy and tolerated else check


def floor(
    images_per_second_per_chip: Sequence[float], device: Device | None, batch: int, *, busy: tuple[str, ...]
) -> Check:
    """The chip's throughput, run by run, against the floor of its machine class (rule: tools/judge/throughput.py).

    NOT JUDGED where nobody published a figure for the batch size; INCONCLUSIVE when the device was busy, whatever the
    figure: a pass on a busy device would be luck, a failure would blame the port.
    """
    published = None if device is None else device.published(batch)
    if device is None or published is None:
        return not_judged(f"nobody published a throughput at batch {batch} for this chip", unit="images/s")
    noise = device.noise_cv_percent.value
    check = judge_throughput(images_per_second_per_chip, floor=device.floor(published), noise_cv_percent=noise).check
    return _inconclusive(check, f"the device was busy: {'; '.join(busy)}") if busy else check


def floor_word(
    images_per_second_per_chip: Sequence[float],
    device: Device | None,
    batch: int,
    *,
    busy: tuple[str, ...],
    simulated: bool,
) -> str:
    """The word to keep beside a recorded throughput: its floor's verdict, SIMULATED where no floor can be judged."""
    if simulated:
        return Word.SIMULATED
    return floor(images_per_second_per_chip, device, batch, busy=busy).verdict


def plausible(
    images_per_second_per_chip: float, device: Device | None, flops_per_image: Fact | None, batch: int
) -> Check:
    """The throughput against what the chip can do: more is a sign of images counted twice or a card taken for a chip.

    The ceiling is the lower of two: all of the chip's arithmetic spent on the model, and the published figure with
    the machine class's margin. NOT JUDGED where neither is known.
    """
    ceiling = None if device is None else device.ceiling(batch, flops_per_image)
    if ceiling is None:
        return not_judged("neither a throughput nor the operations an image takes were published", unit="images/s")
    return within(images_per_second_per_chip, ceiling)


def _inconclusive(check: Check, detail: str) -> Check:
    return replace(check, verdict=Verdict.INCONCLUSIVE, detail=detail)
