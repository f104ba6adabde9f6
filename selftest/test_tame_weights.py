"""Weights of a made sample: what stands behind a layer decides how it is set, whatever the library calls its parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tools.judge.spec import Model
from tools.model.network import Network
from tools.model.tame_weights import BRANCH, SHIFT, tame

SOURCE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)
        self.deep, self.deep_norm = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), nn.BatchNorm2d(8)
        self.short, self.short_norm = nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8)
        self.gate = nn.Conv2d(8, 8, 1)
        self.last, self.last_norm = nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 4)

    def forward(self, image):
        found = torch.relu(self.stem_norm(self.stem(image)))
        branch = self.deep_norm(self.deep(found))
        branch += self.short_norm(self.short(found))
        found = torch.relu(branch)
        found = found * torch.sigmoid(self.gate(found.mean(dim=(2, 3), keepdim=True)))
        found = found + self.last_norm(self.last(found))
        return self.head(found.mean(dim=(2, 3)))


def net():
    return Net()
"""


@pytest.fixture(scope="module")
def tamed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("port")
    (folder / "net.py").write_text(SOURCE, encoding="utf-8")
    model = Model(name="net", source="python:net.py:net")
    images = np.random.default_rng(1).normal(size=(16, 3, 12, 12)).astype(np.float32)
    return dict(tame(Network(model, Path(folder)), images).state_dict())


@pytest.mark.parametrize(
    ("layer", "weight", "bias"),
    [
        ("stem_norm", 1.0, SHIFT),  # before an activation
        ("deep_norm", BRANCH, 0.0),  # ends a branch, whose other side is a layer too
        ("short_norm", 1.0, SHIFT),  # ends the shortcut
        ("last_norm", BRANCH, 0.0),  # ends a branch of a block whose other side is the block's input
    ],
)
def test_a_batch_normalisation_is_set_by_what_takes_its_output(
    layer: str, weight: float, bias: float, tamed: dict[str, torch.Tensor]
) -> None:
    assert set(tamed[f"{layer}.weight"].tolist()) == {np.float32(weight)}
    assert set(tamed[f"{layer}.bias"].tolist()) == {np.float32(bias)}


def test_a_gate_hardly_moves_and_depthwise_filters_keep_what_is_pooled(tamed: dict[str, torch.Tensor]) -> None:
    assert tamed["gate.weight"].abs().max() < 0.5 * 8**-0.5
    assert tamed["deep.weight"].sum(dim=(2, 3)).abs().min() > 9 * 0.15
    assert tamed["stem.weight"].mean(dim=(1, 2, 3)).abs().max() < 1e-6
