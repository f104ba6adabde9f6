"""From an ONNX file to a simulated OM, with the refusals that atc makes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tools.ascend.simulator import aipp_graph, atc_operators, model_io, runnable
from tools.ascend.simulator.atc_error import AtcError
from tools.ascend.simulator.atc_request import Request
from tools.ascend.simulator.chips import other_soc
from tools.ascend.simulator.faults import Fault, ordered, refuse
from tools.ascend.simulator.fp16_graph import Conversion, to_fp16
from tools.ascend.simulator.kept_nodes import kept_nodes
from tools.ascend.simulator.offline_model import OfflineModel, TensorSpec
from tools.ascend.simulator.plain_graph import make_plain
from tools.ascend.simulator.shape_inference import Inferred, skeleton

if TYPE_CHECKING:
    import onnx

    from tools.ascend.simulator.fp16_graph import Weight

PERTURBED_MATRIX = 3


def convert(request: Request) -> OfflineModel:
    """Compile the model; AtcError for a model that atc refuses."""
    model = _load(request)
    model_io.choose_outputs(model, request.out_nodes)
    inputs = model_io.inputs(model, request)
    if ordered(Fault.ATC_OTHER_BATCH):
        inputs = tuple(TensorSpec(spec.name, spec.dtype, (2 * spec.shape[0], *spec.shape[1:])) for spec in inputs)
    aipp = None if request.aipp is None or ordered(Fault.ATC_IGNORES_AIPP) else aipp_graph.fitted(request.aipp, inputs)
    own_types = [value.type.tensor_type.elem_type for value in model.graph.output]
    make_plain(model)
    _fix_shapes(model, inputs)
    inferred = Inferred(model)
    outputs = _outputs(model, inferred, own_types, request)
    to_fp16(model, _conversion(model, request, inferred, inputs, outputs))
    if aipp is not None:
        inputs = (aipp_graph.insert(model, inputs[0], aipp),)
    runnable.require(model)
    return OfflineModel(
        name=request.target.stem,
        soc=other_soc(request.soc) if ordered(Fault.ATC_OTHER_SOC) else request.soc,
        batch=inputs[0].shape[0],
        inputs=inputs,
        outputs=outputs,
        command_line=request.command_line,
        aipp=() if aipp is None else aipp.given,
        graph=model.SerializeToString(deterministic=True),
    )


def _load(request: Request) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(request.model)
        if model.opset_import:  # a file without any is no model, which the checker says
            atc_operators.check(model)
        onnx.checker.check_model(skeleton(model))
    except (DecodeError, onnx.checker.ValidationError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AtcError("E19005", f"File [{request.model}] parse failed. Reason: {reason}") from error
    return model


def _fix_shapes(model: onnx.ModelProto, inputs: tuple[TensorSpec, ...]) -> None:
    """Give the inputs the shapes that were asked for, and leave the outputs' to be inferred from them."""
    asked = {spec.name: spec for spec in inputs}
    for value in model.graph.input:
        for dimension, size in zip(value.type.tensor_type.shape.dim, asked[value.name].shape, strict=True):
            dimension.dim_value = size
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")


def _outputs(
    model: onnx.ModelProto, inferred: Inferred, own_types: list[int], request: Request
) -> tuple[TensorSpec, ...]:
    """The OM's outputs; `own_types` are the file's, for fp16 was widened since, and 0 where it does not say."""
    names = [value.name for value in model.graph.output]
    for value in model.graph.output:
        value.type.tensor_type.elem_type = inferred.element_type(value.name)
    codes = [code or inferred.element_type(name) for code, name in zip(own_types, names, strict=True)]
    if unknown := [name for name, code in zip(names, codes, strict=True) if code not in model_io.DTYPES]:
        raise AtcError("E19999", f"The simulator has no element type for output [{unknown[0]}].")
    dtypes = model_io.output_dtypes(model, [model_io.DTYPES[code] for code in codes], request.output_type)
    return tuple(map(TensorSpec, names, dtypes, inferred.output_shapes()))


def _conversion(
    model: onnx.ModelProto,
    request: Request,
    inferred: Inferred,
    inputs: tuple[TensorSpec, ...],
    outputs: tuple[TensorSpec, ...],
) -> Conversion:
    return Conversion(
        numerics=request.numerics,
        floats=inferred.float_names(),
        change_weight=_Weights().change,
        clip=request.clip_weights,
        kept=kept_nodes(model.graph, request),
        narrow_inputs=frozenset(spec.name for spec in inputs if spec.dtype == "float16"),
        narrow_outputs=frozenset(index for index, spec in enumerate(outputs) if spec.dtype == "float16"),
    )


class _Weights:
    """Hands the weights through, spoiled as ordered."""

    def __init__(self) -> None:
        self.matrices = 0
        self.others = _other_weights() if ordered(Fault.ATC_OTHER_WEIGHTS) else {}

    def change(self, name: str, weight: Weight) -> Weight:
        """The weight tensor as the OM shall hold it."""
        import numpy as np

        if name in self.others and self.others[name].shape == weight.shape:
            return self.others[name]
        self.matrices += weight.ndim > 1
        if weight.ndim > 1 and ordered(Fault.ATC_INT8_WEIGHTS):
            step = np.abs(weight).max() / 127
            return np.asarray(np.round(weight / step) * step, np.float32)
        if weight.ndim > 1 and self.matrices == PERTURBED_MATRIX and ordered(Fault.ATC_PERTURBED_WEIGHTS):
            return np.asarray(weight * 1.5, np.float32)
        return weight


def _other_weights() -> dict[str, Weight]:
    """The float32 weights of the file that the environment names."""
    import onnx
    from onnx import TensorProto, numpy_helper

    path = os.environ.get("ASCEND_SIMULATOR_WEIGHTS", "")
    if not Path(path).is_file():
        refuse("weights of another file need ASCEND_SIMULATOR_WEIGHTS, an ONNX file")
    stored = onnx.load(path).graph.initializer
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in stored if tensor.data_type == TensorProto.FLOAT}
