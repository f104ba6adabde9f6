"""One small fault in an ONNX file, of the kinds that a wrong export makes, and the module that it is in."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

if TYPE_CHECKING:
    import torch

SCALE = 1.01
SHIFT = 0.05
"""Of a bias, where the values that it is added to have a spread of about 1."""


class Perturbation(enum.StrEnum):
    """What is done to one tensor."""

    FILTER = "one filter x 1.01"
    BIAS = "one bias + 0.05"
    VARIANCE = "running variance x 2"
    ROWS = "two rows of an attention projection swapped"


@dataclass(frozen=True)
class Perturbed:
    """A file with one fault: the module it is in by its path, the fault's channel (None: all of them)."""

    path: Path
    module: str
    channel: int | None


class Perturber:
    """A clean file, exported of `model`, and copies of it with one fault each."""

    def __init__(self, clean: Path, model: torch.nn.Module) -> None:
        self._clean, self._model = clean, model
        self._modules = dict(model.named_modules())

    def apply(self, kind: Perturbation, out: Path, *, place: float = 0.5) -> Perturbed | None:
        """Write the copy; `place` is how deep in the network (0 to 1). None where there is nothing of the kind."""
        file = onnx.load(str(self._clean))
        stored = {tensor.name: tensor for tensor in file.graph.initializer}
        nodes = [node for node in file.graph.node if self._takes(kind, node, stored)]
        if not nodes:
            return None
        node = nodes[min(int(place * len(nodes)), len(nodes) - 1)]
        changed, module, channel = self._change(kind, node, stored)
        for name, array in changed.items():
            stored[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        onnx.save(file, str(out))
        return Perturbed(out, module, channel)

    def _takes(self, kind: Perturbation, node: onnx.NodeProto, stored: dict[str, Any]) -> bool:
        weights = [name for name in node.input if name in stored]
        convolution, linear = node.op_type == "Conv", node.op_type in ("MatMul", "Gemm") and bool(weights)
        if kind is Perturbation.FILTER:
            return convolution or linear
        if kind is Perturbation.BIAS:
            bias = node.op_type == "Add" and len(weights) == 1 and "bias" in weights[0]
            return (convolution and len(weights) == 2) or bias
        if kind is Perturbation.VARIANCE:
            return node.op_type == "BatchNormalization" or (convolution and self._norm_behind(node) is not None)
        return linear and self._attention(numpy_helper.to_array(stored[weights[0]])) is not None

    def _change(
        self, kind: Perturbation, node: onnx.NodeProto, stored: dict[str, Any]
    ) -> tuple[dict[str, Any], str, int | None]:
        names = [name for name in node.input if name in stored]
        arrays = [numpy_helper.to_array(stored[name]).copy() for name in names]
        if kind is Perturbation.VARIANCE:
            return self._variance(node, names, arrays)
        if kind is Perturbation.BIAS:
            channel = len(arrays[-1]) // 3
            arrays[-1][channel] += SHIFT
            return {names[-1]: arrays[-1]}, self._module_of(node, names[-1], arrays[-1]), channel
        weight, module = arrays[0], self._module_of(node, names[0], arrays[0])
        rows = weight.T if node.op_type == "MatMul" else weight
        channel = len(rows) // 3
        if kind is Perturbation.FILTER:
            rows[channel] *= SCALE
        else:
            rows[[channel, channel + 1]] = rows[[channel + 1, channel]]
        return {names[0]: weight}, module, channel

    def _variance(self, node: onnx.NodeProto, names: list[str], arrays: list[Any]) -> tuple[dict[str, Any], str, None]:
        if node.op_type == "BatchNormalization":
            return {names[3]: 2 * arrays[3]}, names[3].rpartition(".")[0], None
        path = self._norm_behind(node)
        assert path is not None
        norm: Any = self._modules[path]
        variance, beta = norm.running_var.numpy(), norm.bias.numpy()
        scale = np.sqrt((variance + norm.eps) / (2 * variance + norm.eps))
        weight, bias = arrays
        return {names[0]: weight * scale[:, None, None, None], names[1]: beta + (bias - beta) * scale}, path, None

    def _module_of(self, node: onnx.NodeProto, name: str, changed: Any) -> str:  # noqa: ANN401 - an array
        owner = name.rpartition(".")[0]
        if owner and owner in self._modules:
            return owner
        if node.op_type == "Conv":
            return module_path(node.name)
        return self._attention(changed) or self._linear(changed)

    def _linear(self, weight: Any, word: str = "") -> str:  # noqa: ANN401 - an array
        state = self._model.state_dict()
        alike = (name for name, tensor in state.items() if word in name and tensor.shape == weight.T.shape)
        return next((n.rpartition(".")[0] for n in alike if np.array_equal(state[n].numpy().T, weight)), "")

    def _attention(self, weight: Any) -> str | None:  # noqa: ANN401 - an array
        return self._linear(weight, "attn.") or self._linear(weight, "self_attention.") or None

    def _norm_behind(self, node: onnx.NodeProto) -> str | None:
        """The batch normalisation that torch runs behind the convolution; folded into it in the file."""
        parent, _, own = module_path(node.name).rpartition(".")
        siblings = [name.rpartition(".")[2] for name in self._modules if name.rpartition(".")[0] == parent and name]
        behind = siblings[siblings.index(own) + 1 :] if own in siblings else []
        path = ".".join(filter(None, (parent, behind[0] if behind else "")))
        found: Any = self._modules.get(path)
        return path if behind and hasattr(found, "running_var") else None


def module_path(node: str) -> str:
    """The module whose work a node of torch's exporter is, of the node's name: /layer1/layer1.0/conv1/Conv."""
    path = last = ""
    for scope in node.strip("/").split("/")[:-1]:
        path = path[: len(path) - len(last)] + scope if scope.startswith(f"{last}.") and last else f"{path}.{scope}"
        last = scope
    return path.strip(".")
