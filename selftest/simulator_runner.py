"""The diagnosis' way to an OM, on the simulator."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.ascend.target import TargetKind, choose_target
from tools.diagnosis.diagnose_om import AscendRunner


def simulator_runner(folder: Path, batch: NDArray[np.float32], **ordered: str) -> AscendRunner:
    """A runner over images (N, 3, H, W) below an existing folder; `ordered` are ASCEND_SIMULATOR_ variables."""
    ids = tuple(f"image_{row}" for row in range(len(batch)))
    (folder / "bins").mkdir()
    for name, image in zip(ids, batch, strict=True):
        (folder / "bins" / f"{name}.bin").write_bytes(image.tobytes())
    env = {**os.environ, **{f"ASCEND_SIMULATOR_{name}": value for name, value in ordered.items()}}
    target = choose_target(TargetKind.SIMULATOR, "auto", env, Path("/"))
    _, channels, height, width = batch.shape
    return AscendRunner(
        target, folder / "bins", ids, (channels, height, width), "Ascend310", folder / "work", folder / "logs"
    )
