"""Which node an OM computes wrongly, found from outside: compile models cut after a node, and bisect on their outputs.

The tools show an OM's outputs only. A model cut after node k makes that node's output the OM's own, so the same atc and
the same inference tool answer for every node; bisection over AlexNet's 20 takes at most 6 compilations.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.ascend.atc import AtcRequest, compile_om
from tools.ascend.dumps import read_logits
from tools.ascend.inference import DatasetJob, run_dataset
from tools.ascend.runs import ran_gate
from tools.ascend.target import Target
from tools.base.errors import OnnxError, SuiteError
from tools.base.files import atomic
from tools.diagnosis.node_errors import FP16_MARGIN, Compared, beyond_fp16, compare, words
from tools.diagnosis.onnx_nodes import NodeGraph, outputs_at
from tools.judge.ids import ONNX_EXPORT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


PACKED = "packed"
"""The id of a sample that is not an image."""


@dataclass(frozen=True)
class CutModel:
    """An ONNX file that ends after a node: its input, and its output's shape without the batch axis."""

    path: Path
    node_index: int
    node: str
    operator: str
    input_name: str
    output_shape: tuple[int, ...]

    @property
    def width(self) -> int:
        """Values an image has in the output, as the tools dump them."""
        return math.prod(self.output_shape)


RunOm = Callable[[CutModel], "Array"]
"""Compiles a cut model, runs it over the probe images and returns float32 (images, width), rows in their order."""


@dataclass(frozen=True)
class Probe:
    """One cut model: the OM's output against onnxruntime's, and what emulated fp16 makes of the same nodes."""

    node_index: int
    node: str
    operator: str
    found: Compared
    fp16_expected: Compared

    @property
    def diverges(self) -> bool:
        """Whether fp16 does not explain the error."""
        return beyond_fp16(self.found, self.fp16_expected)


@dataclass(frozen=True)
class Localisation:
    """The first node whose OM output diverges (None: the whole model's does not), and the probes in their order.

    The node before the named one was probed and does not diverge, or there is none before it.
    """

    first_diverging: int | None
    probes: tuple[Probe, ...]


def cut_model(onnx_path: Path, node_index: int, out: Path) -> CutModel:
    """Write the model that ends after node `node_index` (file order); input and weights keep names, dtypes and order.

    OnnxError when there is no such node or its output's shape is not fixed but for the batch axis.
    """
    import onnx

    graph = NodeGraph(onnx_path)
    if not 0 <= node_index < len(graph.nodes):
        raise _cut_error("there is no such node", onnx_path, measured=node_index, allowed=f"0..{len(graph.nodes) - 1}")
    node = graph.nodes[node_index]
    try:
        inferred = onnx.shape_inference.infer_shapes(graph.model, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        reason = " ".join(str(error).split())
        raise _cut_error("the shapes in the graph contradict each other", onnx_path, measured=reason) from error
    model = onnx.utils.Extractor(inferred).extract_model([graph.input], [node.output])
    axes = model.graph.output[0].type.tensor_type.shape.dim
    shape = tuple(axis.dim_value for axis in list(axes)[1:])
    if not axes or not all(size > 0 for size in shape):
        raise _cut_error(f"the output of {node.name} has no fixed shape", onnx_path, measured=list(shape))
    with atomic(out) as partial:
        onnx.save(model, str(partial))
    return CutModel(out, node_index, node.name, node.operator, graph.input, shape)


def first_diverging(nodes: int, diverges: Callable[[int], bool]) -> int | None:
    """A node of `nodes` at which the error sets in, None when the last one does not diverge; none is asked twice.

    It takes 1 + ceil(log2(nodes)) questions, and finds the first one unless a later node hides the error again.
    """
    if nodes < 1:
        raise SuiteError("there are no nodes to look at")
    if not diverges(nodes - 1):
        return None
    sound, broken = -1, nodes - 1
    while broken - sound > 1:
        middle = (sound + broken) // 2
        if diverges(middle):
            broken = middle
        else:
            sound = middle
    return broken


def localise(
    onnx_path: Path,
    images: Array,
    run_om: RunOm,
    work: Path,
    *,
    rounded: Container[int] | None = None,
) -> Localisation:
    """Find the node at which OMs compiled from `onnx_path` leave what fp16 explains, on `images` (N, 3, H, W).

    `rounded` are the nodes whose outputs a device keeps in fp16 (default: all). Only nodes that the pixels reach are
    gone through.

    Cut models are written into `work`, one at a time. It compiles anew: None means that the OM at fault is not what atc
    makes of this file now. SuiteError when `run_om` yields other than one row of the cut's width an image.
    """
    graph = NodeGraph(onnx_path)
    kept = range(len(graph.nodes)) if rounded is None else rounded
    data = [node.index for node in graph.nodes if node.data]
    probes: list[Probe] = []

    def diverges(place: int) -> bool:
        path = work / f"cut{data[place]}.onnx"
        probes.append(_probe(graph, images, data[place], run_om, path, kept))
        return probes[-1].diverges

    found = first_diverging(len(data), diverges)
    return Localisation(None if found is None else data[found], tuple(probes))


def render(localisation: Localisation, *, om_explained: bool) -> list[str]:
    """The probes and the finding as lines, for terminal and report.

    `om_explained` says that fp16 explains the error of the OM in question: where no node diverges, none is at fault.
    """
    lines = [
        f"cut after {probe.node_index} {probe.node} ({probe.operator}): {words(probe.found)}; fp16 alone: "
        f"{words(probe.fp16_expected)}{'; diverges' if probe.diverges else ''}"
        for probe in localisation.probes
    ]
    if localisation.first_diverging is None:
        finding = (
            "no node is at fault: the bound is tighter than fp16"
            if om_explained
            else "an OM compiled anew from this ONNX does not diverge: the one at fault is not made of this file"
        )
        return [*lines, finding]
    probe = next(probe for probe in localisation.probes if probe.node_index == localisation.first_diverging)
    return [
        *lines,
        f"first diverging node of the OM: {probe.node_index} {probe.node} ({probe.operator}), "
        f"beyond {FP16_MARGIN:g} times what fp16 costs up to there",
    ]


@dataclass(frozen=True)
class AscendRunner:
    """The RunOm of a target: atc and the target's own inference tool; the bins of `ids` are the probe images.

    `image_shape` is the input's shape without the batch axis; everything is kept below `work` and `logs`, both private.
    `pixels_size` is that of the bins' pictures where AIPP cuts them.
    """

    target: Target
    bins: Path
    ids: tuple[str, ...]
    image_shape: tuple[int, ...]
    soc: str
    work: Path
    logs: Path
    batch: int = 1
    device: int = 0
    extra_args: tuple[str, ...] = ()
    pixels_size: tuple[int, int] | None = None
    timeout_seconds: float = 3600

    def packed(self, cut: CutModel, sample: Array) -> Array:
        """The same for a model of one image whose input is not an image: float32 (values,) in and out."""
        bins = self.work / f"parts{cut.node_index}"
        bins.mkdir(parents=True)
        (bins / f"{PACKED}.bin").write_bytes(sample.tobytes())
        place, logs = self.work / "parts", self.logs / "parts"
        shape = (1, 1, sample.size)
        runner = dataclasses.replace(self, bins=bins, ids=(PACKED,), image_shape=shape, work=place, logs=logs, batch=1)
        output: Array = runner(cut)[0]
        return output

    def __call__(self, cut: CutModel) -> Array:
        """Compile the cut model, run it and read its dumps; OmError and AccuracyError as at any OM."""
        place, logs = self.work / f"node{cut.node_index}", self.logs / f"node{cut.node_index}"
        request = AtcRequest(
            onnx=cut.path,
            om=place / f"cut{cut.node_index}.om",
            input_name=cut.input_name,
            image_shape=self.image_shape,
            batch=self.batch,
            soc=self.soc,
            extra_args=self.extra_args,
        )
        env, limit = self.target.env, self.timeout_seconds
        compile_om(request, env=env, work=place / "atc", logs=logs / "atc", timeout_seconds=limit)
        height, width = self.pixels_size or self.image_shape[1:]
        job = DatasetJob(
            om=request.om,
            bins=self.bins,
            ids=self.ids,
            batch=self.batch,
            width=width,
            height=height,
            work=place / "run",
            logs=logs / "run",
            timeout_seconds=limit,
        )
        dumps = run_dataset(self.target, job, [self.device]).dumps
        return read_logits(dumps, self.ids, cut.width, gate=ran_gate(self.batch))


def _probe(graph: NodeGraph, images: Array, index: int, run_om: RunOm, path: Path, rounded: Container[int]) -> Probe:
    cut = cut_model(graph.path, index, path)
    try:
        rows = run_om(cut)
    finally:
        path.unlink()
    if rows.shape != (len(images), cut.width):
        raise SuiteError(
            f"the OM cut after {cut.node} gave other than one row an image",
            measured=list(rows.shape),
            allowed=[len(images), cut.width],
        )
    exact, rounded = (values.reshape(len(images), -1) for values in outputs_at(graph, images, index, rounded))
    return Probe(
        node_index=index,
        node=cut.node,
        operator=cut.operator,
        found=compare(rows, exact),
        fp16_expected=compare(rounded, exact),
    )


def _cut_error(what: str, path: Path, *, measured: object, allowed: object = None) -> OnnxError:
    return OnnxError(what, gate=ONNX_EXPORT, where=path, measured=measured, allowed=allowed)
