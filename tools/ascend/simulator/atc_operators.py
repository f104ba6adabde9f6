"""Which operators the simulated atc parses: those that CANN registers, at the opsets at which it does.

The table is CANN's of 2026: 7.0 and later are taken to register what it says.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tools.ascend.simulator.atc_error import AtcError, not_simulated

if TYPE_CHECKING:
    import onnx

ONNX_DOMAIN = "ai.onnx"
TABLE = Path(__file__).parents[2] / "model" / "cann_onnx_operators.csv"
CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})


@cache
def registered() -> dict[str, str]:
    """`domain,operator` to the opsets at which there is a parser, as `8-9 11-16`."""
    rows = (line.split(",") for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {f"{domain},{operator}": opsets for domain, operator, opsets, *_ in rows}


def is_registered(domain: str, operator: str, opset: int) -> bool:
    """Whether there is a parser for the operator at this very opset."""
    spans = (span.split("-") for span in registered().get(f"{domain},{operator}", "").split())
    return any(int(span[0]) <= opset <= int(span[-1]) for span in spans)


def check(model: onnx.ModelProto) -> None:
    """AtcError for more than one domain, or for the first node without a parser or that the simulator cannot run."""
    domains = [entry.domain or ONNX_DOMAIN for entry in model.opset_import]
    if len(domains) != 1:
        raise AtcError("E16005", f"The model has [{len(domains)}] [--domain_version] fields, but only one is allowed.")
    opset = model.opset_import[0].version
    for node in model.graph.node:
        _check_node(node, node.domain or domains[0], opset)


def _check_node(node: onnx.NodeProto, domain: str, opset: int) -> None:
    if not is_registered(domain, node.op_type, opset):
        optype = f"{domain}::{opset}::{node.op_type}"
        raise AtcError("E19010", f"No parser is registered for Op [{node.name}, optype [{optype}]].")
    if node.op_type in CONTROL_FLOW:
        raise not_simulated(f"control flow: {node.op_type} [{node.name}]")
    if not _is_standard(node.op_type, opset):
        raise not_simulated(f"operator {node.op_type} [{node.name}], which ONNX does not have at opset {opset}")


def _is_standard(operator: str, opset: int) -> bool:
    """Whether ONNX has the operator at this opset; CANN registers many of its own in ONNX's domain."""
    import onnx

    try:
        onnx.defs.get_schema(operator, opset, "")
    except onnx.defs.SchemaError:
        return False
    return True
