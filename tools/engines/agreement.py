"""How far two variants' logits lie apart, image by image: what tools/judge/agreement.py summarises and judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tools.base.errors import AccuracyError, SuiteError
from tools.engines.predictions import IMAGES_AT_ONCE, Predictions
from tools.judge.agreement import Agreement, ImageAgreement, Measured, Unusable, summarise
from tools.judge.systematic import ColumnSums

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.floating]
    Rows64 = NDArray[np.float64]
    Classes = NDArray[np.integer]


def agree(pth: Predictions, candidate: Predictions, *, near_tie_logits: float) -> Agreement:
    """Hold a variant's logits against the checkpoint's, image by image; AccuracyError when the ids differ."""
    if pth.ids != candidate.ids:
        raise AccuracyError(
            "the images are not the same, or not in the same order",
            gate=candidate.variant.gate("ids"),
            where=candidate.variant,
        )
    starts = range(0, len(pth.ids), IMAGES_AT_ONCE)
    blocks = (slice(start, start + IMAGES_AT_ONCE) for start in starts)
    measured = (
        measure(pth.ids[rows], pth.logits[rows], candidate.logits[rows], tops=(pth.top5[rows], candidate.top5[rows]))
        for rows in blocks
    )
    return summarise(measured, near_tie_logits=near_tie_logits)


def measure(ids: Sequence[str], pth: Rows, candidate: Rows, tops: tuple[Classes, Classes]) -> Measured:
    """Compare two float arrays of shape (len(ids), classes), row by row in float64; `tops` are their five best classes.

    A row that holds NaN or infinity, or nothing but zeros,
    has no direction: it goes to `unusable`, never into a mean. SuiteError when the shapes do not match the ids.
    """
    import numpy as np

    if pth.ndim != 2 or pth.shape != candidate.shape or len(ids) != len(pth) or not pth.size:
        raise SuiteError(
            "logits cannot be compared",
            measured=f"{len(ids)} ids, pth {pth.shape}, candidate {candidate.shape}",
            allowed="two arrays of the same shape (images, classes), one row per id, not empty",
        )
    left, right = pth.astype(np.float64), candidate.astype(np.float64)
    unusable = tuple(
        Unusable(id=name, reason=reason)
        for name, a, b in zip(ids, left, right, strict=True)
        if (reason := _fault(a, "pth") or _fault(b, "candidate"))
    )
    bad = {entry.id for entry in unusable}
    keep = [index for index, name in enumerate(ids) if name not in bad]
    kept = [ids[index] for index in keep]
    images = _rows(kept, left[keep], right[keep], tops[0][keep], tops[1][keep])
    return Measured(images=images, unusable=unusable, columns=_columns(right[keep] - left[keep]))


def _columns(errors: Rows64) -> ColumnSums:
    import numpy as np

    return ColumnSums(tuple(errors.sum(axis=0).tolist()), tuple(np.square(errors).sum(axis=0).tolist()))


def _fault(row: Rows64, side: str) -> str:
    import numpy as np

    if not np.isfinite(row).all():
        return f"{side} logits hold NaN or infinity"
    return "" if row.any() else f"{side} logits are all zero"


def _rows(
    ids: Sequence[str], pth: Rows64, candidate: Rows64, pth_top: Classes, candidate_top: Classes
) -> tuple[ImageAgreement, ...]:
    import numpy as np

    if not ids:
        return ()
    distances = np.square(_unit(pth) - _unit(candidate)).sum(axis=1) / 2
    errors = np.abs(pth - candidate).max(axis=1)
    slopes, means = _slope_errors(pth, candidate), (candidate - pth).mean(axis=1)
    changed = (np.sort(pth_top) != np.sort(candidate_top)).any(axis=1)
    return tuple(
        ImageAgreement(
            id=name,
            cosine_distance=float(distances[row]),
            max_abs_error=float(errors[row]),
            flip_gap=None if before == after else float(pth[row, before] - pth[row, after]),
            top5_set_changed=bool(changed[row]),
            slope_error=float(slopes[row]) if np.isfinite(slopes[row]) else None,
            mean_error=float(means[row]),
        )
        for row, (name, before, after) in enumerate(zip(ids, pth_top[:, 0], candidate_top[:, 0], strict=True))
    )


def _slope_errors(pth: Rows64, candidate: Rows64) -> Rows64:
    """Slope of each row's regression on pth's, less 1, so that it keeps its digits; NaN where pth's row is constant.

    Divided by its largest entry a constant row is 1 or -1 throughout, exactly its mean.
    """
    import numpy as np

    scale = np.abs(pth).max(axis=1, keepdims=True)
    errors, centred = (candidate - pth) / scale, pth / scale
    centred = centred - centred.mean(axis=1, keepdims=True)
    squares = np.square(centred).sum(axis=1)
    slopes: Rows64 = np.full(len(pth), np.nan)
    np.divide((centred * errors).sum(axis=1), squares, out=slopes, where=squares > 0)
    return slopes


def _unit(rows: Rows64) -> Rows64:
    """Rows of length 1; scaled by the largest entry first, so that no square overflows or vanishes."""
    import numpy as np

    scaled = rows / np.abs(rows).max(axis=1, keepdims=True)
    unit: Rows64 = scaled / np.sqrt(np.square(scaled).sum(axis=1, keepdims=True))
    return unit
