"""Which torch value each value of an ONNX graph is, and where the graph leaves torch.

Every node is fed with torch's own values, so errors do not add up: what a node yields is one of torch's values within
fp32 rounding, or it is inside of something that torch computes as one operation, or it is wrong. The latter two are
told apart by what comes behind: inside, the nodes that follow arrive at one of torch's values again. Behind a wrong
node none does, until torch's value is put in its place; the first node at which that helps is to blame.

No name is needed for that, so it holds for files of other exporters and for folded and fused operators too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.base.errors import OnnxError
from tools.diagnosis.candidates import Candidates
from tools.diagnosis.node_errors import Compared, beyond_fp32, compare, size
from tools.diagnosis.onnx_nodes import Node, NodeGraph
from tools.diagnosis.torch_values import TorchValue, TorchValues

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

LOOKAHEAD_NODES = 32
"""So many nodes an exporter makes of one operation of torch at most; of a layer normalisation it makes 9."""
TRIED_NODES = 16
"""How many nodes of a stretch that leaves torch are tried as its end, in file order."""
NAMED_MODULES = 3


@dataclass(frozen=True)
class Region:
    """Nodes of the graph that together are one or several operations of torch; `nodes` in file order, the last is its
    end and yields `output`. `inputs` are the names that it reads of values that are torch's, `partner` the index of
    the torch value that it should be, `module` what computes that, `between` all of torch's operations on the way.

    `own` is its error on torch's values; `diverges` says that rounding does not explain it.
    """

    nodes: tuple[int, ...]
    inputs: tuple[str, ...]
    output: str
    partner: int
    module: str
    between: tuple[str, ...]
    own: Compared
    diverges: bool


@dataclass(frozen=True)
class _Ending:
    """A value taken for the torch value `partner`."""

    name: str
    node: int
    partner: int
    distance: float


class Alignment:
    """The graph beside torch; `regions` by the index of the node that ends them.

    `values` holds what every node yields when fed with torch's values, and torch's own where it is one of them.
    OnnxError for a node that onnxruntime cannot run on torch's values.
    """

    def __init__(self, graph: NodeGraph, torch: TorchValues, images: Array) -> None:
        self.graph, self.torch = graph, torch
        self.values: dict[str, Any] = {graph.input: images}
        self.regions: dict[int, Region] = {}
        self._partners = {graph.input: 0}
        self._candidates = Candidates(torch)
        self._makers = {name: node for node in graph.nodes for name in node.outputs}
        self._read = {name for node in graph.nodes for name in node.inputs} | {graph.output}
        self._open: dict[str, int] = {}
        """Values of which nothing that follows is torch's yet, by name: the node that makes each."""
        self._decided: dict[str, int] = {}
        """Values that diverge, by name: the torch value that each should be."""
        self._suspects: dict[int, bool] = {}
        """Nodes that left torch although what follows is torch's again: whether that was looked into."""
        self._run()
        self._of_node: dict[int, Region] = {}
        for index in sorted(self.regions):
            for node in self.regions[index].nodes:
                self._of_node.setdefault(node, self.regions[index])

    def region_of(self, index: int) -> Region | None:
        """The region that a node belongs to; None for one of no consequence for the graph's output."""
        return self._of_node.get(index)

    def _run(self) -> None:
        index, last = 0, len(self.graph.nodes)
        while index < last:
            self._step(self.graph.nodes[index])
            index += 1
            stale = self._stale(index)
            if stale is not None:
                index = self._close(stale) + 1

    def _step(self, node: Node) -> None:
        """Run the node and look for its output among torch's values."""
        made = self._made(node, self.values)
        self.values.update(made)
        for name, array in made.items():
            if not node.data or name not in self._read or not _is_float(array):
                continue
            partner = self._decided.get(name, self._partner(name, array))
            self._open[name] = node.index
            if partner is not None and not self._is_hidden(node, partner):
                self._meet(_Ending(name, node.index, partner, 0.0), diverges=name in self._decided)

    def _is_hidden(self, node: Node, partner: int) -> bool:
        """Whether an error before the node is merely too small, behind it, to be told from rounding.

        A softmax or a sum may swallow it. Then torch has values on the way that the graph should have had, too.
        """
        stretch, _ = self._stretch(node)
        inside = self.torch.between({*self._partners.values()}, partner)[:-1]
        if len(stretch) == 1 or not inside or stretch[0] in self._suspects:
            return False
        for index in stretch[:-1]:
            for name in self.graph.nodes[index].outputs:
                shape = getattr(self.values.get(name), "shape", None)
                alike = [value for value in inside if value.array.shape == shape]
                if any(self._meets_again(_Ending(name, index, value.index, 0.0)) for value in alike):
                    self._suspects[stretch[0]] = False
                    return True
        return False

    def _partner(self, name: str, array: Array, also: Collection[int] = ()) -> int | None:
        """Which of torch's values it is that is not taken; the graph's output is the network's or none."""
        if name == self.graph.output:
            due = self.torch.values[self.torch.output].array
            return None if beyond_fp32(compare(array, due)) else self.torch.output
        return self._candidates.same(array, {*self._partners.values(), *also})

    def _made(self, node: Node, values: dict[str, Any]) -> dict[str, Any]:
        """What the node yields; nothing where a wrong value before it made that impossible."""
        if not all(name in values for name in node.inputs):
            return {}
        try:
            return self.graph.compute(node, values)
        except OnnxError:
            if not self._open:
                raise
            return {}

    def _stale(self, index: int) -> int | None:
        """The first node that left torch, once enough nodes have followed without meeting it again."""
        for suspect in (node for node, seen in self._suspects.items() if not seen):
            return suspect
        first = min(self._open.values(), default=None)
        if first is None:
            return None
        reached, behind = set(self.graph.nodes[first].outputs), 0
        for node in self.graph.nodes[first + 1 : index]:
            if node.data and reached.intersection(node.inputs):
                reached.update(node.outputs)
                behind += 1
        at_end = index == len(self.graph.nodes)
        if at_end and self.graph.output not in reached:  # nothing that the output needs
            self._open = {name: node for name, node in self._open.items() if node != first}
            return self._stale(index)
        return first if behind >= LOOKAHEAD_NODES or at_end else None

    def _close(self, first: int) -> int:
        """Find where the stretch that begins at node `first` ends; the index of that node."""
        if first in self._suspects:
            self._suspects[first] = True
        found = self._ending(first)
        self._decided[found.name] = found.partner
        if self._done > found.node:
            self._walk_again(first, found.node)
        self._meet(found, diverges=True)
        return found.node

    def _ending(self, first: int) -> _Ending:
        """The first value in whose place torch's helps; if none does, the one most like its partner."""
        self._walk_again(first, first - 1)
        best, reached, tried = self._last_resort(), set(self.graph.nodes[first].outputs), 0
        for node in self.graph.nodes[first:]:
            self._step(node)
            self._done = node.index
            if node.index != first and not (node.data and reached.intersection(node.inputs)):
                continue
            reached.update(node.outputs)
            for ending in self._endings(node):
                if self._meets_again(ending):
                    return ending
                best = min(best, ending, key=lambda one: one.distance)
            tried += 1
            if tried == TRIED_NODES:
                break
        return best

    def _last_resort(self) -> _Ending:
        """The graph's output, whatever it is: it should be the network's."""
        name = self.graph.output
        return _Ending(name, self._makers[name].index, self.torch.output, 1.0)

    def _endings(self, node: Node) -> Iterator[_Ending]:
        for name in node.outputs:
            if name not in self._open or name == self.graph.output:
                continue
            inputs = [self._partners[read] for read in self._stretch(node)[1]]
            for partner in self._candidates.near(self.values[name], inputs, self._partners.values()):
                distance = size(compare(self.values[name], self.torch.values[partner].array))
                yield _Ending(name, node.index, partner, distance)

    def _meets_again(self, ending: _Ending) -> bool:
        """Whether, with torch's value in this place, what follows is torch's."""
        values = self.values | {ending.name: self.torch.values[ending.partner].array}
        reached, behind = {ending.name}, 0
        for node in self.graph.nodes[ending.node + 1 :]:
            made = self._made(node, values)
            values.update(made)
            if not node.data or not reached.intersection(node.inputs):
                continue
            reached.update(node.outputs)
            behind += 1
            alike = [self._partner(name, array, (ending.partner,)) for name, array in made.items() if _is_float(array)]
            if any(partner is not None for partner in alike):
                return True
            if behind == LOOKAHEAD_NODES or not made:
                return False
        return False

    def _walk_again(self, first: int, last: int) -> None:
        """Forget all from node `first` on and go to node `last` anew."""
        again = {name for node in self.graph.nodes[first:] for name in node.outputs}
        for known in (self.values, self._partners, self._open):
            for name in again.intersection(known):
                del known[name]
        self.regions = {index: region for index, region in self.regions.items() if index < first}
        for node in self.graph.nodes[first : last + 1]:
            self._step(node)
        self._done = last

    def _meet(self, ending: _Ending, *, diverges: bool) -> None:
        """The value is torch's from here on, and what lies before it is accounted for."""
        own = self.torch.values[ending.partner].array
        nodes, inputs = self._stretch(self.graph.nodes[ending.node])
        operations = self.torch.between({*self._partners.values()}, ending.partner)
        region = Region(
            nodes=nodes,
            inputs=inputs,
            output=ending.name,
            partner=ending.partner,
            module=_module(operations),
            between=tuple(dict.fromkeys(value.module for value in operations)),
            own=compare(self.values.get(ending.name), own),
            diverges=diverges,
        )
        self.regions.setdefault(ending.node, region)
        self.values[ending.name], self._partners[ending.name] = own, ending.partner
        self._open = {name: node for name, node in self._open.items() if node not in nodes}

    def _stretch(self, end: Node) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """The nodes between torch's values and this one, itself included, and the names of those values."""
        nodes, inputs, waiting = {end.index}, dict[str, None](), [end]
        while waiting:
            for name in waiting.pop().inputs:
                maker = self._makers.get(name)
                if name in self._partners:
                    inputs[name] = None
                elif maker is not None and maker.data and maker.index not in nodes:
                    nodes.add(maker.index)
                    waiting.append(maker)
        return tuple(sorted(nodes)), tuple(inputs)


def _is_float(array: Any) -> bool:  # noqa: ANN401 - of any element type
    return bool(array.dtype == "float32")


def _module(operations: Sequence[TorchValue]) -> str:
    """Whose weights are read on the way; where none are, what makes the value."""
    weighted = list(dict.fromkeys(value.module for value in operations if value.weighted))
    if not weighted:
        return operations[-1].module
    if len(weighted) > NAMED_MODULES:
        return f"{weighted[0]} ... {weighted[-1]} ({len(weighted)} modules)"
    return " + ".join(weighted)
