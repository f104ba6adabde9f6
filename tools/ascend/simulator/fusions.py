"""Chains of ONNX operators that CANN computes as one operator with float32 inside: nothing between them is rounded.

CANN's graph fusion turns a LayerNorm that the exporter took apart (opset below 17) into LayerNorm, and the Erf chain
into Gelu. Rounded step by step, squares of the former overflow fp16 above 256 and vanish below 0.0002, and an epsilon
of 1e-12 is zero: a device does none of that. Softmax is one operator in ONNX already. A division by a vector's own
length (ReduceL2) counts as one operator too: that is an assumption, without which the exporter's floor of 1e-12 for the
length would be zero and a padded, hence empty, vector NaN. Other chains are computed node by node, also where some
release of CANN may fuse them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def fused_groups(graph: onnx.GraphProto) -> dict[int, int]:
    """For each node (by its index) that is part of a fused operator, a number that the whole operator shares."""
    chains = _Chains(graph)
    patterns = {"Sqrt": chains.layer_norm, "Erf": chains.gelu, "ReduceL2": chains.normalisation}
    groups: dict[int, int] = {}
    for index, node in enumerate(graph.node):
        if node.op_type in patterns:
            groups.update(dict.fromkeys(patterns[node.op_type](index), index))
    return groups


class _NoMatch(Exception):
    """The graph goes on in another way than the pattern."""


class _Chains:
    """Walks from node to node, by index."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes = graph.node
        self.constants = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
        self.scalars = {name for name, dims in self.constants.items() if all(size == 1 for size in dims)}
        self.makers = {name: index for index, node in enumerate(graph.node) for name in node.output}
        self.users: dict[str, list[int]] = defaultdict(list)
        for index, node in enumerate(graph.node):
            for name in node.input:
                self.users[name].append(index)

    def layer_norm(self, root: int) -> list[int]:
        """(x - mean) / sqrt(mean of squares + epsilon), and the weight and bias that may follow; else nothing."""
        try:
            plus = self._made(self._input(root), "Add")
            mean_square = self._made(self._input(plus), "ReduceMean")
            square = self._made(self._input(mean_square), "Pow", "Mul")
            centred = self._made(self._input(square), "Sub")
            mean = self._made(self.nodes[centred].input[1], "ReduceMean")
            quotient = self._used(root, "Div")
        except _NoMatch:
            return []
        if self._input(mean) != self._input(centred) or self._input(quotient) != self._input(square):
            return []
        return [root, plus, mean_square, square, centred, mean, quotient, *self._scale_and_shift(quotient)]

    def _scale_and_shift(self, quotient: int) -> list[int]:
        found: list[int] = []
        for operator in ("Mul", "Add"):
            try:
                after = self._used(found[-1] if found else quotient, operator)
            except _NoMatch:
                break
            if not any(name in self.constants for name in self.nodes[after].input):
                break
            found.append(after)
        return found

    def gelu(self, erf: int) -> list[int]:
        """x * (erf(x / sqrt 2) + 1) / 2 in either order of the factors; else nothing."""
        try:
            scaled = self._made(self._input(erf), "Div", "Mul")
            plus = self._used(erf, "Add")
            product = self._used(plus, "Mul")
        except _NoMatch:
            return []
        found = [erf, scaled, plus, product]
        try:
            half = self._used(product, "Mul", "Div")
        except _NoMatch:
            return found
        return [*found, half] if self.scalars.intersection(self.nodes[half].input) else found

    def normalisation(self, length: int) -> list[int]:
        """x / max(length of x, epsilon); else nothing."""
        try:
            floor = self._used(length, "Clip", "Max")
            expanded = self._used(floor, "Expand", "Div")
            quotient = expanded if self.nodes[expanded].op_type == "Div" else self._used(expanded, "Div")
        except _NoMatch:
            return []
        same = self._input(quotient) == self._input(length)
        return [length, floor, expanded, quotient] if same else []

    def _input(self, index: int) -> str:
        """The first input that is no scalar constant."""
        names = [name for name in self.nodes[index].input if name not in self.scalars]
        if not names:
            raise _NoMatch
        return str(names[0])

    def _made(self, name: str, *operators: str) -> int:
        index = self.makers.get(name)
        if index is None or self.nodes[index].op_type not in operators:
            raise _NoMatch
        return index

    def _used(self, index: int, *operators: str) -> int:
        """The one node that takes the output of another."""
        users = self.users[self.nodes[index].output[0]]
        if len(users) != 1 or self.nodes[users[0]].op_type not in operators:
            raise _NoMatch
        return users[0]
