"""The rounds of benchmark's pure inference: each prints `Dataset number: 19 finished cost 5.56ms`, a batch's time.

Published logs count from 0 and mostly show the last line alone. Whether the first round counts in the mean is not
known, so that no mean is asked for: a rate lies between those of the slowest and the quickest round.
"""

from __future__ import annotations

import re

from tools.judge.texts.digits import SIX_DIGITS
from tools.judge.texts.reading import ThroughputReading

_ROUND = re.compile(
    r"Dataset number: {0,9}(\d{1,9}) {1,9}finished cost {0,9}(\d{1,20}(?:\.\d{0,20})?(?:e[-+]\d\d)?) ?ms"
)
CONSOLE = "on the console"


def rounds_differ(console: str, reading: ThroughputReading, *, asked: int) -> list[str]:
    """Where the rounds are not those asked for, or are not those of which the reading states the means."""
    told = [(int(number), float(cost)) for number, cost in _ROUND.findall(console)]
    numbers = [number for number, _ in told]
    if numbers in ([asked - 1], [asked]):
        return []
    if numbers not in (list(range(asked)), list(range(1, asked + 1))):
        shown = f"{len(told)} rounds, the last numbered {numbers[-1]}" if told else "no round"
        return [f"benchmark tells of {shown} {CONSOLE}, -round={asked} was asked for"]
    return _outside(reading, [cost for _, cost in told])


def _outside(reading: ThroughputReading, costs: list[float]) -> list[str]:
    """Which of the two means lies beyond all rounds; `costs` are milliseconds of a batch."""
    if min(costs) <= 0:
        return [f"a round has cost {min(costs):g} ms {CONSOLE}, it must be more than 0"]
    quick, slow = (cost / reading.batch for cost in (min(costs), max(costs)))
    rate, latency = reading.reported_images_per_second, reading.milliseconds_per_image
    stated = [("ave_throughputRate", rate, "samples/s", 1000 / slow, 1000 / quick)]
    if latency is not None:
        stated.append(("ave_latency", latency, "ms", quick, slow))
    return [
        f"{name} is {value:.6g} {unit} in the perf file, the rounds {CONSOLE} give {low:.6g} to {high:.6g} {unit}"
        for name, value, unit, low, high in stated
        if not low * (1 - SIX_DIGITS) <= value <= high * (1 + SIX_DIGITS)
    ]
