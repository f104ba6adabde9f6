"""What the kept scores say about figures that took all logits: no error can be smaller than the five best scores show.

Only what holds for every honest run is said here, to the rounding of float32: these are no gates with bounds, but
inequalities that a record and its own scores cannot break.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

from tools.judge.agreement import Agreement
from tools.judge.files import short
from tools.judge.predictions import TopFive
from tools.judge.systematic import Estimate, Systematic

ROUNDING = 1e-6
"""Relative; a difference of two float32 that was itself taken in float32 is off by 6e-8 of it."""
DOUBLE = 1e-15
"""Of figures near 1 that are kept as a difference from 1."""


@dataclass(frozen=True)
class Apart:
    """How far two variants lie apart at least, and in which row."""

    least: float
    row: int


def apart(first: TopFive, second: TopFive) -> Apart:
    """The least that the largest difference of any logit can have been.

    The logits of a class in both top fives are known; one that a top five lacks is at most its last score there.
    """
    worst, odd = Apart(0.0, 0), [False] * first.images
    for rank, (mine, theirs) in enumerate(zip(first.columns, second.columns)):
        same = list(map(operator.eq, mine, theirs))
        odd = list(map(operator.or_, odd, map(operator.not_, same)))
        gaps = map(abs, map(operator.sub, first.scores[rank :: first.places], second.scores[rank :: second.places]))
        found = max(compress(zip(gaps, range(first.images)), same), default=(0.0, 0))
        worst = max(worst, Apart(*found), key=lambda one: one.least)
    for row in compress(range(first.images), odd):
        one, other = _scores(first, row), _scores(second, row)
        least = max(max(_gaps(one, other)), max(_gaps(other, one)))
        worst = max(worst, Apart(least, row), key=lambda one: one.least)
    return worst


def _scores(top: TopFive, row: int) -> dict[int, float]:
    at = row * top.places
    return {column[row]: top.scores[at + rank] for rank, column in enumerate(top.columns)}


def _gaps(mine: dict[int, float], theirs: dict[int, float]) -> Iterator[float]:
    last = min(theirs.values())
    for name, score in mine.items():
        yield abs(score - theirs[name]) if name in theirs else score - last


def beyond(found: Apart, recorded: float, name: str) -> Iterator[str]:
    """What is wrong with a recorded largest error; `name` is the row's id."""
    if not found.least * (1 - ROUNDING) <= recorded:
        yield f"{short(recorded)} recorded, but the kept scores of {short(name)} lie {found.least:.6g} apart"


def further(errors: Sequence[float], largest: float) -> Iterator[str]:
    """What is wrong with the largest errors of two variants, NaN where none is known, that lie so far apart at most."""
    one, other = errors
    if abs(one - other) * (1 - ROUNDING) > largest:
        yield f"{short(largest)} recorded, but their largest errors are {one:.6g} and {other:.6g}"


def contradictions(agreement: Agreement, reference: TopFive, candidate: TopFive, classes: int) -> Iterator[str]:
    """Figures of one agreement that cannot stand beside each other, each with the field it is about."""
    found = agreement.systematic
    yield from _cosines(agreement, reference.images)
    if found is None or agreement.max_abs_error_logits is None:
        return
    if found.classes != classes or not 0 <= found.column < classes:
        yield f"systematic: class {found.column} of {found.classes}, the port has {classes}"
    error, last = agreement.max_abs_error_logits, reference.places - 1
    vary = sum(map(operator.gt, reference.scores[:: reference.places], reference.scores[last :: reference.places]))
    for name, estimate, most, among in (
        ("mean_error", found.mean_error, error, reference.images),
        ("column_error", found.column_error, error, reference.images),
        ("slope_error", found.slope_error, found.image_slope_error, vary),
    ):
        if not _possible(estimate, most, among):
            text = f"{short(estimate.value)} with standard error {short(estimate.standard_error)}"
            yield f"systematic.{name}: {text} is no mean of {among} images none of which is off by more than {most:.6g}"
    yield from _known_column(found, error, reference, candidate)


def _cosines(agreement: Agreement, images: int) -> Iterator[str]:
    mean, least = agreement.mean_cosine_distance, agreement.min_cosine
    if mean is None or least is None:
        return
    worst, more = 1 - least, 1 + ROUNDING
    if not mean <= worst * more + DOUBLE or not worst <= images * mean * more + DOUBLE:
        yield f"mean_cosine_distance: {short(mean)} is no mean of {images} images of which the worst has {worst:.6g}"


def _known_column(found: Systematic, error: float, reference: TopFive, candidate: TopFive) -> Iterator[str]:
    """The class's error where both top fives hold it; elsewhere it is at most the largest error."""
    known, rows = _column(reference, candidate, found.column)
    total, images = found.column_error.value * reference.images, reference.images
    if not abs(total - known) <= (images - rows) * error + ROUNDING * images * error:
        yield f"systematic.column_error: {short(found.column_error.value)} contradicts the scores kept of {rows} images"


def _possible(estimate: Estimate, most: float, images: int) -> bool:
    """Whether some values of at most this size have this mean and this standard error."""
    size, error = abs(estimate.value), estimate.standard_error
    if not size <= most * (1 + ROUNDING):
        return False
    if images < 2:
        return True
    spread = max(0.0, most * most - size * size) + 3 * ROUNDING * most * most
    return error is not None and 0 <= error <= math.sqrt(spread / (images - 1))


def _column(reference: TopFive, candidate: TopFive, wanted: int) -> tuple[float, int]:
    """Sum of a class's errors in the images where both top fives hold it, and how many these are."""
    theirs, errors = _of_class(candidate, wanted), []
    for row, score in _of_class(reference, wanted).items():
        if row in theirs:
            errors.append(theirs[row] - score)
    return math.fsum(errors), len(errors)


def _of_class(top: TopFive, wanted: int) -> dict[int, float]:
    return {
        row: top.scores[row * top.places + rank]
        for rank, column in enumerate(top.columns)
        for row, name in enumerate(column)
        if name == wanted
    }
