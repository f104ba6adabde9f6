"""What rounding to fp16, as on a device, does to a network and to the layer that is fitted to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tools.model.random_weights import LOGITS_SPREAD, copied
from tools.sample.head import Fitted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Doubles = npt.NDArray[np.float64]

HALF_ROUNDING = 2.0**-11 / 3**0.5
"""Standard deviation of a number's rounding to fp16, as a share of it, at most."""


@contextmanager
def in_half_precision(model: torch.nn.Module) -> Iterator[None]:
    """Inside the block weights and the layers' outputs are rounded to fp16."""
    import torch

    def rounded(_: object, __: object, output: Any) -> Any:  # noqa: ANN401 - whatever a layer gives
        return output.half().float() if torch.is_tensor(output) and output.is_floating_point() else output

    weights, half = copied(model), copied(model)
    for name, tensor in weights.items():
        half[name] = rounded(None, None, tensor)
    model.load_state_dict(half)
    hooks = [module.register_forward_hook(rounded) for module in model.modules() if not list(module.children())]
    try:
        yield
    finally:
        model.load_state_dict(weights)
        for hook in hooks:
            hook.remove()


def noise_share(made: Fitted, features: Doubles, noise: Doubles) -> float:
    """How far rounding of features (`noise` is what it adds) and of the layer itself moves the logits, as a share of
    their spread."""
    import numpy as np

    rounded = Fitted(*(array.astype(np.float16).astype(np.float64) for array in (made.weight, made.bias)))
    moved = (features + noise) @ rounded.weight.T + rounded.bias - features @ made.weight.T - made.bias
    return float((moved**2).mean() ** 0.5 / LOGITS_SPREAD)
