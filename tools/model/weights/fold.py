"""Batch normalisation folded into the layer before it, computed in float64, with what float32 may do to it.

An exporter computes  w * (gamma / sqrt(var + eps))  and  (b - mean) * (gamma / sqrt(var + eps)) + beta  in float32: at
most six roundings on the way of any term, each of half a unit in the last place, 2**-24 of the term. The tolerance is 8
times that for each element, of the sizes of the terms that it is the sum of. What is stored as float16 was rounded once
more, and may have gone to the other neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.model.weights.constants import Norm, Value

Doubles = NDArray[np.float64]
ROUNDINGS = 8
UNIT = 2.0**-24
"""Half a unit in the last place of a float32 just above one."""
TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Expected:
    """What a constant must be: `value`, within `tolerance` for each element."""

    value: Doubles
    tolerance: Doubles

    def allows(self, found: NDArray[Any]) -> bool:
        """Is `found`, of the same shape, the expected within rounding?"""
        tolerance = self.tolerance + rounding(self.value, found.dtype)
        return bool((np.abs(found.astype(np.float64) - self.value) <= tolerance).all())


def rounding(value: Doubles, dtype: np.dtype[Any]) -> Doubles | float:
    """One unit in the last place of a float16, where that is how the value is kept."""
    if dtype != np.float16:
        return 0.0
    return np.spacing(np.abs(value).astype(np.float16)).astype(np.float64)


def folded_weight(norm: Norm) -> Expected:
    """The layer's weight after the fold, in its own layout."""
    weight = doubles(norm.weight)
    value = weight * _along_outputs(norm, _scale(norm))
    return Expected(value, ROUNDINGS * UNIT * np.abs(value) + TINY)


def folded_bias(norm: Norm) -> Expected:
    """The layer's bias after the fold, one for each output."""
    scale, mean = _scale(norm), doubles(norm.mean)
    bias = np.zeros_like(mean) if norm.bias is None else doubles(norm.bias)
    beta = np.zeros_like(mean) if norm.beta is None else doubles(norm.beta)
    terms = np.abs(bias * scale) + np.abs(mean * scale) + np.abs(beta)
    return Expected((bias - mean) * scale + beta, ROUNDINGS * UNIT * terms + TINY)


def doubles(value: Value) -> Doubles:
    """A value's elements in float64."""
    return value.tensor.numpy().astype(np.float64)


def _scale(norm: Norm) -> Doubles:
    scale = 1 / np.sqrt(doubles(norm.variance) + norm.eps)
    return scale if norm.gamma is None else scale * doubles(norm.gamma)


def _along_outputs(norm: Norm, scale: Doubles) -> Doubles:
    """The scales in a shape that multiplies the layer's weight."""
    shape = norm.weight.tensor.shape
    if norm.groups > 1:
        scale = np.repeat(scale.reshape(norm.groups, -1), shape[0] // norm.groups, axis=0)
        return scale.reshape(shape[0], shape[1], *[1] * (len(shape) - 2))
    return scale.reshape([-1 if axis == norm.axis else 1 for axis in range(len(shape))])
