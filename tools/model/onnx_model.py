"""What a produced ONNX file really is: opsets, inputs, outputs and weights, read from the file itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.base.errors import OnnxError
from tools.judge.facts import CheckerFacts, OnnxFacts, WeightFacts
from tools.judge.ids import ONNX_EXPORT

if TYPE_CHECKING:
    import onnx

    from tools.model.checkpoint import StateDict


def inspect_model(path: Path) -> OnnxFacts:
    """Read the facts of an ONNX file; OnnxError when it cannot be parsed."""
    model = _load(path, weights=False)
    return OnnxFacts(
        opsets=tuple(f"{entry.domain or 'ai.onnx'} {entry.version}" for entry in model.opset_import),
        inputs=tuple(_describe(value) for value in model.graph.input),
        outputs=tuple(_describe(value) for value in model.graph.output),
        operators=tuple(node.op_type for node in model.graph.node),
    )


def checker_facts(path: Path) -> CheckerFacts:
    """What onnx.checker (with full shape inference) says: `accepted`, or its complaint."""
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        return CheckerFacts(" ".join(str(error).split()))
    return CheckerFacts("accepted")


def compare_weights(path: Path, state_dict: StateDict) -> WeightFacts:
    """Every initializer must equal the checkpoint's tensor of the same name, bit for bit, and none may be missing."""
    import numpy as np
    from onnx import numpy_helper

    stored = {tensor.name: tensor for tensor in _load(path, weights=True).graph.initializer}
    offenders = [f"{name} missing" for name in sorted(state_dict.keys() - stored.keys())]
    offenders += [f"{name} not in the checkpoint" for name in sorted(stored.keys() - state_dict.keys())]
    for name in sorted(stored.keys() & state_dict.keys()):
        mine, theirs = numpy_helper.to_array(stored[name]), state_dict[name].numpy()
        if mine.dtype != theirs.dtype or mine.shape != theirs.shape or not np.array_equal(mine, theirs):
            offenders.append(f"{name} differs")
    return WeightFacts(offenders=tuple(offenders), among=len(state_dict))


def _load(path: Path, *, weights: bool) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(str(path), load_external_data=weights)
    except (DecodeError, OSError) as error:
        raise OnnxError(f"not a readable ONNX file: {error}", gate=ONNX_EXPORT, where=path) from error


def _describe(value: Any) -> str:  # noqa: ANN401 - a protobuf message without a published type
    import onnx

    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    axes = ", ".join(str(axis.dim_value) if axis.HasField("dim_value") else "-1" for axis in tensor.shape.dim)
    return f"{value.name} {dtype} [{axes}]"
