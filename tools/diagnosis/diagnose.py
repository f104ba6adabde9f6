"""Where accuracy is lost, node by node (`tools/diagnose.py` is the command).

Every node is judged by its own error: what it does to the reference's input, and not what reached it. So the first
diverging node is the one that is wrong, and not everything behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.diagnosis.alignment import Alignment, Region
from tools.diagnosis.findings import Diagnosis, ImageError, NodeDiagnosis, OmDiagnosis
from tools.diagnosis.node_errors import Channel, Compared, compare, size, worst_channel
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
