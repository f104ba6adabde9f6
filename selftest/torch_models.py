"""Random checkpoints of torchvision networks, exported as the suite exports, and spoiled where a test asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from tools.model.export import export_onnx
from tools.model.network import Network
from tools.model.torchvision_ops import import_torchvision
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SMALL = "squeezenet1_1"  # 1.2 million weights, and branches that a Concat joins
SMALL_SIDE_PX = 64
Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def random_weights(factory: str) -> dict[str, torch.Tensor]:
    """The network's own random initialisation, the same at every call; biases are not left at 0."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = import_torchvision().models.get_model(factory, weights=None)
        state = dict(model.state_dict())
        return {
            name: torch.empty_like(tensor).uniform_(-0.2, 0.2) if name.endswith("bias") else tensor
            for name, tensor in state.items()
        }


def network(weights: dict[str, torch.Tensor], factory: str) -> torch.nn.Module:
    """A network of torchvision with these weights, as the suite builds it."""
    asked = dataclasses.replace(load_spec(PUBLISHED_SPEC).model, source=f"torchvision:{factory}")
    return Network(asked, PUBLISHED_SPEC.parent).build(weights)


def export(weights: dict[str, torch.Tensor], factory: str, path: Path, *, side_px: int = SMALL_SIDE_PX) -> Path:
    """Export as tools/pth2onnx.py does, for square images."""
    return export_model(network(weights, factory), path, side_px=side_px)


def export_model(model: torch.nn.Module, path: Path, *, side_px: int) -> Path:
    """Export any network as tools/pth2onnx.py does, for square images."""
    asked = load_spec(PUBLISHED_SPEC)
    recipe = dataclasses.replace(asked.preprocessing, crop_px=side_px, resize_px=max(side_px, 256))
    export_onnx(model, path, dataclasses.replace(asked, preprocessing=recipe))
    return path


def images(count: int, *, side_px: int = SMALL_SIDE_PX) -> NDArray[np.float32]:
    """Images in the range of normalised ones, float32 (count, 3, side, side), the same at every call."""
    return np.random.default_rng(7).uniform(-2, 2, (count, 3, side_px, side_px)).astype(np.float32)


def perturbed(path: Path, out: Path, tensor: str, change: Change) -> Path:
    """A copy of the ONNX file with one initializer changed; it must be there."""
    model = onnx.load(str(path))
    (stored,) = [entry for entry in model.graph.initializer if entry.name == tensor]
    stored.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(stored)), tensor))
    onnx.save(model, str(out))
    return out
