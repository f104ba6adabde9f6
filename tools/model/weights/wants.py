"""What the network reads and a file may lack: a tensor of the checkpoint, or a part of a folded normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tools.model.weights.constants import Norm, Place, Value
from tools.model.weights.fold import Expected, folded_bias, rounding
from tools.model.weights.matching import Part, expected_parts, expected_value, fits
from tools.model.weights.onnx_constants import Constant


@dataclass(frozen=True)
class Want:
    """What has not been found in the file: a value that is read at a place, or a part of a folded normalisation."""

    place: Place
    value: Value
    fold: tuple[Norm, Part] | None = None

    def expected(self, constant: Constant) -> Iterator[Expected]:
        """What the constant would have to be."""
        if self.fold is not None:
            return expected_parts(constant, *self.fold)
        return expected_value(constant, self.value)

    def sources(self) -> frozenset[str]:
        """The checkpoint's tensors that it is made of."""
        return frozenset(name for value in self._values() for name in value.sources())

    def fits(self, constant: Constant) -> bool:
        """Has the constant its shape, transposed or not?"""
        if self.fold is not None:
            return fits(constant, *self.fold)
        return sorted(self.value.tensor.squeeze().shape) == sorted(constant.array.squeeze().shape)

    def __str__(self) -> str:
        if self.fold is None:
            return named(self.value)
        norm, part = self.fold
        bias = f"bias of {_module(norm.weight)}" if norm.bias is None else named(norm.bias)
        own = named(norm.weight) if part is Part.WEIGHT else bias
        others = [value for value in self._values() if value not in (norm.weight, norm.bias)]
        parts = ", ".join(named(value).rsplit(".", 1)[-1] for value in others)
        return f"{own} folded with {_module(norm.mean)} ({parts})"

    def _values(self) -> list[Value]:
        if self.fold is None:
            return [self.value]
        norm, part = self.fold
        bias = (norm.bias, norm.gamma, norm.beta, norm.mean, norm.variance)
        values = (norm.weight, norm.gamma, norm.variance) if part is Part.WEIGHT else bias
        return [value for value in values if value is not None]


def parts_of(norm: Norm) -> list[Want]:
    weight = Want((norm.after[0], 1), norm.weight, (norm, Part.WEIGHT))
    return [weight, Want((norm.after[0], 2), norm.mean, (norm, Part.BIAS))]


def is_nothing(want: Want, norm: Norm) -> bool:
    """A folded bias of zeros may be left out."""
    bias = want.fold == (norm, Part.BIAS)
    return bias and folded_bias(norm).allows(np.zeros(norm.mean.tensor.shape, np.float32))


def may_have(constant: Constant, value: Value) -> bool:
    """Type and shape of a constant that bears the value's name, or of one that may be transposed."""
    own = str(value.tensor.dtype).removeprefix("torch.")
    if constant.array.dtype.name not in (own, "float16"):
        return False
    return constant.name not in value.names or tuple(value.tensor.shape) == constant.array.shape


def error_of(constant: Constant, want: Want) -> tuple[float, list[int]]:
    """The largest difference in units of the largest expected value, and where; infinite for another shape."""
    found = constant.array.squeeze().astype(np.float64)
    best: tuple[float, list[int]] = (float("inf"), [])
    for expected in want.expected(constant):
        differences = np.abs(found - expected.value) - rounding(expected.value, constant.array.dtype)
        differences[np.isnan(differences)] = np.inf
        at = int(np.argmax(differences))
        error = float(differences.flat[at]) / max(float(np.abs(expected.value).max(initial=0)), 1e-300)
        if not best[1] or error < best[0]:
            best = (error, [int(index) for index in np.unravel_index(at, differences.shape)])
    return best


def named(value: Value) -> str:
    """Its name in the checkpoint, or those of what it is made of."""
    return value.names[0] if value.names else " and ".join(sorted(value.sources())) or "a constant of the code"


def _module(value: Value) -> str:
    return named(value).rsplit(".", 1)[0]
