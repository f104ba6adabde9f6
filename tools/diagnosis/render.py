"""A diagnosis in lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.diagnosis.findings import Diagnosis, NodeDiagnosis, OmDiagnosis
from tools.diagnosis.node_errors import FP16_MARGIN, FP32_RELATIVE_L2, Errors, channel_words, short, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


SHOWN_NODES = 80
"""Of longer graphs the table shows what diverges, with its NEIGHBOURS on either side, and the end."""
NEIGHBOURS = 3


def render(diagnosis: Diagnosis) -> list[str]:
    """The table and the findings as lines, for terminal and report."""
    shown = _shown(diagnosis)
    rows = [_HEADER, *(_row(node, first=node.index == diagnosis.first_diverging) for node in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if len(shown) < len(diagnosis.nodes):
        lines.append(f"({len(diagnosis.nodes) - len(shown)} of {len(diagnosis.nodes)} nodes left out, none diverges)")
    lines += ["", _first_line(diagnosis), *_further_lines(diagnosis), _ranked_line(diagnosis)]
    if diagnosis.whole_graph_diverges:
        lines.append(f"onnxruntime's optimised graph is not the sum of its nodes: {words(diagnosis.whole_graph)}")
    lines += _om_lines(diagnosis.om)
    worst = ", ".join(f"{image.id} ({short(image.errors)})" for image in diagnosis.worst)
    lines.append(f"worst of {len(diagnosis.ids)} images, {'om' if diagnosis.om else 'onnx'} vs pth: {worst}")
    return lines


def _shown(diagnosis: Diagnosis) -> list[NodeDiagnosis]:
    """The nodes that the table shows."""
    if len(diagnosis.nodes) <= SHOWN_NODES:
        return list(diagnosis.nodes)
    centres = [node.index for node in diagnosis.nodes if node.diverges] + [len(diagnosis.nodes) - 1]
    return [node for node in diagnosis.nodes if any(abs(node.index - centre) <= NEIGHBOURS for centre in centres)]


_HEADER = (
    "node",
    "operator",
    "torch",
    "output",
    "own onnx/pth",
    "own largest",
    "so far onnx/pth",
    "fp16 own",
    "fp16 so far",
    "",
)


def _row(node: NodeDiagnosis, *, first: bool) -> tuple[str, ...]:
    note = "<- first to diverge" if first else "<- diverges" if node.diverges else ""
    if isinstance(node.own, str):
        note = f"{note}: {node.own}"
    return (
        f"{node.index} {node.name}",
        node.operator,
        node.module if node.own is not None else f"  (inside {node.module})",
        "x".join(map(str, node.output_shape[1:])),
        short(node.own),
        f"{node.own.max_abs_error:.1e}" if isinstance(node.own, Errors) else short(node.own),
        short(node.accumulated),
        short(node.fp16_own),
        short(node.fp16_accumulated),
        note,
    )


def _first_line(diagnosis: Diagnosis) -> str:
    if diagnosis.first_diverging is None:
        return f"no node diverges from torch: all {len(diagnosis.nodes)} lie within fp32 rounding"
    node = diagnosis.nodes[diagnosis.first_diverging]
    return (
        f"first diverging node: {node.index} {node.name} ({node.operator}, torch {node.module}): {_error(node)}; "
        f"fp32 rounding explains a relative {FP32_RELATIVE_L2:g}{_around(node)}"
    )


def _further_lines(diagnosis: Diagnosis) -> list[str]:
    """One line for each other diverging node."""
    others = [node for node in diagnosis.nodes if node.diverges and node.index != diagnosis.first_diverging]
    return [
        f"diverges too: {node.index} {node.name} ({node.operator}, torch {node.module}): {_error(node)}"
        for node in others
    ]


def _error(node: NodeDiagnosis) -> str:
    return f"{words(node.own or 'not computed')}{channel_words(node.channel)}"


def _around(node: NodeDiagnosis) -> str:
    """What cannot be told apart: nodes that are one operation in torch, operations that are one node in ONNX."""
    nodes = f"; it is one of the nodes {', '.join(node.together)}" if len(node.together) > 1 else ""
    torch = f"; in torch that is {', '.join(node.between)} together" if len(node.between) > 1 else ""
    return nodes + torch


def _ranked_line(diagnosis: Diagnosis) -> str:
    top = [diagnosis.nodes[index] for index in diagnosis.ranked[:3]]
    return "largest own errors: " + ", ".join(f"{node.index} {node.name} ({short(node.own)})" for node in top)


def _om_lines(om: OmDiagnosis | None) -> list[str]:
    if om is None:
        return []
    verdict = (
        f"NOT explained by fp16 ({FP16_MARGIN:g} times that is allowed): models cut after a node tell where"
        if om.diverges
        else "explained by fp16"
    )
    return [
        f"om vs pth:  {words(om.to_pth)}",
        f"om vs onnx: {words(om.to_onnx)}",
        f"fp16 alone: {words(om.fp16_expected)}; the om's error is {verdict}",
    ]
