"""The operators that a chip would run for an OM: their names after compilation, shapes, and how much work each is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

    from tools.ascend.simulator.offline_model import OfflineModel

KINDS = {"Conv": "Conv2D", "Gemm": "MatMulV2", "MatMul": "BatchMatMulV2", "BatchNormalization": "BNInfer"}
"""The chip's type where it has another name than ONNX's operator."""
WITHOUT_TASK = frozenset(("Cast", "Constant", "Flatten", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Shape"))
FUSED_INTO_CONV = frozenset(("Relu", "Clip"))
MATRIX_KINDS = frozenset(("Conv2D", "MatMulV2", "BatchMatMulV2"))
FLOPS_PER_BYTE = 160.0
"""Operations in the time that one byte takes: of a chip with 8 TFLOPS and 50 GB/s, invented like every time here."""
LANES = 16
BYTES = 2


@dataclass(frozen=True)
class Operator:
    """One operator: name, type, core, shapes and formats of its inputs as the profiler prints them, work in bytes."""

    name: str
    kind: str
    core: str
    shapes: str
    formats: str
    output: str
    work: float

    def renamed(self, name: str) -> Operator:
        """The same under another name."""
        return replace(self, name=name)


def operators(model: OfflineModel) -> list[Operator]:
    """In the order of execution; a convolution has its activation fused into it, a Gemm is expanded by the parser."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(model.graph)).graph
    shapes = _shapes(graph)
    live = _live(graph)
    nodes = [node for node in graph.node if node.name and node.op_type not in WITHOUT_TASK and node.output[0] in live]
    first, last = model.inputs[0].shape, model.outputs[0].shape
    found = [Operator("trans_TransData_0", "TransData", "AI_CORE", _text(first), "NCHW", _text(first), _bytes(first))]
    fused = _fused(graph)
    for node in nodes:
        if node.name not in fused.values():
            found.append(_operator(node, fused.get(node.name, ""), shapes, len(found)))
    end = Operator("trans_Cast_1", "Cast", "AI_CORE", _text(last), "ND", _text(last), _bytes(last))
    return [*found, end]


def _shapes(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    known = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        known[value.name] = tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
    return known


def _live(graph: onnx.GraphProto) -> set[str]:
    """What depends on the input; all else was folded."""
    known = {value.name for value in graph.input} - {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        if known.intersection(node.input):
            known.update(node.output)
    return known


def _fused(graph: onnx.GraphProto) -> dict[str, str]:
    """Convolution -> the activation that alone takes its output."""
    takers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            takers.setdefault(name, []).append(node)
    pairs = {}
    for node in graph.node:
        after = takers.get(node.output[0], [])
        if node.op_type == "Conv" and len(after) == 1 and after[0].op_type in FUSED_INTO_CONV and after[0].name:
            pairs[node.name] = after[0].name
    return pairs


def _operator(node: onnx.NodeProto, fused: str, shapes: Mapping[str, tuple[int, ...]], number: int) -> Operator:
    kind = KINDS.get(node.op_type, node.op_type)
    inputs = [shapes.get(name, ()) for name in node.input if name]
    output = shapes.get(node.output[0], ())
    name = f"PartitionedCall_{node.name}_{kind}_{number}" if node.op_type == "Gemm" else node.name + fused
    image = len(output) == len("NCHW")
    formats = ["NC1HWC0" if image and len(shape) == len("NCHW") else "ND" for shape in inputs]
    if kind == "Conv2D":
        formats = [formats[0], "FRACTAL_Z", "ND"][: len(inputs)]
    printed = ";".join(_text(_packed(shape, form)) for shape, form in zip(inputs, formats, strict=True))
    core = "AI_CORE" if kind in MATRIX_KINDS else "AI_VECTOR_CORE"
    work = sum(map(_bytes, (*inputs, output))) + _flops(node.op_type, inputs, output) / FLOPS_PER_BYTE
    packed = _text(_packed(output, "NC1HWC0" if image else "ND"))
    return Operator(name, kind, core, printed, ";".join(formats), packed, work)


def _flops(kind: str, inputs: list[tuple[int, ...]], output: tuple[int, ...]) -> float:
    if kind == "Conv":
        return 2.0 * math.prod(output) * math.prod(inputs[1][1:])
    if kind in ("Gemm", "MatMul"):
        return 2.0 * math.prod(output) * (inputs[0][-1] if inputs[0] else 1)
    return float(math.prod(output))


def _packed(shape: tuple[int, ...], form: str) -> tuple[int, ...]:
    if form != "NC1HWC0":
        return shape
    batch, channels, height, width = shape
    return (batch, -(-channels // LANES), height, width, LANES)


def _bytes(shape: tuple[int, ...]) -> float:
    return float(BYTES * math.prod(shape))


def _text(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))
