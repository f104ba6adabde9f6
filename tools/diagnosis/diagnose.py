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
from tools.diagnosis.alignment import Alignment, Region
from tools.diagnosis.node_errors import (
    FP16_MARGIN,
    FP32_RELATIVE_L2,
    Channel,
    Compared,
    Errors,
    beyond_fp16,
    channel_words,
    compare,
    short,
    size,
    words,
    worst_channel,
)
from tools.diagnosis.onnx_nodes import PRODUCTS, Node, NodeGraph, Stream, run_part, to_fp16
from tools.diagnosis.torch_run import torch_values

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

PROBE_IMAGES = 2
"""All values of torch lie in memory at once: the diagnosis of swin_t took 2.3 GB with two images, measured."""
WORST_IMAGES = 5
SHOWN_NODES = 80
"""Of longer graphs the table shows what diverges, with its NEIGHBOURS on either side, and the end."""
NEIGHBOURS = 3
WHOLE_GRAPH_RELATIVE_L2 = 1e-4
"""The graph as a whole, optimised by onnxruntime, may differ from its nodes run one by one only by fp32 rounding that
grew on the way: measured 1e-6 on AlexNet's logits."""


@dataclass(frozen=True)
class NodeDiagnosis:
    """One node that the pixels reach, and what it is in torch; `index` is its place among those.

    `module` is the torch module whose work the node ends, alone or with the nodes before it (`together` lists their
    names); it is the module that it is inside of where `own` and the other errors are None. `between` are all torch
    operations that lie on the way, more than one where some were folded into one.

    `own`: the nodes fed with torch's input against torch's output. `accumulated`: the graph up to here against torch up
    to here. `fp16_own`: the nodes in emulated fp16 against themselves in fp32, both fed with torch's input rounded to
    fp16. `fp16_accumulated`: the fp16 graph up to here against the fp32 graph up to here, the error to expect of an OM.
    `channel` is where a diverging node is worst.
    """

    index: int
    name: str
    operator: str
    module: str
    together: tuple[str, ...]
    between: tuple[str, ...]
    output_shape: tuple[int, ...]
    diverges: bool
    own: Compared | None
    accumulated: Compared | None
    fp16_own: Compared | None
    fp16_accumulated: Compared | None
    channel: Channel | None


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
    `ids` name the images (default: their row numbers). The graph may be of any exporter, folded or not.
    """
    names = tuple(map(str, range(len(images)))) if ids is None else tuple(ids)
    if images.ndim != 4 or images.dtype.name != "float32" or not images.size or len(names) != len(images):
        raise SuiteError(
            "these are no probe images",
            measured=f"{images.dtype} {list(images.shape)}, {len(names)} ids",
            allowed="float32 (images, 3, height, width), at least one, one id each",
        )
    return _Walk(align(onnx_path, model, images), images).finish(names, om_logits)


def align(onnx_path: Path, model: torch.nn.Module, images: Array) -> Alignment:
    """The graph beside the network, on `images`."""
    return Alignment(NodeGraph(onnx_path), torch_values(model, images), images)


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


class _Walk:
    """Goes through the graph once more, in fp32 and in emulated fp16, and says of each node how far it is off."""

    def __init__(self, found: Alignment, images: Array) -> None:
        self._found, self._graph, self._images = found, found.graph, images
        self._pth = found.torch.values[found.torch.output].array
        rounded = rounded_nodes(found)
        wrong = any(region.diverges for region in found.regions.values())
        self._fp32 = Stream(self._graph, images, may_end=wrong)
        self._fp16 = Stream(self._graph, images, rounded, may_end=wrong)
        self._nodes: list[NodeDiagnosis] = []
        self._onnx: Array | None = None
        self._logits_fp16: Compared = "not computed"
        for node in self._graph.nodes:
            self._visit(node)

    def _visit(self, node: Node) -> None:
        """Diagnose one node; a variant whose output has another shape than torch's ends there."""
        exact, rounded = self._fp32.advance(node), self._fp16.advance(node)
        region = self._found.region_of(node.index)
        if node.output == self._graph.output:
            self._onnx, self._logits_fp16 = exact, compare(rounded, exact)
        if region is None or not node.data:
            return
        if node.index != region.nodes[-1]:
            self._add(node, region)
            return
        torch = self._found.torch.values[region.partner].array
        self._add(node, region, compare(exact, torch), compare(rounded, exact), self._own_fp16(region))
        if exact is not None and exact.shape != torch.shape:
            self._fp32.break_off(node)
            self._fp16.break_off(node)

    def _add(self, node: Node, region: Region, *errors: Compared) -> None:
        """One row; without errors for a node inside of a region."""
        accumulated, fp16_accumulated, fp16_own = errors or (None, None, None)
        torch, names = self._found.torch.values[region.partner].array, [self._graph.nodes[n].name for n in region.nodes]
        self._nodes.append(
            NodeDiagnosis(
                index=len(self._nodes),
                name=node.name,
                operator=node.operator,
                module=region.module,
                together=tuple(names),
                between=region.between,
                output_shape=torch.shape if errors else (),
                diverges=region.diverges and bool(errors),
                own=region.own if errors else None,
                accumulated=accumulated,
                fp16_own=fp16_own,
                fp16_accumulated=fp16_accumulated,
                channel=channel_of(self._found, region) if errors else None,
            )
        )

    def _own_fp16(self, region: Region) -> Compared:
        fed = {name: to_fp16(self._found.values[name]) for name in region.inputs}
        values = {**self._found.values, **fed}
        rounded = run_part(self._graph, region.nodes, values, region.output, fp16=True)
        return compare(rounded, run_part(self._graph, region.nodes, values, region.output, fp16=False))

    def finish(self, ids: tuple[str, ...], om_logits: Array | None) -> Diagnosis:
        """What the nodes and the final logits say together."""
        diverging = (node.index for node in self._nodes if node.diverges)
        whole = [node for node in self._nodes if node.own is not None]
        om = None if om_logits is None else self._om(om_logits)
        candidate = self._onnx if om_logits is None else om_logits
        return Diagnosis(
            ids=ids,
            nodes=tuple(self._nodes),
            first_diverging=next(diverging, None),
            ranked=tuple(node.index for node in sorted(whole, key=lambda node: -size(node.own))),
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
            fp16_expected=self._logits_fp16,
        )

    def _whole_graph(self) -> Compared:
        if self._onnx is None or self._onnx.shape != self._pth.shape:
            return compare(None, self._pth)
        return compare(self._graph.run(self._images), self._onnx)


def channel_of(found: Alignment, region: Region) -> Channel | None:
    """Where a region that diverges is worst; None for one that does not."""
    if not region.diverges:
        return None
    own = run_part(found.graph, region.nodes, found.values, region.output, fp16=False)
    return worst_channel(own, found.torch.values[region.partner].array)


def rounded_nodes(found: Alignment) -> frozenset[int]:
    """After which nodes a device keeps fp16: what torch computes as one operation, it does too, but for products."""
    ends = {region.nodes[-1] for region in found.regions.values()}
    return frozenset(ends | {node.index for node in found.graph.nodes if node.operator in PRODUCTS})


def _worst(ids: Sequence[str], candidate: Array | None, pth: Array) -> tuple[ImageError, ...]:
    errors = [
        ImageError(id=name, errors=compare(None if candidate is None else candidate[row : row + 1], pth[row : row + 1]))
        for row, name in enumerate(ids)
    ]
    return tuple(sorted(errors, key=lambda image: -size(image.errors))[:WORST_IMAGES])


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
