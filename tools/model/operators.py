"""Which operators atc's ONNX parser knows, and what that means for a file: asked before any device is.

The parser looks up `<domain>::<opset of the model>::<operator>`, exactly, with no fallback to an older opset (CANN's
public sources, parser/onnx). cann_onnx_operators.csv says what is registered, with its date and source.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tools.judge.operators import OperatorFacts, Release, UnregisteredNode, release_of
from tools.model.onnx_model import load_onnx

if TYPE_CHECKING:
    import onnx

TABLE = Path(__file__).with_name("cann_onnx_operators.csv")
TABLE_NAME = "the operators that CANN's public sources of August 2026 register"
ONNX_DOMAIN = "ai.onnx"


@cache
def registered() -> Mapping[str, frozenset[int]]:
    """`domain::operator` to the opsets at which the parser knows it."""
    lines = (line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {
        f"{row['domain']}::{row['operator']}": frozenset(_numbers(row["opsets_registered"]))
        for row in csv.DictReader(lines)
    }


def operator_facts(path: Path, version: str, *, for_atc: bool = True) -> OperatorFacts:
    """Every node of an ONNX file held against what a CANN release registers; OnnxError for an unreadable file.

    `version` is the release's own text, e.g. `8.0.RC2`, empty where nobody knows it; `for_atc` whether it will read
    the file.
    """
    model, release = load_onnx(path, weights=False), release_of(version)
    opsets = {entry.domain or ONNX_DOMAIN: entry.version for entry in model.opset_import}
    nodes = [(name, node) for name, node in named_nodes(model.graph)]
    looked_up = [(name, node.domain or ONNX_DOMAIN, node.op_type) for name, node in nodes]
    return OperatorFacts(
        release=version,
        table=TABLE_NAME,
        nodes=len(nodes),
        unregistered=tuple(
            _unregistered(name, domain, operator, opsets.get(domain, 0), release)
            for name, domain, operator in looked_up
            if opsets.get(domain, 0) not in _opsets(domain, operator, release)
        ),
        fitting_opsets=_fitting({(domain, operator) for _, domain, operator in looked_up}, release),
        for_atc=for_atc,
    )


def named_nodes(graph: onnx.GraphProto, within: str = "") -> Iterator[tuple[str, onnx.NodeProto]]:
    """Every node with a name that finds it, those of a control flow's branches too."""
    import onnx

    for place, node in enumerate(graph.node):
        name = within + (node.name or f"node {place}, which makes {next(iter(node.output), 'nothing')}")
        yield name, node
        for attribute in node.attribute:
            for branch in [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs:
                yield from named_nodes(branch, f"{name} > ")


def is_standard(operator: str) -> bool:
    """Whether ONNX itself has the operator at any opset; CANN registers many of its own in ONNX's domain."""
    import onnx

    return any(schema.name == operator and not schema.domain for schema in onnx.defs.get_all_schemas())


def _unregistered(name: str, domain: str, operator: str, opset: int, release: Release) -> UnregisteredNode:
    return UnregisteredNode(
        name=name,
        operator=f"{domain}::{opset}::{operator}",
        registered_at=tuple(sorted(_opsets(domain, operator, release))),
        standard=domain == ONNX_DOMAIN and is_standard(operator),
    )


def _opsets(domain: str, operator: str, release: Release) -> frozenset[int]:
    return registered().get(f"{domain}::{operator}", frozenset()) & frozenset(release.opsets)


def _fitting(operators: set[tuple[str, str]], release: Release) -> tuple[int, ...]:
    """The opsets at which every operator that is registered at all is registered."""
    every = [found for domain, operator in operators if (found := _opsets(domain, operator, release))]
    return tuple(sorted(frozenset.intersection(*every))) if every else ()


def _numbers(text: str) -> Iterator[int]:
    """`8-9 11-16` as its numbers."""
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
