"""Which images changed their class between the checkpoint and what was made from it, worst first."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.report.predictions import Predictions, Top5

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN_AT_MOST = 200


class Outcome(enum.StrEnum):
    """What the flip did to Top-1."""

    LOST = "lost"
    GAINED = "gained"
    WRONG_BEFORE_AND_AFTER = "wrong before and after"


@dataclass(frozen=True)
class Place:
    """One place of a top five: class index, its logit, and whether it is the label."""

    index: int
    score: float
    is_label: bool


@dataclass(frozen=True)
class Flip:
    """One image, its top five by the pth and by `variant`, of those `variants` that flipped it the worst.

    `gap_logits` is how far ahead, in pth's logits, pth's class was of the candidate's; where the candidate's class is
    not in pth's top five, `beyond_top5`, the gap is larger than that.
    """

    id: str
    label: int
    outcome: Outcome
    variant: str
    variants: tuple[str, ...]
    gap_logits: float
    beyond_top5: bool
    pth: tuple[Place, ...]
    candidate: tuple[Place, ...]


@dataclass(frozen=True)
class Flips:
    """`images` flipped in at least one variant; `per_variant` counts them for each; `shown` are the worst."""

    images: int
    per_variant: Mapping[str, int]
    shown: tuple[Flip, ...]


def find_flips(predictions: Predictions, most: int = SHOWN_AT_MOST) -> Flips:
    """The images that any variant gives another class than the checkpoint does.

    Order: candidate's class outside pth's top five first, then the larger gap, then the id.
    """
    import numpy as np

    ids, labels, pth, candidates = predictions.ids, predictions.labels, predictions.pth, predictions.candidates
    worst = np.full(len(ids), -np.inf)
    worst_by = np.zeros(len(ids), int)
    flipped = np.zeros((len(candidates), len(ids)), bool)
    for number, candidate in enumerate(candidates):
        gaps, outside = _gaps(pth, candidate)
        flipped[number] = candidate.classes[:, 0] != pth.classes[:, 0]
        # Outside pth's top five the true gap is larger than any inside it: rank it above them all.
        severity = np.where(flipped[number], np.where(outside, gaps + 1e6, gaps), -np.inf)
        worst_by[severity > worst] = number
        worst = np.maximum(worst, severity)
    rows = np.flatnonzero(flipped.any(axis=0))
    shown = sorted(rows.tolist(), key=lambda row: (-worst[row], ids[row]))[:most]
    return Flips(
        images=len(rows),
        per_variant={candidate.name: int(flipped[number].sum()) for number, candidate in enumerate(candidates)},
        shown=tuple(
            _flip(ids[row], int(labels[row]), row, pth, candidates, int(worst_by[row]), flipped[:, row].tolist())
            for row in shown
        ),
    )


def _gaps(pth: Top5, candidate: Top5) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Per image: pth's lead over the candidate's class (at least, where that is outside its top five), and outside."""
    import numpy as np

    found = pth.classes == candidate.classes[:, :1]
    outside = ~found.any(axis=1)
    place = np.where(outside, found.shape[1] - 1, found.argmax(axis=1))
    scores = np.asarray(pth.scores, np.float64)
    return scores[:, 0] - scores[np.arange(len(scores)), place], outside


def _flip(
    name: str, label: int, row: int, pth: Top5, candidates: Sequence[Top5], number: int, flipped: list[bool]
) -> Flip:
    candidate = candidates[number]
    gaps, outside = _gaps(_row(pth, row), _row(candidate, row))
    was, now = int(pth.classes[row, 0]), int(candidate.classes[row, 0])
    outcome = Outcome.LOST if was == label else Outcome.GAINED if now == label else Outcome.WRONG_BEFORE_AND_AFTER
    return Flip(
        id=name,
        label=label,
        outcome=outcome,
        variant=candidate.name,
        variants=tuple(other.name for other, so in zip(candidates, flipped, strict=True) if so),
        gap_logits=float(gaps[0]),
        beyond_top5=bool(outside[0]),
        pth=_places(pth, row, label),
        candidate=_places(candidate, row, label),
    )


def _row(top: Top5, row: int) -> Top5:
    return Top5(top.name, top.classes[row : row + 1], top.scores[row : row + 1])


def _places(top: Top5, row: int, label: int) -> tuple[Place, ...]:
    pairs = zip(top.classes[row].tolist(), top.scores[row].tolist(), strict=True)
    return tuple(Place(index=index, score=score, is_label=index == label) for index, score in pairs)
