"""The network of ports/efficientnet_lite0.yaml: `pip install efficientnet-lite-pytorch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def network() -> torch.nn.Module:
    """EfficientNet-Lite0 with 1000 classes, its weights still to be loaded."""
    from efficientnet_lite_pytorch import EfficientNet

    made: torch.nn.Module = EfficientNet.from_name("efficientnet-lite0")
    return made
