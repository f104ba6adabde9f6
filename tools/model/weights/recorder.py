"""The dispatch mode under which a network runs on an image without pixels (tools/model/weights/constants.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from tools.model.checkpoint import StateDict
from tools.model.plain_attention import plain_attention
from tools.model.weights.constants import MATERIALISED, Known, Norm, Place, Value

Key = tuple[object, ...]
NORMS = frozenset({"native_batch_norm", "_native_batch_norm_legit_no_training"})
PRODUCTS = {"addmm": (0, 2), "mm": (None, 1)}
"""Matrix products by a known right-hand matrix (inputs x outputs): where their bias and that matrix stand."""


@dataclass(frozen=True)
class Layer:
    """A convolution or matrix product whose weights are known."""

    at: Place
    weight: Value
    bias: Value | None
    axis: int
    groups: int


@dataclass(frozen=True)
class Step:
    """One operation on the image: what known values it read, which memory it read and wrote."""

    reads: tuple[tuple[Place, Value], ...]
    read: frozenset[int]
    written: frozenset[int]


class Recorder(TorchDispatchMode):
    """Computes what needs no image, writes down the rest."""

    def __init__(self, state_dict: StateDict, buffers: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._values: dict[Key, Value] = {}
        self._steps: list[Step] = []
        self._inner: dict[Value, list[Place]] = defaultdict(list)
        self._layers: dict[int, Layer] = {}
        self._norms: list[Norm] = []
        self._alive: list[torch.Tensor] = []
        self._number = 0
        names: dict[Key, list[str]] = defaultdict(list)
        for name, tensor in state_dict.items():
            names[_key(tensor)].append(name)
        for tensor in state_dict.values():
            self._values.setdefault(_key(tensor), Value(tensor.detach(), tuple(names[_key(tensor)])))
        for tensor in buffers:
            self._values.setdefault(_key(tensor), Value(tensor.detach()))

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - torch's own signature
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's own signature
        kwargs = kwargs or {}
        if func is torch.ops.prim.device.default:
            return func(*args, **kwargs)
        self._number += 1
        name = func.overloadpacket.__name__
        operands = tree_leaves((args, kwargs))
        if not any(isinstance(operand, FakeTensor) for operand in operands):
            return self._known(func, args, kwargs)
        if name in MATERIALISED:
            return self._known(func, *tree_map(_without_image, (args, kwargs)))
        result = _normalised(*args) if name in NORMS else func(*args, **kwargs)
        self._record(name, func, args, operands, result)
        return result

    def known(self, output: object) -> Known:
        """What was found, once the network's `output` is there."""
        live = {_memory(leaf) for leaf in tree_leaves(output) if isinstance(leaf, FakeTensor)}
        steps = []
        for step in reversed(self._steps):
            if step.written & live:
                live |= step.read
                steps.append(step)
        reads = tuple(read for step in reversed(steps) for read in step.reads)
        places = {place[0] for place, _ in reads}
        norms = tuple(norm for norm in self._norms if norm.at[0] in places)
        return Known(reads, self._inner, norms)

    def _known(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        """Compute, and keep what it was made of."""
        fresh = func is torch.ops.aten.lift_fresh.default
        operands = [leaf for leaf in tree_leaves((args, kwargs)) if torch.is_tensor(leaf)]
        parents = [] if fresh else [self._value(operand) for operand in operands]
        for slot, parent in enumerate(parents):
            self._inner[parent].append((self._number, slot))
        made_of = {id(operand): parent for operand, parent in zip(operands, parents, strict=False)}
        call = tree_map(lambda item: made_of.get(id(item), item), (args, kwargs))
        result = func(*args, **kwargs)
        if func._schema.is_mutable:
            self._write(operands, parents)
            return result
        results = result if isinstance(result, (tuple, list)) else (result,)
        for index, tensor in enumerate(results):
            if torch.is_tensor(tensor) and tensor.numel():
                repeat = [] if fresh else [(func, *call, index)]
                self._values.setdefault(_key(tensor), Value(tensor, (), list(parents), repeat, made=self._number))
        return result

    def _write(self, operands: list[torch.Tensor], parents: list[Value]) -> None:
        """What lies in the memory that was written into is now made of all that was read, too."""
        if not operands:
            return
        memory = _memory(operands[0])
        for value in self._values.values():
            if _memory(value.tensor) == memory:
                value.parents.extend(parent for parent in parents if value not in parent.line())
                value.call.clear()

    def _value(self, tensor: torch.Tensor) -> Value:
        return self._values.setdefault(_key(tensor), Value(tensor, kept=tensor.dim() > 0))

    def _record(
        self,
        name: str,
        func: Any,  # noqa: ANN401 - an operator of torch
        args: tuple[Any, ...],
        operands: list[Any],
        result: object,
    ) -> None:
        reads = []
        for slot, operand in enumerate(operands):
            if torch.is_tensor(operand) and not isinstance(operand, FakeTensor):
                reads.append(((self._number, slot), self._value(operand)))
        images = [operand for operand in operands if isinstance(operand, FakeTensor)]
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, FakeTensor)]
        self._alive += made
        written = frozenset(map(_memory, made))
        self._steps.append(Step(tuple(reads), frozenset(map(_memory, images)), written))
        if func._schema.is_mutable:
            for memory in written:
                self._layers.pop(memory, None)
        self._notice(name, args, made)

    def _notice(self, name: str, args: tuple[Any, ...], made: list[Any]) -> None:
        """Remember layers, and batch normalisations after one."""
        if name == "convolution" and not isinstance(args[1], FakeTensor):
            transposed, groups = args[6], args[8]
            self._layer(made, args[1], args[2], axis=1 if transposed else 0, groups=groups if transposed else 1)
        elif name in PRODUCTS:
            bias, weight = PRODUCTS[name]
            if not isinstance(args[weight], FakeTensor):
                self._layer(made, args[weight], None if bias is None else args[bias], axis=1, groups=1)
        elif name in NORMS and _memory(args[0]) in self._layers:
            self._norm(self._layers[_memory(args[0])], args)

    def _layer(
        self, made: list[Any], weight: torch.Tensor, bias: torch.Tensor | None, *, axis: int, groups: int
    ) -> None:
        known = None if bias is None else self._value(bias)
        layer = Layer((self._number, 1), self._value(weight), known, axis, groups)
        self._layers[_memory(made[0])] = layer

    def _norm(self, layer: Layer, args: tuple[Any, ...]) -> None:
        known = [None if tensor is None else self._value(tensor) for tensor in args[1:5]]
        gamma, beta, mean, variance = known
        if (
            args[5] is True
            or mean is None
            or variance is None
            or any(isinstance(tensor, FakeTensor) for tensor in args[1:5])
        ):
            return
        at = (self._number, 1)
        layered = (layer.weight, layer.bias, layer.axis, layer.groups)
        self._norms.append(Norm(at, layer.at, *layered, gamma, beta, mean, variance, float(args[-1])))


def _normalised(image: torch.Tensor, *rest: object) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a batch normalisation yields of an image without pixels, the statistics being of no use."""
    return image.clone(), image.new_empty(0), image.new_empty(0)


def _memory(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _key(tensor: torch.Tensor) -> Key:
    """What two views of the same elements in the same order have in common."""
    axes = tuple((size, stride) for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size != 1)
    return (tensor.data_ptr() if tensor.numel() else id(tensor), axes, tensor.dtype)


def _without_image(item: object) -> object:
    """A stand-in of the image's shape, one element in memory."""
    if isinstance(item, FakeTensor):
        return torch.empty((), dtype=item.dtype).expand(item.shape)
    return item


def known_constants(model: torch.nn.Module, state_dict: StateDict, shape: Sequence[int]) -> Known:
    """Run `model` (in evaluation mode) with the tensors of `state_dict` on an image of `shape`, batch included."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        image = torch.empty(*shape)
    persistent = state_dict.keys()
    own = [buffer for name, buffer in model.named_buffers() if name not in persistent]
    recorder = Recorder(state_dict, own)
    with torch.no_grad(), plain_attention(), recorder:
        output = torch.func.functional_call(model, dict(state_dict), (image,))
    return recorder.known(output)
