"""How far one tensor lies from another, and whether fp32 or fp16 rounding can explain it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FP32_RELATIVE_L2 = 1e-5
"""What another order of fp32 sums may do to one node's output, fed with the same input.

Rounding errors of a sum of K products grow like sqrt(K) x 2**-24: 5.7e-6 at AlexNet's longest sum, K = 9216. Measured
between torch 2.13 and onnxruntime 1.32 on x86-64, 16 images, two sets of weights: at most 5.5e-7 over AlexNet's nodes.
"""
FP32_MAX_ABS_TO_RMS = 1e-4
"""The same for the worst single value, in units of the output's root mean square: measured at most 7.4e-6.

This bound, and not the one above, sees a single wrong row of a wide layer."""
FP16_MARGIN = 4.0
"""A device sums in another order and may round inside a node, which the emulation does not: a few times its error.

No device was measured. On the sample's AlexNet the emulation costs the logits 2.2e-3; int8 weights cost 2.1e-2 and any
one layer's weights off by 1 % cost 1e-2, which is beyond 4 times that."""
FP16_UNIT_ROUNDOFF = 2.0**-11
"""Rounding once to fp16 already costs this much of a value, however exact the emulation comes out."""


@dataclass(frozen=True)
class Errors:
    """A candidate held against a reference over all images and values, computed in float64.

    `relative_l2_error` is |candidate - reference| / |reference| (0 when both are all zero, 1 when only the reference
    is); `cosine_distance` is 1 - cosine (with the same two conventions); `reference_rms` is the reference's root mean
    square, the scale of `max_abs_error`.
    """

    max_abs_error: float
    relative_l2_error: float
    cosine_distance: float
    reference_rms: float


@dataclass(frozen=True)
class Channel:
    """The slice of a tensor that is worst, `index` along `axis` (0 is the images), among those of the axis along which
    errors differ most; relative L2 `error`s in it and `typical` ones, the median over all slices of that axis.

    An error counts against the slice's own length, or the median slice's where that is larger.
    """

    axis: int
    index: int
    error: float
    typical: float


Compared = Errors | str
"""The errors, or in words why the two cannot be compared; the latter is always a divergence."""


def compare(candidate: NDArray[np.float32] | None, reference: NDArray[np.float32] | None) -> Compared:
    """Hold two float arrays (images first) against each other; None stands for one that could not be computed."""
    import numpy as np

    if candidate is None or reference is None:
        return "not computed: a node before it yields another shape"
    if candidate.shape != reference.shape:
        return f"shape {list(candidate.shape)} instead of {list(reference.shape)}"
    bad = int(np.count_nonzero(~np.isfinite(candidate).reshape(len(candidate), -1).all(axis=1)))
    if bad:
        return f"NaN or infinity in {bad} of {len(candidate)} images"
    if not np.isfinite(reference).all():
        return "the reference holds NaN or infinity"
    left, right = candidate.astype(np.float64).ravel(), reference.astype(np.float64).ravel()
    norm, other = _length(right), _length(left)
    difference = left - right
    return Errors(
        max_abs_error=float(np.abs(difference).max(initial=0.0)),
        relative_l2_error=_length(difference) / norm if norm > 0 else float(other > 0),
        cosine_distance=_cosine_distance(left, right, other, norm),
        reference_rms=norm / math.sqrt(right.size),
    )


def worst_channel(candidate: NDArray[np.float32], reference: NDArray[np.float32]) -> Channel | None:
    """Where in its channels a tensor is wrong; None for other shapes or values that are no numbers."""
    import numpy as np

    if candidate.shape != reference.shape or not np.isfinite(candidate).all():
        return None
    found = []
    for axis in range(1, reference.ndim):
        errors = channel_errors(candidate, reference, axis)
        index = int(errors.argmax())
        if len(errors) > 1:
            found.append(Channel(axis, index, float(errors[index]), float(np.median(errors))))
    return max(found, key=lambda one: one.error / max(one.typical, FP32_RELATIVE_L2), default=None)


def channel_errors(candidate: NDArray[np.float32], reference: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    """The relative L2 error in every slice along an axis, see Channel; both of one shape, all values finite."""
    import numpy as np

    others = tuple(other for other in range(reference.ndim) if other != axis)
    found = np.sqrt(np.square(candidate.astype(np.float64) - reference).sum(axis=others))
    lengths = np.sqrt(np.square(reference, dtype=np.float64).sum(axis=others))
    scale = np.maximum(lengths, np.median(lengths))
    errors: NDArray[np.float64] = np.divide(found, scale, out=found, where=scale > 0)
    return errors


def channel_beyond_fp16(
    candidate: NDArray[np.float32], rounded: NDArray[np.float32], reference: NDArray[np.float32]
) -> bool:
    """Whether one channel is off by more than FP16_MARGIN times what rounding costs the worst one; `rounded` is what
    emulated fp16 makes of the reference. Sees one filter of many, which is lost in the error of the whole."""
    for axis in range(1, reference.ndim):
        cost = max(float(channel_errors(rounded, reference, axis).max()), FP16_UNIT_ROUNDOFF)
        if float(channel_errors(candidate, reference, axis).max()) > FP16_MARGIN * cost:
            return True
    return False


def beyond_fp32(found: Compared) -> bool:
    """Whether one node's own error exceeds what fp32 rounding explains."""
    if isinstance(found, str):
        return True
    worst_allowed = FP32_MAX_ABS_TO_RMS * found.reference_rms
    return found.relative_l2_error > FP32_RELATIVE_L2 or found.max_abs_error > worst_allowed


def beyond_fp16(found: Compared, expected: Compared) -> bool:
    """Whether an OM's error against fp32 exceeds FP16_MARGIN times `expected`, the emulation's against the same.

    Where the emulation cannot be compared (it overflows), only the rounding of the output itself is allowed.
    """
    if isinstance(found, str):
        return True
    relative, absolute = FP16_UNIT_ROUNDOFF, FP16_UNIT_ROUNDOFF * found.reference_rms
    if isinstance(expected, Errors):
        relative = max(relative, FP16_MARGIN * expected.relative_l2_error)
        absolute = max(absolute, FP16_MARGIN * expected.max_abs_error)
    return found.relative_l2_error > relative or found.max_abs_error > absolute


def size(compared: Compared | None) -> float:
    """The relative L2 error, for ranking: what cannot be compared is worst."""
    return compared.relative_l2_error if isinstance(compared, Errors) else math.inf


def short(compared: Compared | None) -> str:
    """The relative L2 error for a table cell; `n/a` where there is none (the row's note says why), empty for None."""
    if compared is None:
        return ""
    return f"{compared.relative_l2_error:.1e}" if isinstance(compared, Errors) else "n/a"


def words(compared: Compared) -> str:
    """All three measures, or why there are none."""
    if isinstance(compared, str):
        return compared
    return (
        f"relative L2 error {compared.relative_l2_error:.2e}, largest {compared.max_abs_error:.2e}, "
        f"cosine distance {compared.cosine_distance:.1e}"
    )


def channel_words(channel: Channel | None) -> str:
    """Which channel is worst and by how much, to be put behind the measures; empty for none."""
    if channel is None:
        return ""
    return (
        f"; worst at channel {channel.index} of axis {channel.axis}: {channel.error:.2e}, "
        f"the median channel {channel.typical:.1e}"
    )


def _length(values: NDArray[np.float64]) -> float:
    """The Euclidean norm; not numpy's, whose BLAS threads fight torch's and onnxruntime's (ten times slower)."""
    import numpy as np

    return math.sqrt(float(np.square(values).sum()))


def _cosine_distance(
    left: NDArray[np.float64], right: NDArray[np.float64], left_norm: float, right_norm: float
) -> float:
    """1 - cosine by the difference of the unit vectors, which loses nothing where the two are nearly parallel."""
    import numpy as np

    if left_norm == 0 or right_norm == 0:
        return float(left_norm != right_norm)
    return float(np.square(left / left_norm - right / right_norm).sum()) / 2
