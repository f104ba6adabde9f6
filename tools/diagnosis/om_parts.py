"""Which operations an OM computes wrongly, each judged on its own: many of them side by side in one model.

A fault of one filter is lost in what fp16 has cost a deep network so far. So every operation is fed with torch's own
values: they come packed into the one input of a model that holds the operations as its branches, and leave it packed
into its one output. The same atc and the same inference tool answer, in a compilation or a few. An operation is taken
out of its surroundings by that: what a compiler does wrong only there shows in models cut after a node (diagnose_om).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.diagnosis.alignment import Alignment, Region
from tools.diagnosis.diagnose_om import CutModel
from tools.diagnosis.node_errors import (
    FP16_MARGIN,
    Channel,
    Compared,
    beyond_fp16,
    channel_beyond_fp16,
    channel_words,
    compare,
    words,
    worst_channel,
)
from tools.diagnosis.onnx_nodes import run_part, to_fp16

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

MOVERS = frozenset(
    {"Cast", "Concat", "Dropout", "Expand", "Flatten", "Gather", "Identity", "Pad", "Reshape", "ScatterND", "Slice"}
    | {"Split", "Squeeze", "Transpose", "Unsqueeze"}
)
"""Operators that only move values; they are not looked at one by one."""
VALUES_A_MODEL = 2**24
"""Of input and output together: 64 MiB of float32."""
INPUT = "packed"

RunPacked = Callable[[CutModel, "Array"], "Array"]
"""Compiles a packed model, runs it on one packed sample (values,) and returns its output, float32 (values,)."""


@dataclass(frozen=True)
class OmPart:
    """One operation in the OM against the same nodes in fp32, both on torch's values rounded to fp16."""

    node: str
    operator: str
    module: str
    together: tuple[str, ...]
    found: Compared
    fp16_expected: Compared
    channel: Channel | None
    diverges: bool


def diagnose_parts(found: Alignment, run: RunPacked, work: Path) -> tuple[OmPart, ...]:
    """Every operation of the graph in an OM of its own branch; `found` is the alignment of one image.

    Models are written into `work`, one at a time.
    """
    made: list[OmPart] = []
    for number, regions in enumerate(_groups(found)):
        path = work / f"parts{number}.onnx"
        packing = _Packing(found, regions)
        try:
            cut = packing.write(path, number)
            output = run(cut, packing.sample())
        finally:
            path.unlink(missing_ok=True)
        if output.shape != (cut.width,):
            raise SuiteError("the OM of parts gave another output", measured=list(output.shape), allowed=[cut.width])
        made += packing.judge(output)
    return tuple(made)


def render_parts(parts: Sequence[OmPart]) -> list[str]:
    """What was found, a line for each operation that diverges."""
    wrong = [part for part in parts if part.diverges]
    if not wrong:
        return [f"in the OM none of {len(parts)} operations, each on torch's own values, diverges beyond fp16"]
    return [
        f"the OM computes {part.node} ({part.operator}, torch {part.module}) wrongly: {words(part.found)}"
        f"{channel_words(part.channel)}; fp16 alone: {words(part.fp16_expected)}, {FP16_MARGIN:g} times that is allowed"
        for part in wrong
    ]


def _groups(found: Alignment) -> Iterator[list[Region]]:
    """Operations whose values fit into one model."""
    group: list[Region] = []
    filled = 0
    for index in sorted(found.regions):
        region = found.regions[index]
        if all(found.graph.nodes[node].operator in MOVERS for node in region.nodes):
            continue
        size = sum(found.values[name].size for name in (*region.inputs, region.output))
        if group and filled + size > VALUES_A_MODEL:
            yield group
            group, filled = [], 0
        group.append(region)
        filled += size
    if group:
        yield group


class _Packing:
    """Operations as the branches of one model: what they read is cut out of the input, what they yield is joined."""

    def __init__(self, found: Alignment, regions: Sequence[Region]) -> None:
        self._found, self._regions = found, regions
        self._inputs = list(dict.fromkeys(name for region in regions for name in region.inputs))
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}

    def sample(self) -> Array:
        """The packed input, rounded to fp16."""
        import numpy as np

        return to_fp16(np.concatenate([self._found.values[name].reshape(-1) for name in self._inputs]))

    def write(self, path: Path, number: int) -> CutModel:
        """Write the model; input (1, 1, 1, values), output (1, values)."""
        import onnx
        from onnx import TensorProto, helper

        self._unpack()
        outputs = [self._branch(place, region) for place, region in enumerate(self._regions)]
        self._add("Concat", outputs, "joined", axis=1)
        ends = (self._width(self._inputs), self._width([region.output for region in self._regions]))
        graph = helper.make_graph(
            self._nodes,
            "parts",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 1, 1, ends[0]])],
            [helper.make_tensor_value_info("joined", TensorProto.FLOAT, [1, ends[1]])],
            list(self._weights.values()),
        )
        like = self._found.graph.model
        model = helper.make_model(graph, opset_imports=list(like.opset_import), ir_version=like.ir_version)
        with atomic(path) as partial:
            onnx.save(model, str(partial))
        return CutModel(path, number, "parts", f"{len(self._regions)} operations", INPUT, (ends[1],))

    def judge(self, output: Array) -> Iterator[OmPart]:
        """Each operation's slice of the output."""
        start = 0
        for region in self._regions:
            size = self._found.values[region.output].size
            yield self._part(region, output[start : start + size])
            start += size

    def _part(self, region: Region, output: Array) -> OmPart:
        fed = {name: to_fp16(self._found.values[name]) for name in region.inputs}
        values = {**self._found.values, **fed}
        graph, end = self._found.graph, self._found.graph.nodes[region.nodes[-1]]
        exact = run_part(graph, region.nodes, values, region.output, fp16=False)
        rounded = run_part(graph, region.nodes, values, region.output, fp16=True)
        output = output.reshape(exact.shape)
        found, expected = compare(output, exact), compare(rounded, exact)
        diverges = beyond_fp16(found, expected)
        if not isinstance(found, str) and not isinstance(expected, str):
            diverges = diverges or channel_beyond_fp16(output, rounded, exact)
        return OmPart(
            node=end.name,
            operator=end.operator,
            module=region.module,
            together=tuple(graph.nodes[index].name for index in region.nodes),
            found=found,
            fp16_expected=expected,
            channel=worst_channel(output, exact) if diverges else None,
            diverges=diverges,
        )

    def _width(self, names: Sequence[str]) -> int:
        return sum(int(self._found.values[name].size) for name in names)

    def _unpack(self) -> None:
        """Cut every value that is read out of the input."""
        start = 0
        for place, name in enumerate(self._inputs):
            array = self._found.values[name]
            stop = start + array.size
            cut = [self._sizes(f"from{place}", [start]), self._sizes(f"to{place}", [stop])]
            self._add("Slice", [INPUT, *cut, self._sizes("values_axis", [3])], f"cut{place}")
            self._add("Reshape", [f"cut{place}", self._sizes(f"shape{place}", array.shape)], self._given(name))
            start = stop

    def _given(self, name: str) -> str:
        return f"given{self._inputs.index(name)}"

    def _branch(self, place: int, region: Region) -> str:
        """The operation's nodes under names of its own; the name of its flattened output."""
        import onnx

        graph, own = self._found.graph, dict[str, str]()
        for index in region.nodes:
            node, proto = graph.nodes[index], onnx.NodeProto()
            proto.CopyFrom(graph.part(node))
            for name in node.inputs:
                if name not in own and name not in region.inputs:
                    self._keep(name, self._found.values[name])
            for name in node.weights:
                self._keep(name, graph.weight(name))
            own.update({name: f"part{place}/{name}" for name in node.outputs})
            given = {name: self._given(name) for name in region.inputs}
            proto.input[:] = [own.get(name, given.get(name, name)) for name in proto.input]
            proto.output[:] = [own.get(name, name) for name in proto.output]
            proto.name = f"part{place}/{node.name}"
            self._nodes.append(proto)
        flat = f"part{place}/flat"
        self._add("Reshape", [own[region.output], self._sizes("flat", [1, -1])], flat)
        return flat

    def _keep(self, name: str, array: Array) -> None:
        from onnx import numpy_helper

        if name not in self._weights:
            self._weights[name] = numpy_helper.from_array(array, name)

    def _sizes(self, name: str, sizes: Sequence[int]) -> str:
        import numpy as np

        name = f"{INPUT}/{name}"
        self._keep(name, np.asarray(sizes, np.int64))
        return name

    def _add(self, operator: str, inputs: Sequence[str], output: str, axis: int | None = None) -> None:
        from onnx import helper

        node = helper.make_node(operator, list(inputs), [output], f"{INPUT}/{output}")
        if axis is not None:
            node.attribute.append(helper.make_attribute("axis", axis))
        self._nodes.append(node)
