"""Where a network's head is, what it is given, and how another one is put there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.base.errors import SuiteError
from tools.model.random_weights import LOGITS_SPREAD, last_layer
from tools.sample.images import TRAINING_SET
from tools.sample.on_images import BATCH, OnImages, batches

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Doubles = npt.NDArray[np.float64]

FOLDED = 0.02
"""How far logits may be from what was fitted in float64, as a share of their spread: float32 costs a thousandth."""
CALIBRATION_IMAGES = 32


@dataclass(frozen=True)
class Head:
    """The layer that makes the logits, by its name in the network."""

    name: str
    layer: Any


@dataclass(frozen=True)
class Fitted:
    """A last layer: float64 (outputs, features) and (outputs,)."""

    weight: Doubles
    bias: Doubles


@dataclass(frozen=True)
class _Ran:
    """A layer that ran, with what it was given and what it made of that."""

    name: str
    layer: Any
    given: torch.Tensor
    output: torch.Tensor


class Unfit(Exception):
    """Why nothing can be fitted to this network."""


def find_head(network: OnImages) -> Head:
    """The one layer whose output is the logits; Unfit where there is none."""
    ran, logits = _linear_layers(network)
    made = [one for one in ran if _is(one.output, logits)]
    if len(made) != 1 or sum(one.layer is made[0].layer for one in ran) != 1:
        raise Unfit("no one Linear or convolution makes its logits")
    (head,) = made
    known = f"{head.name}.weight" in network.model.state_dict()
    if not known or head.given.flatten(1).shape[1] != head.layer.weight[0].numel():
        raise Unfit(f"{head.name}, which makes its logits, is no plain layer")
    return Head(head.name, head.layer)


def _linear_layers(network: OnImages) -> tuple[list[_Ran], torch.Tensor]:
    """Every Linear and convolution in the order in which two images pass them, and the logits of those."""
    import torch

    ran: list[_Ran] = []

    def saw(name: str) -> Any:  # noqa: ANN401 - a hook
        return lambda module, inputs, output: ran.append(_Ran(name, module, inputs[0], output))

    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    named = network.model.named_modules()
    hooks = [layer.register_forward_hook(saw(name)) for name, layer in named if isinstance(layer, kinds)]
    logits = network.logits(TRAINING_SET, range(2))
    for hook in hooks:
        hook.remove()
    return ran, logits


def _is(output: torch.Tensor, logits: torch.Tensor) -> bool:
    import torch

    return output.numel() == logits.numel() and torch.equal(output.reshape(logits.shape), logits)


def features(head: Head, network: OnImages, count: int) -> Doubles:
    """What the last layer is given for the first training images, float64 (count, features)."""
    import numpy as np

    given: list[Doubles] = []
    keep = head.layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].flatten(1).double().numpy()))
    for batch in batches(count, "training images"):
        network.logits(TRAINING_SET, batch)
    keep.remove()
    found = np.concatenate(given)
    if not np.isfinite(found).all():
        raise Unfit("with random weights its activations leave what fp16 holds")
    return found


def fold(head: Head, made: Fitted) -> None:
    """Put the fit into the layer; without a bias of its own the layer does without."""
    import torch

    weight = torch.from_numpy(made.weight.astype("float32"))
    with torch.no_grad():
        head.layer.weight.copy_(weight.reshape(head.layer.weight.shape))
        if head.layer.bias is not None:
            head.layer.bias.copy_(torch.from_numpy(made.bias.astype("float32")))


def require_folded(made: Fitted, head: Head, network: OnImages) -> None:
    """SuiteError when the network does not say what was fitted: its own predictions would hide that as labels."""
    import numpy as np

    logits = network.logits(TRAINING_SET, range(BATCH)).double().numpy()
    bias = 0.0 if head.layer.bias is None else made.bias
    wanted = features(head, network, BATCH) @ made.weight.T + bias
    apart, allowed = float(np.abs(logits - wanted).max()), FOLDED * LOGITS_SPREAD
    if not apart <= allowed:
        raise SuiteError(
            "the network's last layer gives other logits than were fitted",
            where=head.name,
            measured=f"{apart:.3g} apart",
            allowed=f"<= {allowed:.3g}",
            fix="Report this network: its sample cannot be made",
        )


def level(network: OnImages) -> None:
    """Let each output of the last layer answer to the image by as much as the others, about no mean; it needs a bias.

    Rows as a library makes them have favourites that win for every image, by the mean of what they are given.
    """
    import torch

    made: list[torch.Tensor] = []
    images = network.inputs(TRAINING_SET, range(CALIBRATION_IMAGES))
    with torch.no_grad():
        layer = last_layer(network.model, images)
        hook = layer.register_forward_hook(lambda _, __, output: made.append(output))
        network.model(images)
        hook.remove()
        by_class = made[-1].movedim(-1 if isinstance(layer, torch.nn.Linear) else 1, 0).flatten(1)
        mean, spread = by_class.mean(dim=1), by_class.std(dim=1)
        factor = torch.where(spread > 0, LOGITS_SPREAD / spread, 1.0)
        layer.weight.mul_(factor.reshape(-1, *[1] * (layer.weight.dim() - 1)))
        if layer.bias is not None:
            layer.bias.copy_((layer.bias - mean) * factor)
