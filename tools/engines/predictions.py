"""Logits of every image of a data set, kept with their ids so that nothing can be lost between engine and judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tools.errors import AccuracyError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IDS, LOGITS = "ids.json", "logits.npy"


@dataclass(frozen=True)
class Predictions:
    """One model variant's logits: row i of `logits` (N, classes) float32 belongs to `ids[i]`."""

    variant: str
    ids: tuple[str, ...]
    logits: NDArray[np.float32]


def gate_of(variant: str, question: str) -> str:
    """The gate that asks something of a variant's predictions: `onnx.accuracy.ids`, `om.accuracy.ids[bs4]`."""
    stem, _, batch = variant.partition("_")
    return f"{stem}.accuracy.{question}" + (f"[{batch}]" if batch else "")


def save_predictions(predictions: Predictions, folder: Path) -> None:
    """Write ids and logits into a folder; AccuracyError when the logits are not one finite row an id."""
    import numpy as np

    logits = predictions.logits
    if logits.ndim != 2 or len(logits) != len(predictions.ids):
        raise AccuracyError(
            f"{predictions.variant} gave other than one row of logits an image",
            gate=gate_of(predictions.variant, "ids"),
            measured=f"shape {list(logits.shape)}",
            allowed=f"{len(predictions.ids)} rows",
        )
    broken = [predictions.ids[row] for row in np.flatnonzero(~np.isfinite(logits).all(axis=1))]
    if broken:
        raise AccuracyError(
            f"{predictions.variant} gave NaN or infinite logits for {len(broken)} images: {', '.join(broken[:5])}",
            gate=gate_of(predictions.variant, "finite"),
        )
    (folder / IDS).write_bytes(msgspec.json.encode(predictions.ids))
    np.save(folder / LOGITS, logits.astype(np.float32, copy=False), allow_pickle=False)


def load_predictions(folder: Path, variant: str) -> Predictions:
    """Read what save_predictions wrote; the logits stay on disk (memory-mapped) until they are used."""
    import numpy as np

    ids = msgspec.json.decode((folder / IDS).read_bytes(), type=tuple[str, ...])
    logits = np.load(folder / LOGITS, mmap_mode="r", allow_pickle=False)
    return Predictions(variant=variant, ids=ids, logits=logits)


def largest_difference(first: Predictions, others: Sequence[Predictions]) -> float:
    """The largest absolute difference of any logit to the first variant's; AccuracyError when ids differ."""
    import numpy as np

    worst = 0.0
    for other in others:
        if other.ids != first.ids:
            raise AccuracyError(
                f"{first.variant} and {other.variant} did not predict the same images in the same order",
                gate="om.batch_invariance_abs_error",
            )
        worst = max(worst, float(np.abs(other.logits - first.logits).max()))
    return worst
