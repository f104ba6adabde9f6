"""What a produced ONNX file really is: opsets, inputs and outputs, read from the file itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.base.errors import OnnxError, reason
from tools.judge.facts import CheckerFacts, OnnxFacts
from tools.judge.ids import ONNX_EXPORT
from tools.judge.op_profile import NodeName, OnnxNames

if TYPE_CHECKING:
    import onnx

ACCEPTED = "accepted"


def inspect_model(path: Path) -> OnnxFacts:
    """Read the facts of an ONNX file; OnnxError when it cannot be parsed."""
    model = load_onnx(path, weights=False)
    return OnnxFacts(
        opsets=tuple(f"{entry.domain or 'ai.onnx'} {entry.version}" for entry in model.opset_import),
        inputs=tuple(_describe(value) for value in model.graph.input),
        outputs=tuple(_describe(value) for value in model.graph.output),
        operators=tuple(node.op_type for node in model.graph.node),
    )


def onnx_names(path: Path) -> OnnxNames:
    """Names and operators of the file's nodes, in their order; OnnxError when it cannot be parsed."""
    model = load_onnx(path, weights=False)
    return OnnxNames(tuple(NodeName(node.name, node.op_type) for node in model.graph.node))


def checker_facts(path: Path) -> CheckerFacts:
    """What onnx.checker (with full shape inference) says: `accepted`, or its complaint."""
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        return CheckerFacts(" ".join(str(error).split()))
    return CheckerFacts(ACCEPTED)


def load_onnx(path: Path, *, weights: bool) -> onnx.ModelProto:
    """The parsed file, with tensors kept beside it if `weights`; OnnxError when it cannot be parsed."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(str(path), load_external_data=weights)
    except (DecodeError, OSError) as error:
        raise OnnxError(f"not a readable ONNX file: {reason(error)}", gate=ONNX_EXPORT, where=path) from error


def _describe(value: Any) -> str:  # noqa: ANN401 - a protobuf message without a published type
    import onnx

    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    axes = ", ".join(str(axis.dim_value) if axis.HasField("dim_value") else "-1" for axis in tensor.shape.dim)
    return f"{value.name} {dtype} [{axes}]"
