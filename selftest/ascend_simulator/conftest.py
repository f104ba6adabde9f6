"""What the simulator's own tests share: its executables, run with ordered faults on a tiny model."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from selftest.contracts import tiny_model
from selftest.contracts.conftest import atc_args
from selftest.contracts.host import Host, simulator_host

MakeOm = Callable[[int], Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Simulator:
    """The simulated tools; `fault` is an order, `env` adds to the environment."""

    host: Host

    def run(
        self, tool: str, *args: str | Path, cwd: Path, fault: str = "", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a tool to its end."""
        return self.host.run(tool, *args, cwd=cwd, env={"ASCEND_SIMULATOR_FAULT": fault, **env})


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    """The simulator, whatever ACCEPTANCE_TARGET says."""
    return Simulator(simulator_host(tmp_path_factory.mktemp("logs")))


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model."""
    return tiny_model.save(tmp_path_factory.mktemp("onnx") / "tiny.onnx")


@pytest.fixture(scope="session")
def om(simulator: Simulator, onnx_file: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeOm:
    """Compiles the tiny model for a batch, once a batch."""
    folder = tmp_path_factory.mktemp("om")

    def compiled(batch: int) -> Path:
        path = folder / f"tiny_bs{batch}.om"
        if not path.exists():
            args = atc_args(onnx_file, path.with_suffix(""), "Ascend310", batch)
            assert simulator.run("atc", *args, cwd=folder).returncode == 0
        return path

    return compiled


@pytest.fixture
def bins(tmp_path: Path) -> list[Path]:
    """Three images as .bin files."""
    return tiny_model.save_bins(tmp_path / "bins", 3)
