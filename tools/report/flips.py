"""Which images changed their class between the checkpoint and what was made from it, worst first."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.judge.acceptance import IDS, LABELS, VariantRecord
from tools.judge.accuracy import PLACES
from tools.judge.documents import texts
from tools.judge.files import Refused, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.generic]

REFERENCE = "pth"
SHOWN_AT_MOST = 200


class PredictionsError(SuiteError):
    """The prediction files of a bundle are damaged or do not belong together."""


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


@dataclass(frozen=True)
class _Top5:
    """One variant's files: classes and logits of shape (N, 5)."""

    name: str
    classes: Rows
    scores: Rows


def find_flips(
    folder: Path, variants: Sequence[VariantRecord], most: int = SHOWN_AT_MOST, places: int = PLACES
) -> Flips | None:
    """Read the predictions of a bundle and find the flipped images; None without the pth's predictions.

    `places` are the best classes kept of each image. Order: candidate's class outside pth's top five first, then the
    larger gap, then the id. PredictionsError when a file is missing, damaged or of another length than the ids.
    """
    if not any(variant.name == REFERENCE for variant in variants):
        return None
    ids = _ids(folder / IDS)
    labels = _array(folder / LABELS, "<i2", (len(ids),))
    tops = [_top5(folder, variant, (len(ids), places)) for variant in variants]
    reference = next(top for top in tops if top.name == REFERENCE)
    return _find(ids, labels, reference, [top for top in tops if top is not reference], most)


def _find(ids: list[str], labels: Rows, pth: _Top5, candidates: list[_Top5], most: int) -> Flips:
    import numpy as np

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


def _gaps(pth: _Top5, candidate: _Top5) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Per image: pth's lead over the candidate's class (at least, where that is outside its top five), and outside."""
    import numpy as np

    found = pth.classes == candidate.classes[:, :1]
    outside = ~found.any(axis=1)
    place = np.where(outside, found.shape[1] - 1, found.argmax(axis=1))
    scores = np.asarray(pth.scores, np.float64)
    return scores[:, 0] - scores[np.arange(len(scores)), place], outside


def _flip(
    name: str, label: int, row: int, pth: _Top5, candidates: list[_Top5], number: int, flipped: list[bool]
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


def _row(top: _Top5, row: int) -> _Top5:
    return _Top5(top.name, top.classes[row : row + 1], top.scores[row : row + 1])


def _places(top: _Top5, row: int, label: int) -> tuple[Place, ...]:
    pairs = zip(top.classes[row].tolist(), top.scores[row].tolist(), strict=True)
    return tuple(Place(index=index, score=score, is_label=index == label) for index, score in pairs)


def _ids(path: Path) -> list[str]:
    try:
        return list(texts(read_json(path.read_bytes(), path.name), path.name))
    except (OSError, Refused) as error:
        raise PredictionsError(f"cannot read the ids: {error}", where=path) from error


def _top5(folder: Path, variant: VariantRecord, shape: tuple[int, int]) -> _Top5:
    return _Top5(
        variant.name,
        _array(folder / variant.top5_file, "<i2", shape),
        _array(folder / variant.scores_file, "<f4", shape),
    )


def _array(path: Path, dtype: str, shape: tuple[int, ...]) -> Rows:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PredictionsError(f"cannot read the predictions: {error}", where=path) from error
    if array.dtype != np.dtype(dtype) or array.shape != shape:
        raise PredictionsError(
            "these predictions do not belong to the ids",
            where=path,
            measured=f"{array.dtype.str} {array.shape}",
            allowed=f"{dtype} {shape}",
        )
    return np.asarray(array)
