"""An ONNX graph in the form that the fp16 rewriting knows: constants are initializers, and what was fp16 is float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def make_plain(model: onnx.ModelProto) -> None:
    """Rewrite the model in place.

    onnxruntime computes fp16 on a CPU in its own way, or not at all. The values of an fp16 model are rounded where
    those of a float32 model are, so that widening its tensors loses nothing.
    """
    _lift_constants(model.graph)
    _drop_weights_among_inputs(model)
    _widen(model.graph)
    del model.graph.value_info[:]  # of the exporter's example batch; inferred anew


def _lift_constants(graph: onnx.GraphProto) -> None:
    """Turn Constant nodes into initializers, so that one rule holds for all numbers that a model brings along."""
    from onnx import numpy_helper

    kept = []
    for node in graph.node:
        values = _constant(node) if node.op_type == "Constant" else None
        if values is None:
            kept.append(node)
        else:
            graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    if len(kept) < len(graph.node):
        del graph.node[:]
        graph.node.extend(kept)


def _constant(node: onnx.NodeProto):  # type: ignore[no-untyped-def]  # noqa: ANN202  any numpy array
    import numpy as np
    from onnx import numpy_helper

    attribute = node.attribute[0]
    if attribute.name == "value":
        return numpy_helper.to_array(attribute.t)
    if attribute.name in ("value_float", "value_floats"):
        return np.array(attribute.f if attribute.name == "value_float" else list(attribute.floats), np.float32)
    if attribute.name in ("value_int", "value_ints"):
        return np.array(attribute.i if attribute.name == "value_int" else list(attribute.ints), np.int64)
    return None


def _drop_weights_among_inputs(model: onnx.ModelProto) -> None:
    """Files of IR version 3 list their weights as inputs that have a default."""
    weights = {tensor.name for tensor in model.graph.initializer}
    kept = [value for value in model.graph.input if value.name not in weights]
    if len(kept) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(kept)
    model.ir_version = max(model.ir_version, 4)


def _widen(graph: onnx.GraphProto) -> None:
    from onnx import TensorProto

    for tensor in graph.initializer:
        _widen_tensor(tensor)
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.FLOAT
            elif attribute.HasField("t"):
                _widen_tensor(attribute.t)


def _widen_tensor(tensor: onnx.TensorProto) -> None:
    import numpy as np
    from onnx import TensorProto, numpy_helper

    if tensor.data_type == TensorProto.FLOAT16:
        wide = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
