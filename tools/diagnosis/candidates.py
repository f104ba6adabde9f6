"""Finding the torch value that an array is, or that it most likely should have been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from tools.diagnosis.node_errors import beyond_fp32, compare
from tools.diagnosis.torch_values import TorchValues

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

SAMPLE = 1024
"""Elements of a value that are looked at before all are."""
SAME_SAMPLE = 1e-2
"""Samples farther apart than this (relative L2) are not of the same value: rounding is a thousand times less."""
STEPS = 16
"""How many operations of torch may lie between what a stretch of the graph reads and what it yields."""
OFFERED = 4


class Candidates:
    """Torch's values by shape."""

    def __init__(self, torch: TorchValues) -> None:
        self._values = torch.values
        self._by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        self._readers: dict[int, list[int]] = defaultdict(list)
        for value in torch.values:
            self._by_shape[value.array.shape].append(value.index)
            for read in value.inputs:
                self._readers[read].append(value.index)
        self._samples = {value.index: _sample(value.array) for value in torch.values}

    def same(self, array: Array, taken: Collection[int]) -> int | None:
        """The first value that the array is within fp32 rounding, of those that are not taken.

        A value that comes back unchanged is not taken twice: a node that should have changed it would pass for right.
        """
        sample = _sample(array)
        for index in self._by_shape.get(array.shape, ()):
            if index in taken or _distance(sample, self._samples[index]) >= SAME_SAMPLE:
                continue
            if not beyond_fp32(compare(array, self._values[index].array)):
                return index
        return None

    def near(self, array: Array, inputs: Sequence[int], taken: Collection[int]) -> list[int]:
        """What torch makes of `inputs` in a few operations, of its shape (most similar first), then of its rank."""
        free = [index for index in self._made_of(inputs) if index not in taken]
        fitting = [index for index in free if self._values[index].array.shape == array.shape]
        others = [index for index in free if self._values[index].array.ndim == array.ndim and index not in fitting]
        sample = _sample(array)
        alike = sorted(fitting, key=lambda index: _distance(sample, self._samples[index]))
        return [*alike[:OFFERED], *others[:OFFERED]]

    def _made_of(self, inputs: Sequence[int]) -> list[int]:
        found, edge = dict[int, None](), list(inputs)
        for _ in range(STEPS):
            edge = [reader for index in edge for reader in self._readers[index] if reader not in found]
            found.update(dict.fromkeys(edge))
        return sorted(found)


def _sample(array: Array) -> Array:
    return array.reshape(-1)[:: max(1, array.size // SAMPLE)]


def _distance(one: Array, other: Array) -> float:
    """Relative L2 distance; infinite where it is no number."""
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):
        length = float(np.square(other, dtype=np.float64).sum())
        found = float(np.square(one.astype(np.float64) - other).sum())
    if not np.isfinite(found):
        return float("inf")
    return float((found / length) ** 0.5) if length > 0 else float(found > 0)
