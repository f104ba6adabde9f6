"""Inputs and outputs of a conversion: what the ONNX file has, what the flags ask for, and what the OM gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.ascend.simulator.atc_error import AtcError, invalid, not_simulated
from tools.ascend.simulator.offline_model import TensorSpec

if TYPE_CHECKING:
    import onnx

    from tools.ascend.simulator.atc_request import Request

DTYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16"}
"""ONNX's codes of the element types that a simulated OM takes or gives."""
OUTPUT_TYPES = {"FP32": "float32", "FP16": "float16"}
UNSIMULATED_TYPES = ("UINT8", "INT8", "HIF8", "FP8E5M2", "FP8E4M3FN")
TYPE_REASON = (
    f"The current value is not within the valid range. Only support FP32, FP16, {', '.join(UNSIMULATED_TYPES)}."
)
TYPE_SAMPLE = 'The format must be "node_name1:0:FP16;node_name2:0:FP32".'


def inputs(model: onnx.ModelProto, request: Request) -> tuple[TensorSpec, ...]:
    """The OM's inputs: the shapes asked for, fp16 where the file or --input_fp16_nodes says so."""
    weights = {tensor.name for tensor in model.graph.initializer}
    values = {value.name: value for value in model.graph.input if value.name not in weights}
    narrow = [name.strip() for name in request.input_fp16_nodes.split(";") if name.strip()]
    for flag, names in (("input_shape", request.shapes), ("input_fp16_nodes", narrow)):
        for name in names:
            if name not in values:
                raise AtcError("E10016", f"Opname [{name}] specified in [--{flag}] is not found in the model.")
    return tuple(_input(value, request.shapes.get(name), name in narrow) for name, value in values.items())


def _input(value: onnx.ValueInfoProto, shape: tuple[int, ...] | None, narrow: bool) -> TensorSpec:
    dimensions = value.type.tensor_type.shape.dim
    own = tuple(entry.dim_value if entry.HasField("dim_value") else None for entry in dimensions)
    if shape is None and None in own:
        raise AtcError("E10017", f"The shape of input [{value.name}] is dynamic, set it by [--input_shape].")
    asked = shape if shape is not None else tuple(size for size in own if size is not None)
    fits = len(asked) == len(own) and all(a in (None, b) for a, b in zip(own, asked, strict=True))
    dtype = DTYPES.get(value.type.tensor_type.elem_type)
    if not fits or dtype is None:
        raise AtcError(
            "E19025",
            f"Input tensor is invalid. Reason: [{value.name}] is {own} {dtype}, asked for {asked}.",
        )
    return TensorSpec(value.name, "float16" if narrow and dtype == "float32" else dtype, asked)


def choose_outputs(model: onnx.ModelProto, out_nodes: str) -> None:
    """Make the outputs named by --out_nodes (`node:0;other:1`) the model's, in that order."""
    import onnx

    nodes = {node.name: node for node in model.graph.node}
    chosen = []
    for part in filter(None, out_nodes.split(";")):
        name, colon, position = part.strip().rpartition(":")
        if not colon or not position.isdigit():
            raise invalid("out_nodes", out_nodes, 'The format must be "node_name1:0;node_name1:1;node_name2:0".')
        if name not in nodes or int(position) >= len(nodes[name].output):
            raise AtcError("E10016", f"Opname [{name}] specified in [--out_nodes] is not found in the model.")
        chosen.append(nodes[name].output[int(position)])
    if chosen:
        types = {value.name: value for value in model.graph.output}
        values = [types.get(name, onnx.ValueInfoProto(name=name)) for name in chosen]
        del model.graph.output[:]
        model.graph.output.extend(values)


def output_dtypes(model: onnx.ModelProto, own: list[str], output_type: str) -> list[str]:
    """The outputs' types: the file's own, but what --output_type says for all (`FP16`) or by node (`fc:0:FP16`)."""
    if ":" not in output_type:
        asked = _dtype(output_type) if output_type else None
        return [_changed(dtype, asked) for dtype in own]
    made = {f"{node.name}:{i}": name for node in model.graph.node for i, name in enumerate(node.output)}
    names = [value.name for value in model.graph.output]
    dtypes = list(own)
    for part in filter(None, output_type.split(";")):
        words = part.strip().split(":")
        if len(words) != 3:
            raise invalid("output_type", part, TYPE_SAMPLE)
        tensor = made.get(f"{words[0]}:{words[1]}")
        if tensor not in names:
            raise invalid("output_type", part, "The node is not an output node.")
        position = names.index(tensor)
        dtypes[position] = _changed(own[position], _dtype(words[2]))
    return dtypes


def _dtype(text: str) -> str:
    if text in UNSIMULATED_TYPES:
        raise not_simulated(f"--output_type={text}")
    if text not in OUTPUT_TYPES:
        raise invalid("output_type", text, TYPE_REASON)
    return OUTPUT_TYPES[text]


def _changed(own: str, asked: str | None) -> str:
    if asked is None or own == asked:
        return own
    if own not in OUTPUT_TYPES.values():
        raise not_simulated(f"another output type for an output of {own}")
    return asked
