"""From an fp32 ONNX graph to one with the device's numerics: fp16 values between nodes, fp32 accumulation inside.

onnxruntime on a CPU computes fp16 nodes in its own way, so nothing is computed in fp16 here: weights are stored as fp16
and widened, every node computes in fp32, and a pair of Casts rounds what goes into the next node. That holds for any
operator. What does not depend on the model's inputs is folded by atc on the host in float32, and rounded where it meets
data; element types other than float32 (shapes, indices, conditions) are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.ascend.simulator.fusions import fused_groups
from tools.ascend.simulator.numerics import Numerics

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    Weight = npt.NDArray[np.float32]

# Rounding commutes with these, for they select, reorder or rename values: it waits until they are through, so that
# onnxruntime can fuse them with the node before and there is less to round after a pool.
EXACT = frozenset(
    {"Relu", "MaxPool", "GlobalMaxPool", "Flatten", "Reshape", "Transpose", "Identity", "Dropout", "Squeeze"}
    | {"Unsqueeze", "Slice", "Gather", "Split", "Expand", "Tile", "Pad", "DepthToSpace", "SpaceToDepth", "Cast"}
)
# These bring values together without changing them: their inputs are rounded, once for all nodes that join them.
JOINING = frozenset({"Concat", "Where", "Max", "Min", "GatherElements", "GatherND", "ScatterND", "ScatterElements"})
# Inputs by position that are float32 on a device too: CANN declares BatchNorm's parameters so, whatever the data is,
# and its parser takes sizes from the scales of a Resize.
WIDE_INPUTS = {"BatchNormalization": (1, 2, 3, 4), "Resize": (1, 2), "Upsample": (1,)}
LARGEST = 65504.0


@dataclass(frozen=True)
class Conversion:
    """What is asked of the rewriting.

    `floats` are the names of all float32 tensors; `change_weight(name, fp32 array)` is where faults get at the weights;
    `clip` keeps weights finite in fp16 (--is_weight_clip); nodes in `kept`, by index, compute in float32; the last two
    are inputs and outputs (by position) that are fp16 in the OM.
    """

    numerics: Numerics
    floats: frozenset[str]
    change_weight: Callable[[str, Weight], Weight]
    clip: bool = True
    kept: frozenset[int] = frozenset()
    narrow_inputs: frozenset[str] = frozenset()
    narrow_outputs: frozenset[int] = frozenset()


def to_fp16(model: onnx.ModelProto, asked: Conversion) -> None:
    """Rewrite the graph in place. Outputs change their names and keep their order."""
    rewriting = _Rewriting(model.graph, asked)
    rewriting.store_weights()
    rewriting.take_narrow_inputs()
    for index, node in enumerate(model.graph.node):
        rewriting.add(index, node)
    rewriting.give_outputs()
    del model.graph.node[:]
    model.graph.node.extend(rewriting.nodes)


class _Rewriting:
    """The new nodes, in order, and what is known of the tensors."""

    def __init__(self, graph: onnx.GraphProto, asked: Conversion) -> None:
        self.graph, self.asked = graph, asked
        self.nodes: list[onnx.NodeProto] = []
        self.groups = fused_groups(graph)
        self.makers = {name: index for index, node in enumerate(graph.node) for name in node.output}
        self.scalars = {tensor.name for tensor in graph.initializer if all(size == 1 for size in tensor.dims)}
        self.live = _live(graph)
        self.twins: dict[str, str] = {}
        self.done: set[str] = set()
        """Tensors whose values are fp16 values already."""

    def store_weights(self) -> None:
        """Store as fp16 what is only ever used rounded; the rest stays float32, and is rounded where it is used."""
        import numpy as np
        from onnx import TensorProto, helper, numpy_helper

        narrow = self._narrow_weights()
        for tensor in self.graph.initializer:
            if tensor.data_type != TensorProto.FLOAT:
                continue
            name = tensor.name
            values = self.asked.change_weight(name, numpy_helper.to_array(tensor))
            if name not in narrow:
                tensor.CopyFrom(numpy_helper.from_array(values, name))
                continue
            clipped = np.clip(values, -LARGEST, LARGEST) if self.asked.clip else values
            with np.errstate(over="ignore"):  # infinite on the device too
                tensor.CopyFrom(numpy_helper.from_array(clipped.astype(np.float16), f"{name}/fp16"))
            self.nodes.append(helper.make_node("Cast", [f"{name}/fp16"], [name], to=TensorProto.FLOAT))
            self.done.add(name)

    def _narrow_weights(self) -> set[str]:
        narrow, wide = set[str](), set[str]()
        for index, node in enumerate(self.graph.node):
            for position, name in enumerate(node.input if index in self.live else ()):
                rounds = self._rounds_input(index) and not self._stays(index, position)
                (narrow if rounds else wide).add(name)
        return narrow - wide

    def take_narrow_inputs(self) -> None:
        """Inputs that are fp16 in the OM are widened under their own names for the nodes that take them."""
        from onnx import TensorProto, helper

        for value in self.graph.input:
            if value.name in self.asked.narrow_inputs:
                value.type.tensor_type.elem_type = TensorProto.FLOAT16
                wide = f"{value.name}/float32"
                self.nodes.append(helper.make_node("Cast", [value.name], [wide], to=TensorProto.FLOAT))
                self.twins[value.name] = wide
                self.done.add(wide)

    def add(self, index: int, node: onnx.NodeProto) -> None:
        """A node, its inputs rounded as the numerics ask."""
        if index in self.live:
            node.input[:] = [self._taken(index, position, name) for position, name in enumerate(node.input)]
        self.nodes.append(node)
        values = [name for name in node.input if self._is_float(name)]
        if node.op_type in EXACT | JOINING and values and self.done.issuperset(values):
            self.done.update(self.asked.floats.intersection(node.output))

    def _taken(self, index: int, position: int, name: str) -> str:
        operator = self.graph.node[index].op_type
        if name in self.asked.narrow_inputs:
            return self.twins[name]
        waits = operator in EXACT and not (operator == "Cast" and not self._is_float(self.graph.node[index].output[0]))
        stays = self._stays(index, position)
        asked = self._rounds_input(index) and not waits and not stays
        into_kept = index in self.asked.kept and not stays
        return self._rounded(name) if asked or self._comes_rounded(name, into_kept=into_kept) else name

    def _stays(self, index: int, position: int) -> bool:
        """Whether an input is float32 on the device too: a parameter, or inside of a fused operator."""
        node = self.graph.node[index]
        if position in WIDE_INPUTS.get(node.op_type, ()):
            return True
        group, name = self.groups.get(index), node.input[position]
        if group is None:
            return False
        return name in self.scalars or self.groups.get(self.makers.get(name, -1)) == group

    def _comes_rounded(self, name: str, *, into_kept: bool) -> bool:
        """Whether the node that makes this tensor rounds it although the next one need not."""
        maker = self.makers.get(name)
        if maker is None or not self._rounds_output(maker):
            return False
        return self.asked.numerics is Numerics.MATRIX_FP16 or (into_kept and maker in self.live)

    def _rounds_input(self, index: int) -> bool:
        return index not in self.asked.kept and self.asked.numerics.rounds_input(self._operator(index))

    def _rounds_output(self, index: int) -> bool:
        return index not in self.asked.kept and self.asked.numerics.rounds_output(self._operator(index))

    def _operator(self, index: int) -> str:
        return str(self.graph.node[index].op_type)

    def _is_float(self, name: str) -> bool:
        return name in self.asked.floats or name in self.done

    def _rounded(self, name: str) -> str:
        from onnx import TensorProto, helper

        if name not in self.asked.floats or name in self.done:
            return name
        if name not in self.twins:
            self.twins[name] = f"{name}/rounded"
            self.nodes.append(
                helper.make_node("Cast", [self._narrowed(name)], [self.twins[name]], to=TensorProto.FLOAT)
            )
            self.done.add(self.twins[name])
        return self.twins[name]

    def _narrowed(self, name: str) -> str:
        from onnx import TensorProto, helper

        narrow = f"{name}/fp16"
        self.nodes.append(helper.make_node("Cast", [name], [narrow], to=TensorProto.FLOAT16))
        return narrow

    def give_outputs(self) -> None:
        """The outputs as they leave the device: rounded, and as fp16 tensors where asked."""
        from onnx import TensorProto

        for position, value in enumerate(self.graph.output):
            maker = self.makers.get(value.name)
            rounds = maker is None or self._rounds_output(maker)
            given = self._rounded(value.name) if rounds else value.name
            if position in self.asked.narrow_outputs:
                given = self._narrowed(given)
                value.type.tensor_type.elem_type = TensorProto.FLOAT16
            value.name = given


def _live(graph: onnx.GraphProto) -> set[int]:
    """Indices of the nodes that compute on the model's inputs; sizes are constants, for an OM has a fixed shape."""
    constants = {tensor.name for tensor in graph.initializer}
    data = {value.name for value in graph.input} - constants
    found: set[int] = set()
    for index, node in enumerate(graph.node):
        if node.op_type not in ("Shape", "Size") and data.intersection(node.input):
            found.add(index)
            data.update(node.output)
    return found
