"""Top-1 of each class by the checkpoint and by the worst of what was made from it: which classes pay for the port."""

from __future__ import annotations

from dataclasses import dataclass

from tools.judge.ids import Variant
from tools.report.predictions import Predictions, Top5


@dataclass(frozen=True)
class ClassRow:
    """One class with its `images`: how many the pth and the variant get `right`, which of them changed hands."""

    index: int
    images: int
    pth_right: int
    right: int
    lost: int
    gained: int

    @property
    def loss_pp(self) -> float:
        """What the class lost, in percentage points, negative where it gained."""
        return 100 * (self.pth_right - self.right) / self.images


@dataclass(frozen=True)
class ByClass:
    """Every class that has images, those that lost most of them first, for the variant that lost most altogether."""

    variant: str
    rows: tuple[ClassRow, ...]

    @property
    def losers(self) -> tuple[ClassRow, ...]:
        """The classes of which fewer images are right than before."""
        return tuple(row for row in self.rows if row.right < row.pth_right)

    @property
    def winners(self) -> int:
        """How many classes have more images right than before."""
        return sum(row.right > row.pth_right for row in self.rows)


def by_class(predictions: Predictions) -> ByClass | None:
    """Count the images of each class; None where nothing but the checkpoint has predicted any.

    Of the OMs, or of the ONNX file where there are none, the one with the fewest images right is counted. Order: by
    images lost (less those gained), then by their share of the class, then by its index.
    """
    oms = [top for top in predictions.candidates if Variant(top.name).batch is not None]
    judged = oms or predictions.candidates
    if not judged:
        return None
    worst = min(judged, key=lambda top: int((top.classes[:, 0] == predictions.labels).sum()))
    rows = _rows(predictions, worst)
    return ByClass(
        worst.name, tuple(sorted(rows, key=lambda row: (row.right - row.pth_right, -row.loss_pp, row.index)))
    )


def _rows(predictions: Predictions, candidate: Top5) -> list[ClassRow]:
    import numpy as np

    classes, place = np.unique(predictions.labels, return_inverse=True)
    before, now = (top.classes[:, 0] == predictions.labels for top in (predictions.pth, candidate))
    counted = (np.ones_like(before), before, now, before & ~now, now & ~before)
    columns = [np.bincount(place, weights=which, minlength=len(classes)).astype(int).tolist() for which in counted]
    return [ClassRow(*numbers) for numbers in zip(classes.tolist(), *columns, strict=True)]
