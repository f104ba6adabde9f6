"""The five best classes of every image by one model variant, and what two variants make of the same images."""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.judge.accuracy import PLACES, TopK, top_k_of
from tools.judge.paired import PairedTable

if TYPE_CHECKING:
    from tools.judge.ids import Variant


@dataclass(frozen=True)
class TopFive:
    """`columns` are the classes by rank, the best first, each with one entry an image; `scores` their logits image
    after image; `labels` the outputs of the right classes. There are five columns, fewer where the network has fewer
    classes. SuiteError when they are not equally many, or there is no image.
    """

    variant: Variant
    columns: tuple[Sequence[int], ...]
    scores: Sequence[float]
    labels: Sequence[int]

    def __post_init__(self) -> None:
        rows = {len(self.labels), *map(len, self.columns)}
        whole = 1 <= self.places <= PLACES and len(rows) == 1 and len(self.scores) == self.places * self.images
        if not whole or not self.images:
            raise SuiteError(
                "predictions and labels do not belong together",
                where=self.variant,
                measured=f"{sorted(rows)} rows, {len(self.scores)} scores",
                allowed=f"as many classes and scores for every label, 1 to {PLACES}",
            )

    @property
    def places(self) -> int:
        """How many classes are known of each image."""
        return len(self.columns)

    @property
    def images(self) -> int:
        """How many images there are."""
        return len(self.labels)

    @cached_property
    def right(self) -> tuple[list[bool], ...]:
        """For k = 1 to 5, or to all classes: for each image whether its label is among the first k."""
        found = [list(map(operator.eq, self.columns[0], self.labels))]
        for column in self.columns[1:]:
            found.append(list(map(operator.or_, found[-1], map(operator.eq, column, self.labels))))
        return tuple(found)

    def top_k(self, k: int) -> TopK:
        """Top-k accuracy; SuiteError for k outside 1 to 5."""
        return top_k_of(sum(self._right(k)), self.images, k)

    @cached_property
    def accuracy(self) -> tuple[TopK, ...]:
        """Top-1 to Top-5, the rows of the guide's result table."""
        return tuple(self.top_k(k) for k in range(1, PLACES + 1))

    def _right(self, k: int) -> list[bool]:
        if not 1 <= k <= PLACES:
            raise SuiteError("no such accuracy", measured=f"Top-{k}", allowed=f"Top-1 to Top-{PLACES}")
        return self.right[min(k, self.places) - 1]

    def faults(self, classes: int) -> Iterator[str]:
        """What no honest prediction shows: other classes, repeated ones, scores that are out of order or no numbers."""
        if any(min(column) < 0 or max(column) >= classes for column in self.columns):
            yield f"a class outside 0..{classes - 1}"
        pairs = [(first, second) for index, first in enumerate(self.columns) for second in self.columns[index + 1 :]]
        if any(any(map(operator.eq, first, second)) for first, second in pairs):
            yield "a class twice in one image's top five"
        if not math.isfinite(sum(self.scores)):
            yield "a score that is no finite number"
            return
        for rank in range(self.places - 1):
            here, there = self.scores[rank :: self.places], self.scores[rank + 1 :: self.places]
            if any(map(operator.lt, here, there)):
                yield f"scores that rise from place {rank + 1} to {rank + 2}"
            ties = map(operator.and_, map(operator.eq, here, there), map(operator.gt, *self.columns[rank : rank + 2]))
            if any(ties):
                yield f"a tie at place {rank + 1} that is not broken by the lower class"


def top_five(variant: Variant, classes: Sequence[int], scores: Sequence[float], labels: Sequence[int]) -> TopFive:
    """From classes and scores as a bundle keeps them: five an image (or all that there are), image after image."""
    places = len(classes) // max(1, len(labels))
    return TopFive(variant, tuple(classes[rank::places] for rank in range(places)), scores, labels)


def pair(reference: TopFive, candidate: TopFive, k: int) -> PairedTable:
    """The 2x2 table of Top-k correctness, image by image; SuiteError when the labels are not the same."""
    if array("q", reference.labels) != array("q", candidate.labels):
        raise SuiteError(
            "pth and candidate did not see the same images",
            measured=f"{reference.images} and {candidate.images} images",
            allowed="the same images in the same order",
        )
    ours, theirs = reference._right(k), candidate._right(k)
    both, reference_right = sum(map(operator.and_, ours, theirs)), sum(ours)
    lost, gained = reference_right - both, sum(theirs) - both
    return PairedTable(both_right=both, lost=lost, gained=gained, both_wrong=reference.images - both - lost - gained)


@dataclass(frozen=True)
class Flips:
    """Images that changed class: row -> the least and the most that the reference's class can have been ahead of the
    new one; and how many images have another set of five best classes."""

    gaps: dict[int, tuple[float, float]]
    top5_set_changed: int

    def surely_beyond(self, near_tie: float) -> set[int]:
        """Rows whose flip is certainly beyond a near tie of so many logits."""
        return {row for row, (least, _) in self.gaps.items() if least > near_tie}

    def possibly_beyond(self, near_tie: float) -> set[int]:
        """Rows whose flip may be beyond it."""
        return {row for row, (_, most) in self.gaps.items() if most > near_tie}


def flips(reference: TopFive, candidate: TopFive) -> Flips:
    """Compare two variants image by image.

    Only the five best scores are known: a new class outside the reference's five lay at least as far back as the fifth.
    """
    best = list(map(operator.ne, reference.columns[0], candidate.columns[0]))
    differs = iter(best)
    for first, second in zip(reference.columns[1:], candidate.columns[1:]):
        differs = map(operator.or_, differs, map(operator.ne, first, second))
    changed = sum(_row(reference, row) != _row(candidate, row) for row, other in enumerate(differs) if other)
    rows = [row for row, other in enumerate(best) if other]
    return Flips({row: _gap(reference, row, candidate.columns[0][row]) for row in rows}, changed)


def _row(top: TopFive, row: int) -> set[int]:
    return {column[row] for column in top.columns}


def _gap(reference: TopFive, row: int, new_class: int) -> tuple[float, float]:
    scores = reference.scores[row * reference.places : (row + 1) * reference.places]
    for rank, column in enumerate(reference.columns):
        if column[row] == new_class:
            gap = scores[0] - scores[rank]
            return gap, gap
    return scores[0] - scores[-1], math.inf
