"""The constants of an ONNX file and the nodes that read them, in the order of the nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.base.errors import OnnxError
from tools.judge.ids import ONNX_WEIGHTS
from tools.model.onnx_model import load_onnx

if TYPE_CHECKING:
    import onnx

Array = NDArray[Any]


@dataclass(frozen=True)
class Use:
    """A node (its number, operator and name) reads a constant as its operand `slot`."""

    node: int
    slot: int
    operator: str
    label: str


@dataclass(frozen=True, eq=False)
class Constant:
    """An initializer, or the value of a Constant node."""

    name: str
    array: Array
    uses: tuple[Use, ...]

    @property
    def is_float(self) -> bool:
        """Not an index or a shape."""
        return self.array.dtype.kind not in "iub"


@dataclass(frozen=True)
class OnnxConstants:
    """All constants, those that are read first first; `image` is the shape of the input, a dynamic axis being 1."""

    constants: tuple[Constant, ...]
    image: tuple[int, ...]


def read_constants(path: Path) -> OnnxConstants:
    """From the file; OnnxError when it cannot be parsed, or a tensor in it is not what it says."""
    graph = load_onnx(path, weights=True).graph
    nodes = list(_nodes(graph))
    try:
        arrays = dict(_arrays(graph, nodes))
    except (ValueError, TypeError, KeyError) as error:  # what numpy_helper makes of sizes and types that do not fit
        raise OnnxError(f"a tensor in it cannot be read: {error}", gate=ONNX_WEIGHTS, where=path) from error
    uses, alias = defaultdict(list), {name: name for name in arrays}
    for number, node in enumerate(nodes):
        if node.op_type == "Identity" and node.output and any(name in alias for name in node.input[:1]):
            alias[node.output[0]] = alias[node.input[0]]
            continue
        for slot, operand in enumerate(node.input):
            if operand in alias:
                uses[alias[operand]].append(Use(number, slot, node.op_type, node.name))
    constants = [Constant(name, array, tuple(uses[name])) for name, array in arrays.items()]
    constants.sort(key=lambda constant: [(use.node, use.slot) for use in constant.uses[:1]] or [(len(nodes), 0)])
    return OnnxConstants(tuple(constants), _image(graph, arrays))


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Of the graph and the graphs within its nodes."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _arrays(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> Iterator[tuple[str, Array]]:
    from onnx import numpy_helper

    for tensor in graph.initializer:
        yield tensor.name, numpy_helper.to_array(tensor)
    for node in nodes:
        for attribute in node.attribute:
            for tensor in attribute.g.initializer:
                yield tensor.name, numpy_helper.to_array(tensor)
        if node.op_type == "Constant" and node.attribute and node.output:
            value = _constant(node.attribute[0])
            if value is not None:
                yield node.output[0], value


def _constant(attribute: onnx.AttributeProto) -> Array | None:
    from onnx import numpy_helper

    if attribute.name == "value":
        array: Array = numpy_helper.to_array(attribute.t)
        return array
    floats = {"value_float": attribute.f, "value_floats": list(attribute.floats)}.get(attribute.name)
    return None if floats is None else np.asarray(floats, np.float32)


def _image(graph: onnx.GraphProto, arrays: dict[str, Array]) -> tuple[int, ...]:
    image = next(value for value in graph.input if value.name not in arrays)
    return tuple(max(1, axis.dim_value) for axis in image.type.tensor_type.shape.dim)
