"""What a network gives back: a tensor, or several in a tuple, a list or a mapping, in the order of the ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def every_output(made: Any) -> tuple[torch.Tensor, ...]:  # noqa: ANN401 - whatever a network's author gives back
    """All tensors, in the order in which the exporter writes them."""
    import torch

    if torch.is_tensor(made):
        return (made,)
    return tuple(made.values() if isinstance(made, Mapping) else made)
