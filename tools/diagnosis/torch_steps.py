"""The checkpoint's network one operation at a time, in execution order, matched to the nodes of its ONNX graph.

Operations come from torch.fx and not from module hooks: AlexNet's flatten is a function and has no module to hook.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.base.errors import SuiteError
from tools.diagnosis.onnx_nodes import Node

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

OPERATORS = {
    "Conv2d": ("Conv",),
    "ReLU": ("Relu",),
    "MaxPool2d": ("MaxPool",),
    "AdaptiveAvgPool2d": ("AveragePool", "GlobalAveragePool"),
    "Linear": ("Gemm",),
    "flatten": ("Flatten",),
    "cat": ("Concat",),
}
"""The ONNX operators that torch's exporter makes of a module class or a function."""
WITHOUT_NODE = frozenset({"Dropout", "Identity"})
"""Modules that compute nothing in evaluation mode, for which the exporter writes no node."""

Visit = Callable[[int, Sequence["Array"], "Array"], None]


@dataclass(frozen=True)
class Step:
    """One operation: `name` is the module's path (`features.6`) or the function's place, `kind` its class or name."""

    name: str
    kind: str


class TorchSteps:
    """The network in evaluation mode, taken apart; SuiteError when torch.fx cannot trace it."""

    def __init__(self, model: torch.nn.Module) -> None:
        import torch.fx

        model = copy.deepcopy(model)
        for module in model.modules():
            if isinstance(module, torch.nn.ReLU):
                module.inplace = False  # in place it would overwrite its own input before that is read here
        try:
            self._traced = torch.fx.symbolic_trace(model)
        except torch.fx.proxy.TraceError as error:
            raise SuiteError(f"{type(model).__name__} cannot be taken apart: {' '.join(str(error).split())}") from error
        self._places = self._computing_nodes()
        self.steps = tuple(self._places.values())

    def require_match(self, nodes: Sequence[Node]) -> None:
        """The rule: operations in execution order, without those of WITHOUT_NODE, are the graph's nodes in file order,
        one to one, each of an operator that OPERATORS allows. SuiteError names the first pair that breaks it."""
        for index, (step, node) in enumerate(zip(self.steps, nodes, strict=False)):
            if node.operator not in OPERATORS.get(step.kind, ()):
                raise _mismatch(
                    f"operation {index} is {step.name} ({step.kind}) in torch, {node.name} ({node.operator}) in ONNX",
                    measured=node.operator,
                    allowed=" or ".join(OPERATORS.get(step.kind, ())) or f"no operator is known for {step.kind}",
                )
        if len(self.steps) != len(nodes):
            longer = [node.name for node in nodes[len(self.steps) :]] or [
                step.name for step in self.steps[len(nodes) :]
            ]
            raise _mismatch(
                f"{longer[0]} has no partner",
                measured=f"{len(nodes)} ONNX nodes",
                allowed=f"{len(self.steps)}, as many as torch operations",
            )

    def run(self, images: Array, visit: Visit) -> None:
        """Compute in float32 and call `visit(index, inputs, output)` after each step; activations are then dropped.

        SuiteError when the checkpoint itself yields NaN or infinity: there is nothing to compare with.
        """
        import numpy as np
        import torch

        places = {node: index for index, node in enumerate(self._places)}
        steps = self.steps

        class Watched(torch.fx.Interpreter):
            def run_node(self, n: torch.fx.Node) -> Any:  # noqa: ANN401 - torch's own signature
                output = super().run_node(n)
                if n in places:
                    inputs = [self.env[source].numpy() for source in n.all_input_nodes]
                    if not np.isfinite(output.numpy()).all():
                        raise SuiteError(f"the checkpoint itself yields NaN or infinity at {steps[places[n]].name}")
                    visit(places[n], inputs, output.numpy())
                return output

        with torch.inference_mode():
            Watched(self._traced).run(torch.from_numpy(images))

    def _computing_nodes(self) -> dict[torch.fx.Node, Step]:
        found = {}
        for node in self._traced.graph.nodes:
            if node.op == "call_module":
                step = Step(str(node.target), type(self._traced.get_submodule(node.target)).__name__)
            elif node.op in ("call_function", "call_method"):
                step = Step(node.name, node.target if isinstance(node.target, str) else node.target.__name__)
            else:
                continue
            if step.kind not in WITHOUT_NODE:
                found[node] = step
        return found


def _mismatch(what: str, *, measured: str, allowed: str) -> SuiteError:
    return SuiteError(
        f"the ONNX graph is not the network's own, node for node: {what}",
        measured=measured,
        allowed=allowed,
        fix="diagnose the file that tools/pth2onnx.py makes of this checkpoint",
    )
