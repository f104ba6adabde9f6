"""From an fp32 ONNX graph to one with the device's numerics: fp16 values between nodes, fp32 accumulation inside.

onnxruntime on a CPU computes fp16 nodes in its own way, so nothing is computed in fp16 here: weights are stored as fp16
and widened, every node computes in fp32, and a pair of Casts rounds what it yields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    Weight = npt.NDArray[np.float32]

# Rounding commutes with these: they select, reorder or rename values that are fp16 already.
EXACT = frozenset(
    {"Relu", "MaxPool", "GlobalMaxPool", "Flatten", "Reshape", "Transpose", "Identity", "Dropout", "Squeeze"}
)
ROUNDED = frozenset(
    {"Conv", "Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "AveragePool", "GlobalAveragePool", "ReduceMean"}
    | {"BatchNormalization", "Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Clip", "LRN"}
)


def to_fp16(model: onnx.ModelProto, change_weight: Callable[[str, Weight], Weight]) -> None:
    """Rewrite the graph in place; `change_weight(name, fp32 array)` is where faults get at the weights.

    Node types outside EXACT and ROUNDED must have been refused before.
    """
    from onnx import TensorProto, helper

    graph = model.graph
    nodes = _narrow_weights(graph, change_weight)

    def round_to(source: str, target: str) -> None:
        narrow = f"{target}/fp16"
        nodes.append(helper.make_node("Cast", [source], [narrow], to=TensorProto.FLOAT16))
        nodes.append(helper.make_node("Cast", [narrow], [target], to=TensorProto.FLOAT))

    names = _data_inputs(graph)
    for name in names:
        round_to(name, f"{name}/rounded")
    for node in graph.node:
        node.input[:] = [f"{name}/rounded" if name in names else name for name in node.input]
        target = node.output[0]
        if node.op_type in ROUNDED:
            node.output[0] = f"{target}/fp32"
        nodes.append(node)
        if node.op_type in ROUNDED:
            round_to(f"{target}/fp32", target)
    del graph.node[:]
    graph.node.extend(nodes)


def _data_inputs(graph: onnx.GraphProto) -> list[str]:
    weights = {tensor.name.removesuffix("/fp16") for tensor in graph.initializer}
    return [value.name for value in graph.input if value.name not in weights]


def _narrow_weights(graph: onnx.GraphProto, change_weight: Callable[[str, Weight], Weight]) -> list[onnx.NodeProto]:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    widening = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        name = tensor.name
        narrow = change_weight(name, numpy_helper.to_array(tensor)).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(narrow, f"{name}/fp16"))
        widening.append(helper.make_node("Cast", [f"{name}/fp16"], [name], to=TensorProto.FLOAT))
    return widening
