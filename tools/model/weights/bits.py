"""Equality of arrays bit by bit, whatever the shape and the order of the axes."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MOST_AXES = 5
"""Of an array whose axes are tried in every order."""


def signature(array: Array) -> tuple[str, int, int]:
    """The same for all arrays with the same elements in any order: type, how many, the sum of their bits."""
    if array.dtype.itemsize not in (1, 2, 4, 8):
        return (array.dtype.name, array.size, 0)
    return (array.dtype.name, array.size, int(_bits(array).sum(dtype=np.uint64)))


def same_bits(one: Array, other: Array) -> bool:
    """Equal in the same order, or with the axes of `other` transposed into the shape of `one`; NaN equals nothing."""
    if one.dtype != other.dtype or one.size != other.size:
        return False
    one, other = one.squeeze(), other.squeeze()
    if sorted(one.shape) != sorted(other.shape):
        return _equal(one.ravel(), other.ravel())
    return any(_equal(one, turned) for turned in orders(other, one.shape))


def orders(array: Array, shape: tuple[int, ...]) -> list[Array]:
    """The array with its axes in every order that has this shape."""
    if sorted(array.shape) != sorted(shape) or array.ndim > MOST_AXES:
        return []
    turned = (array.transpose(order) for order in permutations(range(array.ndim)))
    return [candidate for candidate in turned if candidate.shape == shape]


def _equal(one: Array, other: Array) -> bool:
    start = (0,) * (one.ndim - 1)
    if one.ndim and not np.array_equal(_bits(one[start]), _bits(other[start])):
        return False
    return np.array_equal(_bits(one), _bits(other)) and not (one.dtype.kind == "f" and bool(np.isnan(one).any()))


def _bits(array: Array) -> Array:
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind != "b" else array.view("u1")
