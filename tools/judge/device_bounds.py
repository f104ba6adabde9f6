"""A device's bounds follow from the simulator's by one number: how many times as large its errors may be."""

from __future__ import annotations

import math
from collections.abc import Mapping

ROUNDING = 0.1
"""A bound that is rounded to two digits moves by less than this share."""


def check_device_bounds(simulator: Mapping[str, float], device: Mapping[str, float], multiple: float) -> None:
    """ValueError for a bound that allows another multiple of the simulator's error than the one that is stated.

    Both are what `LogitAgreement.distances` gives.

    Errors, near ties and changed top fives grow as the error does, cosine distances as its square. Bounds of which one
    allows seven times the error and another four turn red on a port that the first one calls good.
    """
    if not multiple > 0:
        raise ValueError(f"device_error_multiple is {multiple}, it must be above 0")
    for name, distance in simulator.items():
        power = 2 if "cosine" in name else 1
        asked = min(distance * multiple**power, _MOST.get(name, math.inf))
        if not asked * (1 - ROUNDING) <= device[name] <= asked * (1 + ROUNDING):
            text = f"1 - {asked:.4g}" if name == "min_cosine" else f"{asked:.4g}"
            raise ValueError(
                f"om_on_device.{name} contradicts the other bounds: with device_error_multiple {multiple:g} it follows "
                f"from om_on_simulator.{name} and must be {text}; override both, or all of them and the multiple"
            )


_MOST = {"min_cosine": 1.0, "top5_set_changed_percent": 100.0}
"""Where a bound asks for nothing any more, and none goes further."""
