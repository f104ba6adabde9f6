"""The dispatch mode under which a network's values are written down (tools/diagnosis/torch_run.py)."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tools.diagnosis.torch_values import TorchValue
from tools.model.weights.constants import MATERIALISED


class Recorder(TorchDispatchMode):
    """Lets every operation run and keeps what it makes of the images."""

    def __init__(self, model: torch.nn.Module, images: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values = [TorchValue(0, images.numpy(), (), "the images", weighted=False)]
        self._index = {id(images): 0}
        self._alive = [images]
        """Tensors are told apart by id, which is theirs only while they live."""
        self._running: list[tuple[str, bool]] = []
        self._owners = {_memory(tensor): name for name, tensor in (*model.named_buffers(), *model.named_parameters())}
        self._made_of: dict[int, str] = {}
        """Tensors made of weights alone, such as a transposed weight: by id, the weight's name."""

    def enter(self, path: str, alone: bool) -> None:
        """A module begins; `alone` says that it holds no others."""
        self._running.append((path, alone))

    def leave(self) -> None:
        """The innermost module ends."""
        self._running.pop()

    def index_of(self, tensor: torch.Tensor) -> int:
        """The value that a tensor is."""
        return self._index[id(tensor)]

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - torch's own signature
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's own signature
        kwargs = kwargs or {}
        operands = [leaf for leaf in tree_leaves((args, kwargs)) if torch.is_tensor(leaf)]
        known = dict.fromkeys(self._index[id(leaf)] for leaf in operands if id(leaf) in self._index)
        read = () if func.overloadpacket.__name__ in MATERIALISED else tuple(known)
        if func._schema.is_mutable:
            self._save(operands[0])
        result = func(*args, **kwargs)
        made = [leaf for leaf in tree_leaves(result) if torch.is_tensor(leaf) and leaf.numel()]
        weights = [name for leaf in operands if (name := self._weight(leaf))]
        self._alive += made
        for tensor in made:
            if read and tensor.dtype == torch.float32:
                self._keep(tensor, read, weights, func.overloadpacket.__name__)
            elif weights:
                self._made_of[id(tensor)] = weights[0]
        return result

    def _keep(self, tensor: torch.Tensor, read: tuple[int, ...], weights: list[str], operation: str) -> None:
        index = len(self.values)
        self._index[id(tensor)] = index
        module = _owner(weights[0]) if weights else self._place(operation)
        self.values.append(TorchValue(index, tensor.numpy(), read, module, weighted=bool(weights)))

    def _place(self, operation: str) -> str:
        path, alone = self._running[-1] if self._running else ("", False)
        return path if alone and path else ": ".join(filter(None, (path, operation.rstrip("_"))))

    def _weight(self, tensor: torch.Tensor) -> str | None:
        return self._owners.get(_memory(tensor)) or self._made_of.get(id(tensor))

    def _save(self, tensor: torch.Tensor) -> None:
        """Before something is written into memory: copy what values lie there."""
        memory = _memory(tensor)
        for other in self._alive:
            index = self._index.get(id(other))
            if index is not None and _memory(other) == memory:
                kept = self.values[index]
                if kept.array.base is not None:
                    self.values[index] = dataclasses.replace(kept, array=kept.array.copy())


def _memory(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())


def _owner(name: str) -> str:
    """The module that a weight belongs to; what lies in the network itself goes by its own name."""
    return name.rpartition(".")[0] or name
