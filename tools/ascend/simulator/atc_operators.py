"""Which operators the simulated atc parses: those that CANN registers, at the opsets that a current CANN registers.

The lookup of CANN's ONNX parser is `<domain>::<opset of the model>::<operator>`, exact, with no fallback to an older
opset (its public sources). Operators of classifiers are registered for opset 8 to 18 by CANN 7.0 and later; CANN 5.0.4
to 6.0 went to 13 and 5.0.1 took 11 only. The simulator speaks as CANN 7.0 to 8.1 do: from 8.5 on, E19010 is E13010.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tools.ascend.simulator.atc_error import AtcError, not_simulated

if TYPE_CHECKING:
    import onnx

OPSETS = range(8, 19)
CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})


@cache
def registered() -> dict[str, int]:
    """The operators that have a parser, and the first opset that has it."""
    text = Path(__file__).with_name("registered_operators.txt").read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {row[0]: int(row[1]) if len(row) > 1 else OPSETS[0] for row in rows}


def check(model: onnx.ModelProto) -> None:
    """AtcError for more than one domain, or for the first node without a parser or that the simulator cannot run."""
    domains = [entry.domain or "ai.onnx" for entry in model.opset_import]
    if len(domains) != 1:
        raise AtcError("E16005", f"The model has [{len(domains)}] [--domain_version] fields, but only one is allowed.")
    opset = model.opset_import[0].version
    for node in model.graph.node:
        _check_node(node, node.domain or domains[0], opset)


def _check_node(node: onnx.NodeProto, domain: str, opset: int) -> None:
    first = registered().get(node.op_type)
    if domain != "ai.onnx" or first is None or opset < first or opset not in OPSETS:
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
