"""Element types and shapes of a model's tensors, without the bulk of its weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tools.ascend.simulator.atc_error import AtcError

if TYPE_CHECKING:
    import onnx

SMALL = 64
"""Tensors up to this many values are kept, for a shape may follow from them: sizes, scales, pads."""


def skeleton(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its weights as inputs: checks and shape inference need their shapes, not 244 MB."""
    import onnx

    bare = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    bare.graph.name = model.graph.name
    bare.graph.node.extend(model.graph.node)
    bare.graph.input.extend(model.graph.input)
    bare.graph.output.extend(model.graph.output)
    listed = {value.name for value in model.graph.input}
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= SMALL or tensor.data_type == onnx.TensorProto.INT64:
            bare.graph.initializer.add().CopyFrom(tensor)
        elif tensor.name not in listed:
            bare.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return bare


class Inferred:
    """What ONNX's shape inference finds out once the inputs' shapes are fixed."""

    def __init__(self, model: onnx.ModelProto) -> None:
        import onnx

        self._model = model
        graph = onnx.shape_inference.infer_shapes(skeleton(model), data_prop=True).graph
        values = (*graph.value_info, *graph.input, *graph.output)
        self._tensors = {value.name: value.type.tensor_type for value in values}
        self._types = {name: tensor.elem_type for name, tensor in self._tensors.items()}
        self._types |= {tensor.name: tensor.data_type for tensor in graph.initializer}

    def element_type(self, name: str) -> int:
        """ONNX's code of a tensor's element type; 0 for a sequence and the like."""
        if name not in self._types:
            raise AtcError("E19999", f"The simulator cannot infer the element type of tensor [{name}].")
        return int(self._types[name])

    def float_names(self) -> frozenset[str]:
        """The names of all float32 tensors; AtcError where a tensor's type cannot be inferred."""
        names = {name for node in self._model.graph.node for name in (*node.input, *node.output) if name}
        names |= {value.name for value in (*self._model.graph.input, *self._model.graph.output)}
        return frozenset(name for name in names if self.element_type(name) == 1)

    def output_shapes(self) -> list[tuple[int, ...]]:
        """The outputs' shapes; onnxruntime runs the model on zeros where inference leaves a dimension open."""
        shapes = []
        for value in self._model.graph.output:
            tensor = self._tensors[value.name]
            sizes = tuple(entry.dim_value for entry in tensor.shape.dim)
            if not tensor.HasField("shape") or 0 in sizes:
                return _run_shapes(self._model)
            shapes.append(sizes)
        return shapes


def _run_shapes(model: onnx.ModelProto) -> list[tuple[int, ...]]:
    import numpy as np
    import onnx
    import onnxruntime

    feeds = {}
    for value in model.graph.input:
        tensor = value.type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        feeds[value.name] = np.zeros([entry.dim_value for entry in tensor.shape.dim], dtype)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [tuple(output.shape) for output in session.run(None, feeds)]
