"""Which nodes of a graph keep float32 because --keep_dtype or --modify_mixlist says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.ascend.simulator.atc_error import invalid, not_simulated

if TYPE_CHECKING:
    import onnx

    from tools.ascend.simulator.atc_request import Request

IR_TYPES = {
    **dict.fromkeys(("Conv2D", "DepthwiseConv2D"), ("Conv",)),
    **dict.fromkeys(("MatMulV2", "MatMul"), ("Gemm", "MatMul")),
    **dict.fromkeys(("BatchMatMulV2", "BatchMatMul"), ("MatMul",)),
    "GEMM": ("Gemm",),
    "SoftmaxV2": ("Softmax",),
    "RealDiv": ("Div",),
    **dict.fromkeys(("BatchNorm", "BNInference"), ("BatchNormalization",)),
    **dict.fromkeys(("LayerNorm", "LayerNormV3"), ("LayerNormalization",)),
    **dict.fromkeys(("AvgPool", "AvgPoolV2"), ("AveragePool",)),
    "ConcatD": ("Concat",),
}
"""Types of CANN to the operators of ONNX that its parser makes them of; others have one name on both sides."""


def kept_nodes(graph: onnx.GraphProto, request: Request) -> frozenset[int]:
    """Indices of the nodes; AtcError for what --keep_dtype lists and the graph does not have (E10003).

    CANN warns of it in a log since 8.5; releases before refuse it, and so does the simulator.
    """
    found: set[int] = set()
    for name in sorted(request.listed.names):
        found |= _listed(f"op name:{name}", {i for i, node in enumerate(graph.node) if node.name == name})
    for kind in sorted(request.listed.types):
        found |= _listed(f"op type:{kind}", _of_type(graph, kind))
    for kind in sorted(request.blacklisted.types):  # which may speak of operators that this network does not have
        nodes = _of_type(graph, kind)
        if not nodes and kind not in IR_TYPES:
            raise not_simulated(f"--modify_mixlist for [{kind}], which no node of the network is called")
        found |= nodes
    return frozenset(found)


def _of_type(graph: onnx.GraphProto, kind: str) -> set[int]:
    operators = IR_TYPES.get(kind, (kind,))
    return {index for index, node in enumerate(graph.node) if node.op_type in operators}


def _listed(what: str, nodes: set[int]) -> set[int]:
    if not nodes:
        raise invalid("keep_dtype", what, f"config file contains 1 operator not in the graph, {what}", "E10003")
    return nodes
