"""Where accuracy is lost, node by node (`tools/diagnose.py` is the command).

Every node is judged by its own error: what it does to the reference's input, and not what reached it. So the first
diverging node is the one that is wrong, and not everything behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.diagnosis.node_errors import (
    FP16_MARGIN,
    FP32_RELATIVE_L2,
    Compared,
    Errors,
    beyond_fp16,
    beyond_fp32,
    compare,
    short,
    words,
)
from tools.diagnosis.onnx_nodes import NodeGraph, NodeProgram, Stream, to_fp16
from tools.diagnosis.torch_steps import Step, TorchSteps

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

PROBE_IMAGES = 16
WORST_IMAGES = 5
WHOLE_GRAPH_RELATIVE_L2 = 1e-4
"""The graph as a whole, optimised by onnxruntime, may differ from its nodes run one by one only by fp32 rounding that
grew on the way: measured 1e-6 on AlexNet's logits."""


@dataclass(frozen=True)
class NodeDiagnosis:
    """One node of the graph and its partner in torch.

    `own`: the ONNX node fed with torch's input against torch's output. `accumulated`: the graph up to here against
    torch up to here. `fp16_own`: the node in emulated fp16 against itself in fp32, both fed with the fp32 graph's
    activations rounded to fp16. `fp16_accumulated`: the fp16 graph up to here against the fp32 graph up to here, the
    error to expect of an OM at this node.
    """

    index: int
    name: str
    operator: str
    module: str
    output_shape: tuple[int, ...]
    own: Compared
    accumulated: Compared
    fp16_own: Compared
    fp16_accumulated: Compared

    @property
    def diverges(self) -> bool:
        """Whether the node's own error exceeds fp32 rounding."""
        return beyond_fp32(self.own)


@dataclass(frozen=True)
class OmDiagnosis:
    """An OM's logits against both references, and whether fp16 explains their distance to the ONNX's."""

    to_pth: Compared
    to_onnx: Compared
    fp16_expected: Compared

    @property
    def diverges(self) -> bool:
        """Whether the error exceeds FP16_MARGIN times the fp16 emulation's."""
        return beyond_fp16(self.to_onnx, self.fp16_expected)


@dataclass(frozen=True)
class ImageError:
    """One probe image's logits, candidate against pth."""

    id: str
    errors: Compared


@dataclass(frozen=True)
class Diagnosis:
    """All nodes in order; `first_diverging` and `ranked` (largest own error first) are their indices.

    `whole_graph` holds the graph as onnxruntime runs it (optimised) against its nodes run one by one. `worst` are the
    probe images whose logits lie farthest from pth's, for the OM where one was given, else for the ONNX.
    """

    ids: tuple[str, ...]
    nodes: tuple[NodeDiagnosis, ...]
    first_diverging: int | None
    ranked: tuple[int, ...]
    whole_graph: Compared
    om: OmDiagnosis | None
    worst: tuple[ImageError, ...]

    @property
    def whole_graph_diverges(self) -> bool:
        """Whether onnxruntime's optimised graph computes something else than its nodes."""
        return not isinstance(self.whole_graph, Errors) or self.whole_graph.relative_l2_error > WHOLE_GRAPH_RELATIVE_L2

    @property
    def diverges(self) -> bool:
        """Whether anything was found."""
        om = self.om is not None and self.om.diverges
        return self.first_diverging is not None or self.whole_graph_diverges or om


def diagnose(
    onnx_path: Path,
    model: torch.nn.Module,
    images: Array,
    om_logits: Array | None = None,
    *,
    ids: Sequence[str] | None = None,
) -> Diagnosis:
    """Compare the ONNX graph with the network at every node, and emulated fp16 with the graph.

    `images` float32 (N, 3, H, W), a few (PROBE_IMAGES) are enough; `om_logits` float32 (N, classes) of the same images;
    `ids` name the images (default: their row numbers). SuiteError when the graph is not the network's, node for node.
    """
    names = tuple(map(str, range(len(images)))) if ids is None else tuple(ids)
    if images.ndim != 4 or images.dtype.name != "float32" or not images.size or len(names) != len(images):
        raise SuiteError(
            "these are no probe images",
            measured=f"{images.dtype} {list(images.shape)}, {len(names)} ids",
            allowed="float32 (images, 3, height, width), at least one, one id each",
        )
    graph, reference = NodeGraph(onnx_path), TorchSteps(model)
    reference.require_match(graph.nodes)
    walk = _Walk(graph, reference.steps, images)
    reference.run(images, walk.visit)
    return walk.finish(names, om_logits)


def render(diagnosis: Diagnosis) -> list[str]:
    """The table and the findings as lines, for terminal and report."""
    rows = [_HEADER, *(_row(node, first=node.index == diagnosis.first_diverging) for node in diagnosis.nodes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += ["", _first_line(diagnosis), _ranked_line(diagnosis)]
    if diagnosis.whole_graph_diverges:
        lines.append(f"onnxruntime's optimised graph is not the sum of its nodes: {words(diagnosis.whole_graph)}")
    lines += _om_lines(diagnosis.om)
    worst = ", ".join(f"{image.id} ({short(image.errors)})" for image in diagnosis.worst)
    lines.append(f"worst of {len(diagnosis.ids)} images, {'om' if diagnosis.om else 'onnx'} vs pth: {worst}")
    return lines


class _Walk:
    """Goes through the graph beside torch: takes each step's input and output and compares the node with them."""

    def __init__(self, graph: NodeGraph, steps: Sequence[Step], images: Array) -> None:
        self._graph, self._steps, self._images = graph, steps, images
        self._fp32, self._fp16 = Stream(graph, images), Stream(graph, to_fp16(images))
        self._nodes: list[NodeDiagnosis] = []
        self._pth: Array = images
        self._onnx: Array | None = images

    def visit(self, index: int, inputs: Sequence[Array], output: Array) -> None:
        """Diagnose one node; a variant whose output has another shape than torch's ends there."""
        node, step = self._graph.nodes[index], self._steps[index]
        if len(inputs) != len(node.inputs):
            raise SuiteError(f"{step.name} reads {len(inputs)} activations, {node.name} reads {len(node.inputs)}")
        program = self._graph.program(node)
        own = compare(program.run(inputs), output)
        reached = self._fp32.reaches(node)
        fp32_inputs = self._fp32.inputs(node) if reached else None
        exact = None if fp32_inputs is None else program.run(fp32_inputs)
        rounded = program.run_fp16(self._fp16.inputs(node)) if reached else None
        self._nodes.append(
            NodeDiagnosis(
                index=index,
                name=node.name,
                operator=node.operator,
                module=step.name,
                output_shape=output.shape,
                own=own,
                accumulated=compare(exact, output),
                fp16_own=_fp16_own(program, fp32_inputs),
                fp16_accumulated=compare(rounded, exact),
            )
        )
        same_shape = exact is not None and exact.shape == output.shape
        self._fp32.advance(node, exact if same_shape else None)
        self._fp16.advance(node, rounded if same_shape else None)
        self._pth, self._onnx = output, exact

    def finish(self, ids: tuple[str, ...], om_logits: Array | None) -> Diagnosis:
        """What the nodes and the final logits say together."""
        diverging = (node.index for node in self._nodes if node.diverges)
        om = None if om_logits is None else self._om(om_logits)
        candidate = self._onnx if om_logits is None else om_logits
        return Diagnosis(
            ids=ids,
            nodes=tuple(self._nodes),
            first_diverging=next(diverging, None),
            ranked=tuple(node.index for node in sorted(self._nodes, key=lambda node: -_size(node.own))),
            whole_graph=self._whole_graph(),
            om=om,
            worst=_worst(ids, candidate, self._pth),
        )

    def _om(self, logits: Array) -> OmDiagnosis:
        if logits.shape != self._pth.shape:
            raise SuiteError(
                "the OM's logits are not those of the probe images",
                measured=list(logits.shape),
                allowed=list(self._pth.shape),
            )
        return OmDiagnosis(
            to_pth=compare(logits, self._pth),
            to_onnx=compare(logits, self._onnx),
            fp16_expected=self._nodes[-1].fp16_accumulated,
        )

    def _whole_graph(self) -> Compared:
        if self._onnx is None or self._onnx.shape != self._pth.shape:
            return compare(None, self._pth)
        return compare(self._graph.run(self._images), self._onnx)


def _fp16_own(program: NodeProgram, fp32_inputs: Sequence[Array] | None) -> Compared:
    if fp32_inputs is None:
        return compare(None, None)
    inputs = [to_fp16(values) for values in fp32_inputs]
    return compare(program.run_fp16(inputs), program.run(inputs))


def _size(compared: Compared) -> float:
    """For ranking: what cannot be compared is worst."""
    return compared.relative_l2_error if isinstance(compared, Errors) else float("inf")


def _worst(ids: Sequence[str], candidate: Array | None, pth: Array) -> tuple[ImageError, ...]:
    errors = [
        ImageError(id=name, errors=compare(None if candidate is None else candidate[row : row + 1], pth[row : row + 1]))
        for row, name in enumerate(ids)
    ]
    return tuple(sorted(errors, key=lambda image: -_size(image.errors))[:WORST_IMAGES])


_HEADER = (
    "node",
    "operator",
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
        "x".join(map(str, node.output_shape[1:])),
        short(node.own),
        f"{node.own.max_abs_error:.1e}" if isinstance(node.own, Errors) else "n/a",
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
        f"first diverging node: {node.index} {node.name} ({node.operator}, torch {node.module}): {words(node.own)}; "
        f"fp32 rounding explains a relative {FP32_RELATIVE_L2:g}"
    )


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
