"""Faults of throughput: an engine that became slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.world import World
from tools.engines.onnx_engine import OnnxEngine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

catalogue = Catalogue("perf", remade=("host",))


@catalogue.fault("onnxruntime computes everything thirty times", "host.perf.onnx_to_torch[bs1]", "-k=bs1]")
def slow_onnxruntime(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit_port("min_images_per_round: 4", "min_images_per_round: 1")
    right = OnnxEngine.logits

    def slow(engine: OnnxEngine, images: NDArray[np.float32]) -> NDArray[np.float32]:
        for _ in range(29):
            right(engine, images)
        return right(engine, images)

    monkeypatch.setattr(OnnxEngine, "logits", slow)
