"""From an ONNX file to a simulated OM, with the refusals that atc of the CANN 5.0.1 era makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.ascend.simulator.atc_request import AtcError, Request
from tools.ascend.simulator.chips import other_soc
from tools.ascend.simulator.faults import Fault, ordered
from tools.ascend.simulator.fp16_graph import EXACT, ROUNDED, to_fp16
from tools.ascend.simulator.offline_model import OfflineModel, TensorSpec

if TYPE_CHECKING:
    import onnx

    from tools.ascend.simulator.fp16_graph import Weight

NEWEST_OPSET = 11
PERTURBED_MATRIX = 3


def convert(request: Request) -> OfflineModel:
    """Compile the model; AtcError for a model that the tool of that era refuses."""
    model = _load(request)
    _check_operators(model)
    inputs = _inputs(model, request)
    batch = inputs[0].shape[0]
    outputs = _outputs(_skeleton(model), inputs, batch)
    if ordered(Fault.ATC_OTHER_BATCH):
        batch, inputs, outputs = 2 * batch, _twice(inputs), _twice(outputs)
    _fix_shapes(model, inputs)
    to_fp16(model, _Weights().change)
    return OfflineModel(
        name=request.target.stem,
        soc=other_soc(request.soc) if ordered(Fault.ATC_OTHER_SOC) else request.soc,
        batch=batch,
        inputs=inputs,
        outputs=outputs,
        command_line=request.command_line,
        graph=model.SerializeToString(deterministic=True),
    )


def _load(request: Request) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(request.model)
        onnx.checker.check_model(_skeleton(model))
    except (DecodeError, onnx.checker.ValidationError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AtcError("E19005", f"File [{request.model}] parse failed. Reason: {reason}") from error
    return model


def _skeleton(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its float weights as inputs: checks and shape inference need their shapes, not 244 MB."""
    import onnx

    bare = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    bare.graph.name = model.graph.name
    bare.graph.node.extend(model.graph.node)
    bare.graph.input.extend(model.graph.input)
    bare.graph.output.extend(model.graph.output)
    listed = {value.name for value in model.graph.input}
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            bare.graph.initializer.add().CopyFrom(tensor)
        elif tensor.name not in listed:
            bare.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return bare


def _check_operators(model: onnx.ModelProto) -> None:
    domains = [entry.domain or "ai.onnx" for entry in model.opset_import]
    if len(domains) != 1:
        raise AtcError("E16005", f"The model has [{len(domains)}] [--domain_version] fields, but only one is allowed.")
    opset = model.opset_import[0].version
    for node in model.graph.node:
        if opset > NEWEST_OPSET or node.op_type not in EXACT | ROUNDED:
            optype = f"ai.onnx::{opset}::{node.op_type}"
            raise AtcError("E19010", f"No parser is registered for Op [{node.name}, optype [{optype}]].")


def _inputs(model: onnx.ModelProto, request: Request) -> tuple[TensorSpec, ...]:
    weights = {tensor.name for tensor in model.graph.initializer}
    values = {value.name: value for value in model.graph.input if value.name not in weights}
    for name in request.shapes:
        if name not in values:
            raise AtcError("E10016", f"Opname [{name}] specified in [--input_shape] is not found in the model.")
    return tuple(_input(value, request.shapes.get(name)) for name, value in values.items())


def _input(value: onnx.ValueInfoProto, shape: tuple[int, ...] | None) -> TensorSpec:
    dimensions = value.type.tensor_type.shape.dim
    own = tuple(entry.dim_value if entry.HasField("dim_value") else None for entry in dimensions)
    if shape is None and None in own:
        raise AtcError("E10017", f"The shape of input [{value.name}] is dynamic, set it by [--input_shape].")
    asked = shape if shape is not None else tuple(size for size in own if size is not None)
    fits = len(asked) == len(own) and all(a in (None, b) for a, b in zip(own, asked, strict=True))
    if not fits or value.type.tensor_type.elem_type != 1:
        raise AtcError(
            "E19025", f"Input tensor is invalid. Reason: [{value.name}] is {list(own)} float, asked for {list(asked)}."
        )
    return TensorSpec(value.name, "float32", asked)


def _outputs(skeleton: onnx.ModelProto, inputs: tuple[TensorSpec, ...], batch: int) -> tuple[TensorSpec, ...]:
    import onnx

    _fix_shapes(skeleton, inputs)
    inferred = onnx.shape_inference.infer_shapes(skeleton, data_prop=True)
    specs = []
    for value in inferred.graph.output:
        sizes = [entry.dim_value for entry in value.type.tensor_type.shape.dim]
        specs.append(TensorSpec(value.name, "float32", (batch, *sizes[1:])))
    return tuple(specs)


def _fix_shapes(model: onnx.ModelProto, inputs: tuple[TensorSpec, ...]) -> None:
    """Give the inputs the batch that was asked for, and leave the outputs' shapes to be inferred from it."""
    asked = {spec.name: spec for spec in inputs}
    for value in model.graph.input:
        if value.name in asked:
            value.type.tensor_type.shape.dim[0].dim_value = asked[value.name].shape[0]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")


def _twice(specs: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(spec.name, spec.dtype, (2 * spec.shape[0], *spec.shape[1:])) for spec in specs)


class _Weights:
    """Hands the weights through, spoiled as ordered."""

    def __init__(self) -> None:
        self.matrices = 0

    def change(self, _name: str, weight: Weight) -> Weight:
        """The weight tensor as the OM shall hold it."""
        import numpy as np

        self.matrices += weight.ndim > 1
        if weight.ndim > 1 and ordered(Fault.ATC_INT8_WEIGHTS):
            step = np.abs(weight).max() / 127
            return np.asarray(np.round(weight / step) * step, np.float32)
        if weight.ndim > 1 and self.matrices == PERTURBED_MATRIX and ordered(Fault.ATC_PERTURBED_WEIGHTS):
            return np.asarray(weight * 1.5, np.float32)
        return weight
