"""Whether onnxruntime, which stands in for the chip, can run a compiled graph: atc says so, not the device later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.ascend.simulator.atc_error import not_simulated
from tools.ascend.simulator.shape_inference import skeleton

if TYPE_CHECKING:
    import onnx


def require(model: onnx.ModelProto) -> None:
    """AtcError when onnxruntime refuses the graph, which it is shown without the bulk of its weights."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    refusals = (errors.Fail, errors.InvalidGraph, errors.NotImplemented, errors.InvalidArgument)
    try:
        onnxruntime.InferenceSession(skeleton(model).SerializeToString(), options, ["CPUExecutionProvider"])
    except refusals as error:
        reason = str(error).splitlines()[0]
        raise not_simulated(f"this model, for onnxruntime cannot run it: {reason}") from error
