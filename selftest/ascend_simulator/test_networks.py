"""torchvision's networks through the simulated atc: fp16 costs little, and none comes out as NaN."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from selftest.ascend_simulator import graphs
from tools.model.torchvision_ops import import_torchvision

if TYPE_CHECKING:
    import torch

SIDE = 64
NETWORKS = (
    *("resnet18", "mobilenet_v3_small", "densenet121", "squeezenet1_1", "shufflenet_v2_x0_5", "efficientnet_b0"),
    *("regnet_y_400mf", "googlenet", "convnext_tiny", "swin_t", "swin_v2_t"),
)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_the_error_is_of_the_size_of_fp16(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    network = calibrated(name)
    images = torch.randn(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    model = export(network, images[:1], tmp_path / "network.onnx")
    with torch.no_grad():
        expected = network(images).double().numpy()
    for batch in (1, 4):
        made = graphs.compile_model(model, capsys, f"image:{batch},3,{SIDE},{SIDE}")
        found = made.run(images[:batch].numpy())[0].astype(np.float64)
        assert_fp16_size(found, expected[:batch])


def assert_fp16_size(found: graphs.Array, expected: graphs.Array) -> None:
    """Finite, not equal, and as near as fp16 gets within a network."""
    assert np.isfinite(found).all()
    cosine = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    assert (1 - cosine).max() < 1e-3
    assert 0 < np.abs(found - expected).max() < 0.03 * np.ptp(expected)


def export(network: torch.nn.Module, image: torch.Tensor, path: Path) -> Path:
    """The network at opset 11 with an open batch."""
    import torch

    torch.onnx.export(
        network,
        (image,),
        str(path),
        input_names=["image"],
        output_names=["class"],
        dynamic_axes={"image": {0: "-1"}, "class": {0: "-1"}},
        opset_version=11,
        dynamo=False,
    )
    return path


def calibrated(name: str) -> torch.nn.Module:
    """A network with random weights whose BatchNorm layers have seen such images, so that its logits are of size 1."""
    import torch

    torch.manual_seed(0)
    words = {"init_weights": True} if name == "googlenet" else {}
    network: torch.nn.Module = import_torchvision().models.get_model(name, weights=None, **words)
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None
    network.train()
    with torch.no_grad():
        for _ in range(2 if norms else 0):
            network(torch.randn(8, 3, SIDE, SIDE))
    return network.eval()
