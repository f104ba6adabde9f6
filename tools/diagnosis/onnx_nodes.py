"""An ONNX graph one node at a time: every node runs alone in onnxruntime, in fp32 or with emulated fp16.

Alone means with any input one likes: the own error of a node is what it does to the reference's input. No more than one
node's weights and the activations that are still to be read lie in memory beside the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.base.errors import OnnxError
from tools.judge.ids import ONNX_EXPORT

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

GATE = ONNX_EXPORT


@dataclass(frozen=True)
class Node:
    """A node in file order; `inputs` are the activations it reads (no weights), `output` the one it yields."""

    index: int
    name: str
    operator: str
    inputs: tuple[str, ...]
    output: str


class NodeGraph:
    """A graph of one data input whose nodes yield one output each; OnnxError for any other.

    `input` is the data input's name, `nodes` all nodes in file order, `model` the file as it was read.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.model = path, _load(path)
        graph = self.model.graph
        self._weights = {tensor.name: tensor for tensor in graph.initializer}
        data = [value.name for value in graph.input if value.name not in self._weights]
        if len(data) != 1 or not graph.node:
            raise OnnxError(
                "only graphs with nodes and one data input are taken node by node",
                gate=GATE,
                where=path,
                measured=f"{len(graph.node)} nodes, inputs {', '.join(data) or 'none'}",
            )
        self.input = data[0]
        self.nodes = tuple(self._node(index, proto) for index, proto in enumerate(graph.node))

    def program(self, node: Node) -> NodeProgram:
        """The node made ready to run, with its weights out of the file."""
        from onnx import numpy_helper

        proto = self.model.graph.node[node.index]
        weights = {
            name: numpy_helper.to_array(self._weights[name])
            for name in dict.fromkeys(proto.input)
            if name in self._weights
        }
        return NodeProgram(node, _session(self.model, proto, node, weights, self.path), weights, self.path)

    def run(self, images: Array) -> Array:
        """The whole graph as onnxruntime optimises and runs it; what the last node yields."""
        import onnxruntime

        try:
            session = onnxruntime.InferenceSession(str(self.path), providers=["CPUExecutionProvider"])
            (output,) = session.run([self.nodes[-1].output], {self.input: images})
        except _refusals() as error:
            raise _refused("the graph", error, self.path) from error
        result: Array = output
        return result

    def _node(self, index: int, proto: onnx.NodeProto) -> Node:
        name = proto.name or f"{proto.op_type}_{index}"
        inputs = tuple(name for name in proto.input if name and name not in self._weights)
        if len(proto.output) != 1 or not inputs:
            raise OnnxError(
                f"node {name} ({proto.op_type}) is no step from activations to one activation",
                gate=GATE,
                where=self.path,
                measured=f"{len(inputs)} activations in, {len(proto.output)} out",
            )
        return Node(index, name, proto.op_type, inputs, proto.output[0])


class NodeProgram:
    """One node in onnxruntime; weights are fed like inputs, so that the rounded ones need no second session."""

    def __init__(self, node: Node, session: Any, weights: dict[str, Any], path: Path) -> None:  # noqa: ANN401 - untyped
        self.node, self._session, self._weights, self._path = node, session, weights, path
        self._rounded: dict[str, Any] | None = None

    def run(self, inputs: Sequence[Array]) -> Array:
        """The node in fp32: its activations in the order of `node.inputs`, batch first."""
        return self._run(inputs, self._weights)

    def run_fp16(self, inputs: Sequence[Array]) -> Array:
        """The node as a device computes it: weights rounded to fp16, sums in fp32, output rounded to fp16."""
        if self._rounded is None:
            self._rounded = {name: _narrow(array) for name, array in self._weights.items()}
        return to_fp16(self._run(inputs, self._rounded))

    def _run(self, inputs: Sequence[Array], weights: dict[str, Any]) -> Array:
        try:
            (output,) = self._session.run(None, {**dict(zip(self.node.inputs, inputs, strict=True)), **weights})
        except _refusals() as error:
            raise _refused(f"node {self.node.name} alone", error, self._path) from error
        result: Array = output
        return result


class Stream:
    """One variant's activations on their way through the graph, each kept until its last reader has run."""

    def __init__(self, graph: NodeGraph, images: Array) -> None:
        self._values: dict[str, Array] = {graph.input: images}
        self._last_reader = {name: node.index for node in graph.nodes for name in node.inputs}

    def reaches(self, node: Node) -> bool:
        """Whether all that the node reads is there: nothing before it broke off."""
        return all(name in self._values for name in node.inputs)

    def inputs(self, node: Node) -> list[Array]:
        """What the node reads."""
        return [self._values[name] for name in node.inputs]

    def advance(self, node: Node, output: Array | None) -> None:
        """Keep what the node yields (None breaks the stream off here) and drop what nobody reads any more."""
        if output is not None and node.output in self._last_reader:
            self._values[node.output] = output
        for name in node.inputs:
            if self._last_reader[name] == node.index:
                self._values.pop(name, None)


def outputs_at(graph: NodeGraph, images: Array, index: int) -> tuple[Array, Array]:
    """What node `index` yields for `images` in fp32 and in emulated fp16 (input rounded to fp16 too)."""
    fp32, fp16 = Stream(graph, images), Stream(graph, to_fp16(images))
    for node in graph.nodes[: index + 1]:
        program = graph.program(node)
        exact, rounded = program.run(fp32.inputs(node)), program.run_fp16(fp16.inputs(node))
        fp32.advance(node, exact)
        fp16.advance(node, rounded)
    return exact, rounded


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
        raise OnnxError(f"not a readable ONNX file: {error}", gate=GATE, where=path) from error


def _narrow(array: Any) -> Any:  # noqa: ANN401 - weights may be integers (shapes), which stay as they are
    import numpy as np

    return to_fp16(array) if array.dtype == np.float32 else array


def _session(model: onnx.ModelProto, proto: onnx.NodeProto, node: Node, weights: dict[str, Any], path: Path) -> Any:  # noqa: ANN401
    """A session of the one node; shapes are left open, so that a wrong one shows in the output and not as a refusal."""
    import onnxruntime
    from onnx import TensorProto, helper

    ends = dict.fromkeys(node.inputs, TensorProto.FLOAT)
    ends |= {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in weights.items()}
    graph = helper.make_graph(
        [proto],
        "node",
        [helper.make_tensor_value_info(name, dtype, None) for name, dtype in ends.items()],
        [helper.make_tensor_value_info(node.output, TensorProto.FLOAT, None)],
    )
    alone = helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    try:
        return onnxruntime.InferenceSession(alone.SerializeToString(), providers=["CPUExecutionProvider"])
    except _refusals() as error:
        raise _refused(f"node {node.name} alone", error, path) from error


def _refusals() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a model it cannot load or run; the classes share no base but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented, state.RuntimeException


def _refused(what: str, error: Exception, path: Path) -> OnnxError:
    return OnnxError(f"onnxruntime cannot run {what}: {' '.join(str(error).split())}", gate=GATE, where=path)
