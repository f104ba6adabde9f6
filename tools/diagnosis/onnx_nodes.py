"""An ONNX graph one node at a time: every node runs alone in onnxruntime, in fp32 or with emulated fp16.

Alone means with any input one likes: the own error of a node is what it does to the reference's input. Any graph with
one data input will do: branches, several outputs of a node, sizes computed on the way.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.base.errors import OnnxError, reason
from tools.engines.onnx_engine import as_written
from tools.judge.ids import ONNX_EXPORT

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

GATE = ONNX_EXPORT
SIZES = frozenset({"Shape", "Size"})
"""Operators whose output depends on the shape of what they read, and not on its values."""
PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "Softmax"})
"""A device writes what these yield into memory, hence in fp16, whatever follows."""
WIDE = frozenset({"BatchNormalization"})
"""The weights of these are float32 on a device too."""

Values = Mapping[str, Any]
"""Arrays by the names that the graph gives them."""


@dataclass(frozen=True)
class Node:
    """A node in file order; `inputs` are the values it reads that are no weights, `weights` those that are.

    `data` tells whether the pixels reach it; a node that computes sizes or rearranges weights is no data node.
    """

    index: int
    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: tuple[str, ...]
    data: bool

    @property
    def output(self) -> str:
        """The first of the outputs, which is the only one of almost every operator."""
        return self.outputs[0]


class NodeGraph:
    """A graph of one data input; OnnxError for any other.

    `input` is the data input's name, `nodes` all nodes in file order but constants (those are weights), `output` the
    graph's first output, `model` the file as it was read.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.model = path, _load(path)
        graph = self.model.graph
        self._weights = dict(_constants(graph))
        inputs = [value.name for value in graph.input if value.name not in self._weights]
        protos = [proto for proto in graph.node if proto.op_type != "Constant"]
        if len(inputs) != 1 or not protos:
            raise OnnxError(
                "only graphs with nodes and one data input are taken node by node",
                gate=GATE,
                where=path,
                measured=f"{len(protos)} nodes, inputs {', '.join(inputs) or 'none'}",
            )
        self.input, self._protos = inputs[0], protos
        self.nodes = tuple(self._nodes())
        self.output = graph.output[0].name
        self._sessions: dict[int, Any] = {}

    def weight(self, name: str) -> Any:  # noqa: ANN401 - of any element type
        """A weight or constant of the file."""
        return self._weights[name]

    def compute(self, node: Node, values: Values, *, fp16: bool = False) -> dict[str, Any]:
        """What the node yields of `values`; with `fp16` its weights are rounded to it (outputs never are)."""
        narrow = fp16 and node.operator not in WIDE
        weights = {name: _narrow(self._weights[name]) if narrow else self._weights[name] for name in node.weights}
        feeds = {name: values[name] for name in node.inputs} | weights
        try:
            if node.index not in self._sessions:
                self._sessions[node.index] = _session(self.model, self._protos[node.index], feeds)
            made = self._sessions[node.index].run(list(node.outputs), feeds)
        except _refusals() as error:
            raise _refused(f"node {node.name} alone", error, self.path) from error
        return dict(zip(node.outputs, made, strict=True))

    def run(self, images: Array) -> Array:
        """The whole graph as onnxruntime optimises and runs it: its first output."""
        import onnxruntime

        try:
            session = onnxruntime.InferenceSession(str(self.path), as_written(), providers=["CPUExecutionProvider"])
            result: Array = session.run([self.output], {self.input: images})[0]
        except _refusals() as error:
            raise _refused("the graph", error, self.path) from error
        return result

    def part(self, node: Node) -> onnx.NodeProto:
        """The node as it stands in the file."""
        found: onnx.NodeProto = self._protos[node.index]
        return found

    def _nodes(self) -> Iterator[Node]:
        reached = {self.input}
        for index, proto in enumerate(self._protos):
            read = list(dict.fromkeys([*filter(None, proto.input), *_outer_names(proto)]))
            data = proto.op_type not in SIZES and bool(reached.intersection(read))
            outputs = tuple(filter(None, proto.output))
            reached.update(outputs if data else ())
            yield Node(
                index,
                proto.name or f"{proto.op_type}_{index}",
                proto.op_type,
                tuple(name for name in read if name not in self._weights),
                outputs,
                tuple(name for name in read if name in self._weights),
                data,
            )


class Stream:
    """One variant's values on their way through the graph, each kept until its last reader has run.

    `rounded` holds the indices of the nodes whose outputs a device keeps in fp16; None for a stream in fp32. A stream
    that `may_end` stops at a node that cannot take what a wrong node before it yields; else that is an OnnxError.
    """

    def __init__(
        self, graph: NodeGraph, images: Array, rounded: Container[int] | None = None, *, may_end: bool = False
    ) -> None:
        self._graph, self._rounded, self._may_end = graph, rounded, may_end
        self._values: dict[str, Any] = {graph.input: images if rounded is None else to_fp16(images)}
        self._last_reader = {name: node.index for node in graph.nodes for name in node.inputs}

    def advance(self, node: Node) -> Any:  # noqa: ANN401 - of any element type
        """Run the node; its first output, None where something before it could not be computed."""
        made: dict[str, Any] = {}
        if all(name in self._values for name in node.inputs):
            made = self._computed(node)
        if self._rounded is not None and node.index in self._rounded:
            made = {name: _narrow(values) for name, values in made.items()}
        self._values.update(made)
        self._forget(node)
        return made.get(node.output)

    def _computed(self, node: Node) -> dict[str, Any]:
        try:
            return self._graph.compute(node, self._values, fp16=self._rounded is not None)
        except OnnxError:
            if not self._may_end:
                raise
            return {}

    def break_off(self, node: Node) -> None:
        """What reads the node's outputs cannot be computed."""
        for name in node.outputs:
            self._values.pop(name, None)

    def _forget(self, node: Node) -> None:
        for name in node.inputs:
            if self._last_reader[name] == node.index:
                self._values.pop(name, None)


def run_part(graph: NodeGraph, indices: Iterable[int], values: Values, output: str, *, fp16: bool) -> Array:
    """What some nodes make of `values`; with `fp16` as a device computes it, `output` itself rounded."""
    known = dict(values)
    for index in indices:
        node = graph.nodes[index]
        made = graph.compute(node, known, fp16=fp16)
        if fp16 and node.operator in PRODUCTS:
            made = {name: _narrow(array) for name, array in made.items()}
        known.update(made)
    result: Array = known[output]
    return to_fp16(result) if fp16 else result


def outputs_at(graph: NodeGraph, images: Array, index: int, rounded: Container[int]) -> tuple[Array, Array]:
    """What node `index` yields for `images` in fp32 and in emulated fp16, rounded there and after those `rounded`."""
    fp32, fp16 = Stream(graph, images), Stream(graph, images, rounded)
    for node in graph.nodes[: index + 1]:
        exact, emulated = fp32.advance(node), fp16.advance(node)
    return exact, to_fp16(emulated)


def to_fp16(values: Array) -> Array:
    """Round to fp16 and widen again; what is too large for fp16 becomes an infinity, as on a device."""
    import numpy as np

    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)


def _load(path: Path) -> onnx.ModelProto:
    """Read an ONNX file with its weights; OnnxError when it cannot be parsed."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(str(path))
    except (DecodeError, OSError) as error:
        raise OnnxError(f"not a readable ONNX file: {reason(error)}", gate=GATE, where=path) from error


def _constants(graph: onnx.GraphProto) -> Iterator[tuple[str, Any]]:
    """Initializers, constants, and what only gives one of them another name."""
    from onnx import numpy_helper

    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for proto in graph.node:
        if proto.op_type == "Constant":
            found[proto.output[0]] = _constant(proto)
    yield from found.items()


def _constant(proto: onnx.NodeProto) -> Any:  # noqa: ANN401 - of any element type
    import numpy as np
    from onnx import helper, numpy_helper

    (attribute,) = proto.attribute
    value = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return numpy_helper.to_array(value)
    return np.asarray(value, np.float32 if "float" in attribute.name else np.int64)


def _outer_names(proto: onnx.NodeProto) -> list[str]:
    """What the bodies of a control flow node read of the graph around it."""
    found: list[str] = []
    for body in (attribute.g for attribute in proto.attribute if attribute.HasField("g")):
        own = {value.name for value in body.input} | {tensor.name for tensor in body.initializer}
        own |= {name for inner in body.node for name in inner.output}
        read = [name for inner in body.node for name in (*filter(None, inner.input), *_outer_names(inner))]
        found += [name for name in (*read, *(value.name for value in body.output)) if name not in own]
    return found


def _narrow(array: Any) -> Any:  # noqa: ANN401 - integers (shapes) stay as they are
    import numpy as np

    return to_fp16(array) if array.dtype == np.float32 else array


def _session(model: onnx.ModelProto, proto: onnx.NodeProto, feeds: Values) -> Any:  # noqa: ANN401 - untyped
    """A session of the one node; shapes are left open, so that a wrong one shows in the output and not as a refusal."""
    import onnx
    import onnxruntime
    from onnx import helper

    types = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in feeds.items()}
    graph = helper.make_graph(
        [proto],
        "node",
        [helper.make_tensor_value_info(name, dtype, None) for name, dtype in types.items()],
        [onnx.ValueInfoProto(name=name) for name in proto.output if name],
    )
    alone = helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # one pool of threads a node would be thousands
    options.enable_cpu_mem_arena = False  # which each of them would keep to itself
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(alone.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _refusals() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a model it cannot load or run; the classes share no base but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented, state.RuntimeException


def _refused(what: str, error: Exception, path: Path) -> OnnxError:
    return OnnxError(f"onnxruntime cannot run {what}: {' '.join(str(error).split())}", gate=GATE, where=path)
