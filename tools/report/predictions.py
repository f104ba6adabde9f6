"""The predictions of a bundle as arrays: the checkpoint's and those of what was made from it, a row an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError, reason
from tools.judge.accuracy import PLACES
from tools.judge.documents import texts
from tools.judge.files import Refused, read_json
from tools.judge.ids import PTH
from tools.judge.layout import IDS, LABELS
from tools.judge.prediction_records import VariantRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.generic]


class PredictionsError(SuiteError):
    """The prediction files of a bundle are damaged or do not belong together."""


@dataclass(frozen=True)
class Top5:
    """One variant's files: classes and logits of shape (N, 5)."""

    name: str
    classes: Rows
    scores: Rows


@dataclass(frozen=True)
class Predictions:
    """Of N images the ids, the labels (N,), and the best classes by the checkpoint and by each candidate."""

    ids: list[str]
    labels: Rows
    pth: Top5
    candidates: tuple[Top5, ...]


def read_predictions(folder: Path, variants: Sequence[VariantRecord], places: int = PLACES) -> Predictions | None:
    """Read the predictions of a bundle; None without the pth's, beside which all others are seen.

    `places` are the best classes kept of each image. PredictionsError when a file is missing, damaged or of another
    length than the ids.
    """
    if not any(variant.name == PTH for variant in variants):
        return None
    ids = _ids(folder / IDS)
    labels = _array(folder / LABELS, "<i2", (len(ids),))
    tops = {variant.name: _top5(folder, variant, (len(ids), places)) for variant in variants}
    return Predictions(ids, labels, tops[PTH], tuple(top for name, top in tops.items() if name != PTH))


def _ids(path: Path) -> list[str]:
    try:
        return list(texts(read_json(path.read_bytes(), path.name), path.name))
    except (OSError, Refused) as error:
        raise PredictionsError(f"cannot read the ids: {reason(error)}", where=path) from error


def _top5(folder: Path, variant: VariantRecord, shape: tuple[int, int]) -> Top5:
    return Top5(
        variant.name,
        _array(folder / variant.top5_file, "<i2", shape),
        _array(folder / variant.scores_file, "<f4", shape),
    )


def _array(path: Path, dtype: str, shape: tuple[int, ...]) -> Rows:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PredictionsError(f"cannot read the predictions: {reason(error)}", where=path) from error
    if array.dtype != np.dtype(dtype) or array.shape != shape:
        raise PredictionsError(
            "these predictions do not belong to the ids",
            where=path,
            measured=f"{array.dtype.str} {array.shape}",
            allowed=f"{dtype} {shape}",
        )
    return np.asarray(array)
