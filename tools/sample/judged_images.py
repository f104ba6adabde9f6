"""Which images of a pool judge a made sample, and what they are labelled: near ties are left out, and something must be
there to lose.

A near tie is turned by the rounding of fp16 alone, and says nothing of a port. And where the checkpoint is right on few
images, or always says the same, a wrong model has nothing to lose: no gate on a drop could turn red then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Doubles = npt.NDArray[np.float64]

POOL_IMAGES = 400
"""Twice as many as are judged: the better half leads by 0.7 of the mean lead at least, which rounding is far below."""
TIMES_THE_DROP = 3
"""How many times the allowed drop there must be to lose: a wrong model need not lose all of it to be told."""


@dataclass(frozen=True)
class Judged:
    """Rows of the pool in rising order, int64 (N,), their labels, int64 (N,), and `why` those are the network's own."""

    rows: Integers
    labels: Integers
    why: str


def judged_images(logits: Doubles, truth: Integers, count: int, *, drop_pp: float, why: str, where: str) -> Judged:
    """`count` images of the pool, from its logits (M, classes) and true labels (M,).

    Their labels are the true ones where `why` is empty and so much is right that a wrong model would be told by a drop
    of `drop_pp`, else the network's own. SuiteError where not even by those, of the network that `where` names.
    """
    rows = widest_lead(logits, count)
    predicted, true = logits.argmax(axis=1)[rows], truth[rows]
    least = TIMES_THE_DROP * drop_pp
    if not why and to_lose_pp(predicted, true) >= least:
        return Judged(rows, true, "")
    own = to_lose_pp(predicted, predicted)
    if own < least:
        raise SuiteError(
            "the made checkpoint answers nearly all images alike, so that a wrong model would lose too little",
            where=where,
            measured=f"{own:.1f} pp",
            allowed=f">= {least:.10g} pp",
            fix="No sample can be made for this network: judge it by its own weights and images",
        )
    right = 100 * float((predicted == true).mean())
    return Judged(rows, predicted, why or f"the layer fitted last is right on {right:.1f} % of the images alone")


def widest_lead(logits: Doubles, count: int) -> Integers:
    """The rows whose best logit is furthest above the second, in rising order; of equal ones the first."""
    import numpy as np

    if logits.shape[1] == 1:
        return np.arange(count)
    second, best = np.partition(logits, -2, axis=1)[:, -2:].T
    return np.sort(np.argsort(second - best, kind="stable")[:count])


def to_lose_pp(predicted: Integers, labels: Integers) -> float:
    """By how much the predictions are more often right than the best single answer to all images, percentage points."""
    import numpy as np

    return 100 * int((predicted == labels).sum() - np.bincount(labels).max()) / len(labels)
