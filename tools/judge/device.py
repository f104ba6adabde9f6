"""Verdicts over a device's throughput: its floor, and whether it was free to show what it can do."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tools.judge.checks import none_of, not_run, within
from tools.judge.results import Check, Verdict, Word
from tools.judge.spec import Device, Model
from tools.judge.throughput import judge_throughput

IDLE_SOURCE = "a perf run on a busy device measures the other job too"


def idle(busy: tuple[str, ...], *, tolerated: bool) -> Check:
    """No reason to call the device busy; where that is `tolerated` the answer is INCONCLUSIVE instead of FAIL."""
    check = none_of(busy, among=len(busy) or 1, unit="reasons", source=IDLE_SOURCE)
    return _inconclusive(check, "; ".join(busy)) if busy and tolerated else check


def floor(images_per_second_per_chip: Sequence[float], device: Device, batch: int, *, busy: tuple[str, ...]) -> Check:
    """The chip's throughput, run by run, against the floor of its machine class (rule: tools/judge/throughput.py).

    NOT RUN where nobody published a figure for the batch size; INCONCLUSIVE when the device was busy, whatever the
    figure: a pass on a busy device would be luck, a failure would blame the port.
    """
    published = device.published(batch)
    if published is None:
        return not_run(f"no figure was published for batch {batch}", threshold="-", unit="images/s")
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
    if device is None:
        return Verdict.NOT_RUN
    return floor(images_per_second_per_chip, device, batch, busy=busy).verdict


def plausible(images_per_second_per_chip: float, device: Device, model: Model, batch: int) -> Check:
    """The throughput against what the chip can do: more is a sign of images counted twice or a card taken for a chip.

    The ceiling is the lower of two: all of the chip's arithmetic spent on the model, and the published figure with
    the machine class's margin. NOT RUN where nobody published a figure for the batch size.
    """
    published = device.published(batch)
    if published is None:
        return not_run(f"no figure was published for batch {batch}", threshold="-", unit="images/s")
    return within(images_per_second_per_chip, device.ceiling(published, model))


def _inconclusive(check: Check, detail: str) -> Check:
    return msgspec.structs.replace(check, verdict=Verdict.INCONCLUSIVE, detail=detail)
