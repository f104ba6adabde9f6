"""Which constant of an ONNX file is which tensor of the checkpoint: bit for bit, or recomputed in float64."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.model.checkpoint import StateDict
from tools.model.weights.bits import orders, same_bits, signature
from tools.model.weights.constants import Known, Norm, Value, in_double
from tools.model.weights.fold import ROUNDINGS, UNIT, Doubles, Expected, folded_bias, folded_weight
from tools.model.weights.onnx_constants import Constant

DERIVED_ROUNDINGS = 8 * ROUNDINGS
"""For what the network itself computes of its weights (sums of products): of the largest element, not of each."""


class Part(Enum):
    """The two constants that a folded batch normalisation becomes."""

    WEIGHT = "weight"
    BIAS = "bias"


@dataclass
class Matches:
    """`exact`: the values, all of the same bits, that a constant is. `folds`: the constants that a folded
    normalisation became. `derived`: the value that a constant is within rounding."""

    exact: dict[Constant, list[Value]] = field(default_factory=dict)
    folds: dict[Norm, dict[Part, Constant]] = field(default_factory=lambda: defaultdict(dict))
    derived: dict[Constant, Value] = field(default_factory=dict)

    def explained(self) -> set[Constant]:
        """The constants that are something."""
        folded = {constant for parts in self.folds.values() for constant in parts.values()}
        return {*self.exact, *self.derived, *folded}


class Catalogue:
    """The network's values by their bits, for each type of the file's constants."""

    def __init__(self, values: Iterable[Value], constants: Iterable[Constant]) -> None:
        self._values = [value for value in values if not value.kept and value.tensor.dtype.itemsize <= 8]
        self._sizes: dict[np.dtype[Any], set[int]] = defaultdict(set)
        for constant in constants:
            self._sizes[constant.array.dtype].add(constant.array.size)
        self._classes: dict[np.dtype[Any], dict[object, list[list[Value]]]] = {}

    def find(self, array: NDArray[Any]) -> list[Value]:
        """All values with these bits, reshaped or transposed or not."""
        for alike in self._of(array.dtype).get(signature(array), []):
            if same_bits(array, elements(alike[0], array.dtype)):
                return alike
        return []

    def _of(self, dtype: np.dtype[Any]) -> dict[object, list[list[Value]]]:
        if dtype not in self._classes:
            self._classes[dtype] = defaultdict(list)
            for value in self._values:
                if value.tensor.numel() in self._sizes[dtype] and _comparable(value, dtype):
                    self._add(value, dtype)
        return self._classes[dtype]

    def _add(self, value: Value, dtype: np.dtype[Any]) -> None:
        array = elements(value, dtype)
        candidates = self._classes[dtype][signature(array)]
        for alike in candidates:
            if same_bits(array, elements(alike[0], dtype)):
                alike.append(value)
                return
        candidates.append([value])


def elements(value: Value, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The value's elements as a constant of this type holds them: as they are, or rounded to float16."""
    array: NDArray[Any] = value.tensor.numpy()
    return array if array.dtype == dtype else array.astype(dtype)


def _comparable(value: Value, dtype: np.dtype[Any]) -> bool:
    own = str(value.tensor.dtype).removeprefix("torch.")
    return own == dtype.name or (dtype == np.float16 and own == "float32")


def match(constants: tuple[Constant, ...], known: Known, state_dict: StateDict) -> Matches:
    """Explain as many constants as can be: bits first, then folds, then what the network computes of its weights."""
    matches = Matches()
    catalogue = Catalogue(known.values(), constants)
    for constant in constants:
        found = catalogue.find(constant.array)
        if found and may_be(constant, state_dict):
            matches.exact[constant] = found
    by_node = neighbours(constants)
    _match_folds(matches, _left(constants, matches), known.norms, by_node)
    left = _left(constants, matches)
    sizes = {constant.array.size for constant in left}
    computed = _computed([value for value in known.values() if value.tensor.numel() in sizes])
    for constant in left:
        _match_derived(matches, constant, computed)
    return matches


def may_be(constant: Constant, state_dict: StateDict) -> bool:
    """A constant that bears the name of a checkpoint's tensor must be that one, in its shape, and no other."""
    own = state_dict.get(constant.name)
    if own is None:
        return True
    value = Value(own)
    alike = tuple(own.shape) == constant.array.shape and _comparable(value, constant.array.dtype)
    return alike and same_bits(constant.array, elements(value, constant.array.dtype))


def neighbours(constants: Iterable[Constant]) -> dict[int, list[Constant]]:
    """The float constants that each node reads."""
    found: dict[int, list[Constant]] = defaultdict(list)
    for constant in constants:
        for use in constant.uses if constant.is_float else ():
            found[use.node].append(constant)
    return found


def _left(constants: tuple[Constant, ...], matches: Matches) -> list[Constant]:
    explained = matches.explained()
    return [constant for constant in constants if constant.is_float and constant not in explained]


def _match_folds(
    matches: Matches, left: list[Constant], norms: tuple[Norm, ...], by_node: dict[int, list[Constant]]
) -> None:
    """Weights, each with the bias that the same node reads; then biases whose weight is not what it should be."""
    open_norms = list(norms)
    for constant in left:
        for use in constant.uses:
            norm = next((norm for norm in open_norms if is_part(constant, norm, Part.WEIGHT)), None)
            if norm is not None:
                open_norms.remove(norm)
                matches.folds[norm][Part.WEIGHT] = constant
                for other in by_node[use.node]:
                    if is_part(other, norm, Part.BIAS):
                        matches.folds[norm][Part.BIAS] = other
    for constant in left:
        lacking = (norm for norm in norms if Part.BIAS not in matches.folds.get(norm, {}))
        norm = next((norm for norm in lacking if is_part(constant, norm, Part.BIAS)), None)
        if norm is not None and constant not in matches.explained():
            matches.folds[norm][Part.BIAS] = constant


def is_part(constant: Constant, norm: Norm, part: Part) -> bool:
    """Is the constant, within rounding, what the fold of this normalisation makes of the layer's weight or bias?"""
    if not fits(constant, norm, part):
        return False
    return any(expected.allows(constant.array.squeeze()) for expected in expected_parts(constant, norm, part))


def fits(constant: Constant, norm: Norm, part: Part) -> bool:
    """Has the constant the shape of that part, transposed or not?"""
    shape = norm.weight.tensor.shape if part is Part.WEIGHT else norm.mean.tensor.shape
    return sorted(axis for axis in shape if axis != 1) == sorted(axis for axis in constant.array.shape if axis != 1)


def expected_parts(constant: Constant, norm: Norm, part: Part) -> Iterator[Expected]:
    """What it must be, in the order of the constant's axes: as it is, or a matrix transposed."""
    whole = folded_weight(norm) if part is Part.WEIGHT else folded_bias(norm)
    yield from in_order(constant, whole.value, whole.tolerance)


def in_order(constant: Constant, value: Doubles, tolerance: Doubles) -> Iterator[Expected]:
    """The expected with its axes (but those of one element) in each order that the constant may have them in."""
    shape = constant.array.squeeze().shape
    yield from map(Expected, orders(value.squeeze(), shape), orders(tolerance.squeeze(), shape))


def expected_value(constant: Constant, value: Value) -> Iterator[Expected]:
    """A value made of the checkpoint's tensors, recomputed in float64; exact where the making rounds nothing."""
    made, kept = in_double(value).double().numpy(), value.tensor.double().numpy()
    rounded = 0.0 if np.array_equal(made, kept) else DERIVED_ROUNDINGS * UNIT * float(np.abs(made).max(initial=0))
    yield from in_order(constant, made, np.full_like(made, rounded))


def _match_derived(matches: Matches, constant: Constant, values: list[Value]) -> None:
    shape = sorted(constant.array.squeeze().shape)
    for value in values:
        if sorted(value.tensor.squeeze().shape) == shape:
            allowed = (expected.allows(constant.array.squeeze()) for expected in expected_value(constant, value))
            if any(allowed):
                matches.derived[constant] = value
                return


def _computed(values: list[Value]) -> list[Value]:
    """Those that were rounded when they were made; what merely moved elements is found by its bits or not at all."""
    made = (value for value in values if value.call and value.tensor.is_floating_point())
    return [value for value in made if not np.array_equal(in_double(value).double().numpy(), value.tensor.numpy())]
