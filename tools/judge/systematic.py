"""Errors that rounding does not make: it averages out over images, a wrong scale or a shifted class does not.

A worst case cannot tell the two apart. Each figure here is an effect with its standard error over images, and what is
judged is the part of the effect that is certain: chance carries an estimate further than what is taken off it with a
probability of `DOUBT` at most, over all classes together. So few images never fail a good port, and many find what is
larger than the bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

DOUBT = 1e-4
"""How likely chance may be to carry an estimate further than is taken off it, in a gate of one variant."""


@dataclass(frozen=True)
class Estimate:
    """A mean over images and its standard error, None where one image says nothing about it."""

    value: float
    standard_error: float | None

    def certain(self, images: int, among: int = 1) -> float:
        """The size of the effect less what chance explains, for the largest `among` so many; 0 where it may be none."""
        if self.standard_error is None or images < 2:
            return 0.0
        chance = t_quantile(1 - DOUBT / (2 * among), images - 1) * self.standard_error
        return max(0.0, abs(self.value) - chance)


@dataclass(frozen=True)
class ColumnSums:
    """Of each class the sum of its errors over some images, and the sum of their squares."""

    errors: tuple[float, ...]
    squares: tuple[float, ...]


@dataclass(frozen=True)
class Systematic:
    """How the candidate's logits depend on pth's, over all usable images.

    `slope_error` is the slope of a regression of an image's logits on pth's, less 1, on average; `mean_error` the
    signed error in logits; `column_error` that of `column`, the class whose error is the most certain of all `classes`.
    `image_slope_error` is the largest size of one image's slope less 1, and `image` the id of that image.
    """

    classes: int
    slope_error: Estimate
    mean_error: Estimate
    column: int
    column_error: Estimate
    image_slope_error: float
    image: str


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and standard error of one value an image."""
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return Estimate(mean, None)
    return Estimate(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1) / count))


def worst_column(blocks: Iterable[ColumnSums], images: int) -> tuple[int, int, Estimate]:
    """Number of classes, the class with the largest certain error (by size where none is certain), and that error."""
    sums, squares = zip(*((block.errors, block.squares) for block in blocks))
    columns = [
        _of_sums(math.fsum(total), math.fsum(square), images) for total, square in zip(zip(*sums), zip(*squares))
    ]
    certain = [(found.certain(images, len(columns)), abs(found.value)) for found in columns]
    worst = certain.index(max(certain))
    return len(columns), worst, columns[worst]


def _of_sums(total: float, squares: float, images: int) -> Estimate:
    mean = total / images
    if images < 2:
        return Estimate(mean, None)
    return Estimate(mean, math.sqrt(max(0.0, squares - images * mean * mean) / (images - 1) / images))


def t_quantile(share: float, freedom: int) -> float:
    """Student's t below which this share lies; exact for 1 and 2 degrees of freedom, else to 5 digits.

    For shares of 1 - DOUBT / 2 and above: what the algorithm corrects for larger tails is left out.

    Source: G. W. Hill, Algorithm 396, Communications of the ACM 13 (1970) 619-620.
    """
    tails, n = 2 * (1 - share), float(freedom)
    if freedom == 1:
        return 1 / math.tan(tails * math.pi / 2)
    if freedom == 2:
        return math.sqrt(2 / (tails * (2 - tails)) - 2)
    a = 1 / (n - 0.5)
    b = 48 / (a * a)
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y = (d * tails) ** (2 / n)
    if y > 0.05 + a:
        y = _near_normal(NormalDist().inv_cdf(tails / 2), (a, b, c, d))
    else:
        outer = (n + 6) / (n * y) - 0.089 * d - 0.822
        y = ((1 / (outer * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (n + 1) / (n + 2) + 1 / y
    return math.sqrt(n * y)


def _near_normal(x: float, terms: tuple[float, float, float, float]) -> float:
    a, b, c, d = terms
    y = x * x
    c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    return math.expm1(a * y * y)
