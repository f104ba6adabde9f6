"""What takes a layer's output first, found by watching images pass: modules do not say what follows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Consumers:
    """The name of the operator that takes each layer's output first, and the layers that end a shortcut."""

    first: dict[Any, str]
    shortcuts: frozenset[Any]


def consumers(model: torch.nn.Module, layers: Sequence[Any], images: torch.Tensor) -> Consumers:
    """Of these layers, while float32 images (N, 3, height, width) pass through the model.

    Where two of them meet in one operator, both first there, the one that ran later is taken for the shortcut: of a
    residual block that is what its source computes last.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    made: dict[int, tuple[Any, torch.Tensor]] = {}  # with the tensor, so that no other gets its id
    first: dict[Any, str] = {}
    shortcuts: set[Any] = set()

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
            taken = [made[id(value)][0] for value in args if torch.is_tensor(value) and id(value) in made]
            fresh = [layer for layer in taken if layer not in first]
            first.update(dict.fromkeys(fresh, getattr(func, "__name__", "")))
            if len(fresh) > 1:
                order = [layer for layer, _ in made.values()]
                shortcuts.add(max(fresh, key=order.index))
            return func(*args, **(kwargs or {}))

    def keep(layer: Any, _: object, output: torch.Tensor) -> None:  # noqa: ANN401 - a module
        made[id(output)] = layer, output

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    with Watch():
        model(images)
    for hook in hooks:
        hook.remove()
    return Consumers(first, frozenset(shortcuts))
