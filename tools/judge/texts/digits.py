"""How exactly a printed number is meant: by how much two texts of one figure may differ."""

from __future__ import annotations

import re

SIX_DIGITS = 1e-5
"""Relative: numbers of the benchmark tool are off by half of this at most, for a C++ stream prints six significant
digits by default. Zeros at the end are left out, so a short number is not a rough one."""
_DECIMAL = re.compile(r"[-+]?(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?")
LARGEST_EXPONENT = 308
ROUNDED_ONCE_MORE = 1e-12
"""Relative; what the arithmetic of a comparison itself may lose."""


def half_last_digit(token: str) -> float:
    """Half a unit of the last digit that stands in a decimal number such as `12.50` or `1.5e-3`."""
    match = _DECIMAL.fullmatch(token)
    if match is None:
        raise ValueError(f"{token!r} is no decimal number")
    return 0.5 * 10.0 ** (min(int(match[3] or 0), LARGEST_EXPONENT) - len(match[2]))


def same_of_six(first: float, second: float) -> bool:
    """Whether two numbers that were printed with six digits can be one figure."""
    return abs(first - second) <= SIX_DIGITS * max(abs(first), abs(second))
