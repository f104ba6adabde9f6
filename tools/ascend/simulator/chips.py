"""The simulated chips and their invented timings, near the published AlexNet figures but never equal to them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from tools.ascend.simulator.faults import Fault, ordered, refuse

DEFAULT_RATE_FACTOR = 0.98
JITTER = 0.004


@dataclass(frozen=True)
class Chip:
    """One chip type: `published` is AlexNet images/s per device by batch (fact sheet 7.3), `devices` per host."""

    soc: str
    devices: int
    published: dict[int, float]


CHIPS = {
    chip.soc: chip
    for chip in (
        Chip("Ascend310", 4, {1: 317.707, 4: 974.27, 8: 1435.99, 16: 1891.73, 32: 2186.17}),
        Chip("Ascend310P3", 1, {1: 1266.0, 4: 4324.0, 8: 7266.0, 16: 9975.0, 32: 11055.0, 64: 12672.0}),
    )
}
SOC_VERSIONS = (*CHIPS, "Ascend710", "Ascend910A", "Ascend910B", "Ascend310B1", "Ascend310B4")


def present_chip() -> Chip:
    """The chip that this host claims to hold: ASCEND_SIMULATOR_SOC, by default Ascend310."""
    soc = os.environ.get("ASCEND_SIMULATOR_SOC", "Ascend310")
    if soc not in CHIPS:
        refuse(f"ASCEND_SIMULATOR_SOC is {soc!r}, the simulator knows {', '.join(CHIPS)}")
    return CHIPS[other_soc(soc)] if ordered(Fault.DEVICE_OTHER_SOC) else CHIPS[soc]


def cores() -> int:
    """Cores that a device of this host computes with: ASCEND_SIMULATOR_CORES, by default all that it may use."""
    text = os.environ.get("ASCEND_SIMULATOR_CORES", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        refuse(f"ASCEND_SIMULATOR_CORES is {text!r}, it must be a whole number, 0 for all")
    return int(text) or len(os.sched_getaffinity(0))


def other_soc(soc: str) -> str:
    """Some chip that is not this one."""
    return next(name for name in CHIPS if name != soc)


def images_per_second(chip: Chip, batch: int) -> float:
    """The invented rate of one device: the published figure (a power law between batches) times a stated factor."""
    if batch in chip.published:
        rate = chip.published[batch]
    else:
        nearest = min(chip.published, key=lambda known: abs(math.log(known / batch)))
        rate = chip.published[nearest] * (batch / nearest) ** 0.2
    slowed = 0.5 if ordered(Fault.DEVICE_SLOW) else 1.0
    return rate * _rate_factor() * slowed * (4.0 if ordered(Fault.INFER_RATE_TIMES_4) else 1.0)


def execution_ms(chip: Chip, batch: int, index: int) -> float:
    """The invented time of execution number `index` in ms: the rate's own, spread by a fixed +-0.2 %."""
    spread = (index * 2654435761 % 2**32) / 2**32 - 0.5
    return 1000.0 * batch / images_per_second(chip, batch) * (1.0 + JITTER * spread)


def _rate_factor() -> float:
    text = os.environ.get("ASCEND_SIMULATOR_RATE_FACTOR", str(DEFAULT_RATE_FACTOR))
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not (math.isfinite(factor) and factor > 0):
        refuse(f"ASCEND_SIMULATOR_RATE_FACTOR is {text!r}, it must be a positive number")
    return factor
