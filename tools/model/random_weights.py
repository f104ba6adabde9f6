"""Random weights that behave like trained ones as far as rounding goes, for a network whose own are not at hand.

Weights as a network is made with let activations grow or vanish layer by layer, and fp16 with them. Here every batch
normalisation has the statistics of real images, and the logits the spread of a trained classifier's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.model.network import Network

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

SEED = 1
LOGITS_SPREAD = 3.0
"""Standard deviation over classes; trained ImageNet classifiers have 2 to 4."""
BATCH = 16


def calibrated(network: Network, images: NDArray[np.float32]) -> dict[str, torch.Tensor]:
    """A state_dict, from float32 images (N, 3, height, width); the same each time."""
    import torch

    batches = torch.from_numpy(images).split(BATCH)
    with torch.random.fork_rng(devices=()), torch.no_grad():
        torch.manual_seed(SEED)
        model = network.make().eval().requires_grad_(requires_grad=False)
        normalise(model, batches)
        last = last_layer(model, batches[0])
        if not last.weight.any():  # some begin with zeros there
            torch.nn.init.normal_(last.weight, std=0.02)
        factor = LOGITS_SPREAD / model(batches[0]).std(dim=1).mean()
        last.weight.mul_(factor)
        if last.bias is not None:
            last.bias.mul_(factor)
    return copied(model)


def copied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A network's weights by name, in memory of their own; with torch's note of which version of a layer made them,
    without which some networks load nothing (mnasnet)."""
    state: dict[str, torch.Tensor] = model.state_dict()
    for name, tensor in state.items():
        state[name] = tensor.clone()
    return state


def normalise(model: torch.nn.Module, batches: tuple[torch.Tensor, ...]) -> None:
    """Let every batch normalisation learn its statistics, and nothing else be as in training."""
    from torch.nn.modules.batchnorm import _BatchNorm

    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over the batches
        layer.train()
    for batch in batches:
        if len(batch) > 1:
            model(batch)
    model.eval()


def last_layer(model: torch.nn.Module, batch: torch.Tensor) -> torch.nn.Linear | torch.nn.Conv2d:
    """The layer that makes the logits: the last linear or convolution that runs."""
    import torch

    ran: list[torch.nn.Linear | torch.nn.Conv2d] = []
    layers = [module for module in model.modules() if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))]
    hooks = [layer.register_forward_hook(lambda module, _, __: ran.append(module)) for layer in layers]
    model(batch[:1])
    for hook in hooks:
        hook.remove()
    if not ran:
        raise SuiteError("the network has neither a linear layer nor a convolution to scale its logits by")
    return ran[-1]
