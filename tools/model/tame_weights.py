"""Random weights through which the differences between images come out at the far end, for fp16 too.

Weights as a library makes them let a deep network with batch normalisation forget its image: each ReLU about zero
spreads whatever two images differ by, rounding included, until nothing else is left. Here filters have no mean, and
batch normalisation shifts what an activation is given, so that most of it passes as it is; elsewhere a shift would only
be rounded along. What a residual branch adds is little, gates hardly move, and the later depthwise filters, which see
one channel each, keep what pooling does: their differences between neighbours are averaged away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.model.consumers import Consumers, consumers
from tools.model.network import Network
from tools.model.random_weights import normalise

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

SEED = 1
SHIFT = 1.5
"""In standard deviations, before an activation: 93 % of a normal distribution lies above 0 then."""
BRANCH = 0.3
"""What a residual branch adds, in standard deviations of what it is added to."""
GATE = 0.1
"""How much of its weights a layer before a sigmoid keeps: the gate is half open for every image, nearly."""
EARLY = 0.3
"""Share of the depthwise filters, from the first on, that stay as they are: they tell waves apart."""
ADDITIONS = frozenset({"add", "add_", "__add__", "__iadd__", "__radd__"})
LINEAR = frozenset({*ADDITIONS, "conv2d", "linear", ""})
GATES = frozenset({"sigmoid", "sigmoid_", "hardsigmoid"})
BATCH = 16


def tame(network: Network, images: NDArray[np.float32]) -> torch.nn.Module:
    """The network in evaluation mode, its random weights set by float32 images (N, 3, height, width); the same each
    time on the same machine."""
    import torch

    with torch.random.fork_rng(devices=()), torch.no_grad():
        torch.manual_seed(SEED)
        model = network.make().eval().requires_grad_(requires_grad=False)
        if not any(isinstance(module, torch.nn.LayerNorm) for module in model.modules()):
            first = torch.from_numpy(images[:BATCH])
            _without_mean(model)
            _scaled(model, first) if not _batch_norms(model) else _nearly_linear(model, first[:2])
        normalise(model, torch.from_numpy(images).split(BATCH))
    return model


def _batch_norms(model: torch.nn.Module) -> list[Any]:
    from torch.nn.modules.batchnorm import _BatchNorm

    return [module for module in model.modules() if isinstance(module, _BatchNorm) and module.affine]


def _without_mean(model: torch.nn.Module) -> None:
    """Take each filter's mean off, which answers to what all channels have in common; of one channel it is all."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d) and module.groups == 1:
            module.weight.sub_(module.weight.mean(dim=(1, 2, 3), keepdim=True))


def _nearly_linear(model: torch.nn.Module, images: torch.Tensor) -> None:
    import torch

    norms = _batch_norms(model)
    layers = [module for module in model.modules() if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))]
    found = consumers(model, [*norms, *layers], images)
    for layer in norms:
        _set_norm(layer, found)
    for layer in layers:
        if found.first.get(layer) in GATES:
            layer.weight.mul_(GATE)
    depthwise = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d) and layer.groups > 1]
    for layer in depthwise[int(EARLY * len(depthwise)) :]:
        sign = torch.sign(layer.weight.sum(dim=(2, 3), keepdim=True))
        layer.weight.add_(sign * layer.weight.std())


def _set_norm(layer: Any, found: Consumers) -> None:  # noqa: ANN401 - a batch normalisation
    """A shift before an activation; little where a branch ends; as it is where a shortcut does."""
    taken = found.first.get(layer, "")
    if taken in ADDITIONS and layer not in found.shortcuts:
        layer.weight.fill_(BRANCH)
    layer.bias.fill_(0.0 if taken in LINEAR and layer not in found.shortcuts else SHIFT)


def _scaled(model: torch.nn.Module, images: torch.Tensor) -> None:
    """Without any normalisation: each layer's weights are divided by its output's spread, while the images pass."""
    import torch

    def scale(module: Any, _: object, output: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - Linear or Conv2d
        spread = output.std()
        if not torch.isfinite(spread) or spread == 0:
            return output
        module.weight.div_(spread)
        if module.bias is not None:
            module.bias.div_(spread)
        return output / spread

    layers = [module for module in model.modules() if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))]
    hooks = [layer.register_forward_hook(scale) for layer in layers]
    model(images)
    for hook in hooks:
        hook.remove()
