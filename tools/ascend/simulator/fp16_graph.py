"""From an fp32 ONNX graph to one with the device's numerics: fp16 values between nodes, fp32 accumulation inside.

onnxruntime on a CPU computes fp16 nodes in its own way, so nothing is computed in fp16 here: weights are stored as fp16
and widened, every node computes in fp32, and a pair of Casts rounds what goes into the next sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    Weight = npt.NDArray[np.float32]

# Rounding commutes with these, for they select, reorder or rename values: it waits until they are through, so that
# onnxruntime can fuse them with the node before and there is less to round after a pool.
EXACT = frozenset(
    {"Relu", "MaxPool", "GlobalMaxPool", "Flatten", "Reshape", "Transpose", "Identity", "Dropout", "Squeeze"}
)
ROUNDED = frozenset(
    {"Conv", "Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "AveragePool", "GlobalAveragePool", "ReduceMean"}
    | {"BatchNormalization", "Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Clip", "LRN"}
)


def to_fp16(model: onnx.ModelProto, change_weight: Callable[[str, Weight], Weight]) -> None:
    """Rewrite the graph in place; `change_weight(name, fp32 array)` is where faults get at the weights.

    Outputs change their names and keep their order. Node types outside EXACT and ROUNDED must have been refused before.
    """
    from onnx import TensorProto, helper

    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    nodes, twins = _narrow_weights(graph, change_weight), dict[str, str]()

    def rounded(name: str) -> str:
        if not name or name in weights:
            return name
        if name not in twins:
            narrow, twins[name] = f"{name}/fp16", f"{name}/rounded"
            nodes.append(helper.make_node("Cast", [name], [narrow], to=TensorProto.FLOAT16))
            nodes.append(helper.make_node("Cast", [narrow], [twins[name]], to=TensorProto.FLOAT))
        return twins[name]

    for node in graph.node:
        if node.op_type in ROUNDED:
            node.input[:] = map(rounded, node.input)
        nodes.append(node)
    for value in graph.output:
        value.name = rounded(value.name)
    del graph.node[:]
    graph.node.extend(nodes)


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
