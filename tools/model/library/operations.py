"""How many operations a network does for an image, counted by torch where its library states none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.model.weightless import weightless

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


def counted_flops(make: Callable[[], torch.nn.Module], size: tuple[int, int]) -> float | None:
    """Floating-point operations for an image of this height and width, two for each multiply-add of a convolution, a
    matrix product or an attention; None for a network that cannot be walked through without its weights.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    try:
        network = weightless(make).eval().to("meta")
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, *size, device="meta"))
    except (NotImplementedError, RuntimeError):
        return None
    return float(counter.get_total_flops()) or None
