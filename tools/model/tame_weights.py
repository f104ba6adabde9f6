"""Random weights through which the differences between images come out at the far end, for fp16 too.

Weights as a library makes them let a deep network with batch normalisation forget its image: each ReLU about zero
spreads whatever two images differ by, rounding included, until nothing else is left. Here filters have no mean, and
batch normalisation shifts what it normalises, so that most of it passes a ReLU as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.model.network import Network
from tools.model.random_weights import normalise

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

SEED = 1
SHIFT = 1.0
"""In standard deviations: 84 % of a normal distribution lies above 0 then."""
BATCH = 16


def tame(network: Network, images: NDArray[np.float32]) -> torch.nn.Module:
    """The network in evaluation mode, its random weights set by float32 images (N, 3, height, width); the same each
    time on the same machine."""
    import torch

    with torch.random.fork_rng(devices=()), torch.no_grad():
        torch.manual_seed(SEED)
        model = network.make().eval().requires_grad_(requires_grad=False)
        if not any(isinstance(module, torch.nn.LayerNorm) for module in model.modules()):
            _without_mean(model)
            _shifted(model) if _batch_norms(model) else _scaled(model, torch.from_numpy(images[:BATCH]))
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


def _shifted(model: torch.nn.Module) -> None:
    for layer in _batch_norms(model):
        layer.bias.fill_(SHIFT)


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
