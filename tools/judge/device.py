"""Verdicts over a device's throughput: its floor, and whether it was free to show what it can do."""

from __future__ import annotations

import msgspec

from tools.judge.checks import none_of, not_run, within
from tools.judge.results import Check, Verdict
from tools.spec import Device, Model

IDLE_SOURCE = "a perf run on a busy device measures the other job too"


def idle(busy: tuple[str, ...], *, tolerated: bool) -> Check:
    """No reason to call the device busy; where that is `tolerated` the answer is INCONCLUSIVE instead of FAIL."""
    check = none_of(busy, among=len(busy) or 1, unit="reasons", source=IDLE_SOURCE)
    return _inconclusive(check, "; ".join(busy)) if busy and tolerated else check


def floor(images_per_second_per_chip: float, device: Device, batch: int, *, busy: tuple[str, ...]) -> Check:
    """The chip's throughput against the floor of its machine class.

    NOT RUN where nobody published a figure for the batch size; INCONCLUSIVE when the device was busy, whatever the
    figure: a pass on a busy device would be luck, a failure would blame the port.
    """
    published = device.published(batch)
    if published is None:
        return not_run(f"no figure was published for batch {batch}", threshold="-", unit="images/s")
    check = within(images_per_second_per_chip, device.floor(published))
    return _inconclusive(check, f"the device was busy: {'; '.join(busy)}") if busy else check


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
