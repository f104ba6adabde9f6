"""Logits of every image of a data set, kept with their ids so that nothing can be lost between engine and judge."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tools.base.errors import AccuracyError
from tools.engines.topk import top_k
from tools.judge import ids as gate_ids
from tools.judge.accuracy import PLACES
from tools.judge.ids import Variant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IDS, LOGITS, TOP5 = "ids.json", "logits.npy", "top5.npy"
IMAGES_AT_ONCE = 500
"""Rows looked at in one go, so that what numpy makes on the way takes 2 MB at 1000 classes and not as much again."""


@dataclass(frozen=True)
class Predictions:
    """One model variant's logits: row i of `logits` (N, classes) float32 belongs to `ids[i]`.

    `kept_top5` are the top fives where they are known already.
    """

    variant: Variant
    ids: tuple[str, ...]
    logits: NDArray[np.float32]
    kept_top5: NDArray[np.int32] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def top5(self) -> NDArray[np.int32]:
        """The five highest classes of each row, or all, best first, ties by the lowest class; found out once."""
        import numpy as np

        places = min(PLACES, self.logits.shape[1])
        return top_k(self.logits, places).astype(np.int32) if self.kept_top5 is None else self.kept_top5

    @cached_property
    def top5_scores(self) -> NDArray[np.float32]:
        """Their logits."""
        import numpy as np

        scores: NDArray[np.float32] = np.take_along_axis(self.logits, self.top5, axis=1)
        return scores


def save_predictions(predictions: Predictions, folder: Path) -> None:
    """Write ids and logits into a folder; AccuracyError when the logits are not one finite row an id.

    A row of zeros is refused too: it is an output that a device never wrote, and without a direction no gate of
    agreement would look at it.
    """
    import numpy as np

    logits = predictions.logits
    if logits.ndim != 2 or len(logits) != len(predictions.ids):
        raise AccuracyError(
            f"{predictions.variant} gave other than one row of logits an image",
            gate=predictions.variant.gate("ids"),
            measured=f"shape {list(logits.shape)}",
            allowed=f"{len(predictions.ids)} rows",
        )
    broken = list(itertools.compress(predictions.ids, itertools.chain.from_iterable(map(_broken, _blocks(logits)))))
    if broken:
        raise AccuracyError(
            f"{predictions.variant} gave NaN, infinite or nothing but zero logits for {len(broken)} images: "
            f"{', '.join(broken[:5])}",
            gate=predictions.variant.gate("finite"),
        )
    (folder / IDS).write_bytes(msgspec.json.encode(predictions.ids))
    np.save(folder / LOGITS, logits.astype(np.float32, copy=False), allow_pickle=False)
    np.save(folder / TOP5, predictions.top5, allow_pickle=False)


def load_predictions(folder: Path, variant: Variant) -> Predictions:
    """Read what save_predictions wrote; logits and top fives stay on disk (memory-mapped) until they are used."""
    import numpy as np

    ids = msgspec.json.decode((folder / IDS).read_bytes(), type=tuple[str, ...])
    logits = np.load(folder / LOGITS, mmap_mode="r", allow_pickle=False)
    top5 = np.load(folder / TOP5, mmap_mode="r", allow_pickle=False)
    return Predictions(variant=variant, ids=ids, logits=logits, kept_top5=top5)


def largest_difference(first: Predictions, others: Sequence[Predictions]) -> float:
    """The largest absolute difference of any logit to the first variant's, NaN where there is one.

    AccuracyError when ids differ.
    """
    import numpy as np

    worst = [0.0]
    for other in others:
        if other.ids != first.ids:
            raise AccuracyError(
                f"{first.variant} and {other.variant} did not predict the same images in the same order",
                gate=gate_ids.OM_BATCH_INVARIANCE_ABS_ERROR,
            )
        pairs = zip(_blocks(first.logits), _blocks(other.logits), strict=True)
        worst += [float(np.abs(mine - theirs).max()) for mine, theirs in pairs]
    return float(np.max(worst))  # max() of Python would lose a NaN


def differences(judged: Predictions, again: Predictions) -> tuple[int, float]:
    """How many images have other logits in the second of two runs of one OM, and the largest absolute difference (NaN
    where a logit of either is not a number).

    AccuracyError when ids differ.
    """
    import numpy as np

    largest = largest_difference(judged, [again])
    pairs = zip(_blocks(judged.logits), _blocks(again.logits), strict=True)
    return sum(int(np.any(mine != theirs, axis=1).sum()) for mine, theirs in pairs), largest


def _blocks(logits: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The rows, some hundreds at a time."""
    return (logits[start : start + IMAGES_AT_ONCE] for start in range(0, len(logits), IMAGES_AT_ONCE))


def _broken(logits: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The rows that hold a NaN or an infinity, or nothing but zeros."""
    import numpy as np

    finite, written = np.isfinite(logits).all(axis=1), logits.any(axis=1)
    broken: NDArray[np.bool_] = np.logical_not(finite & written)
    return broken
