"""What the contract tests share: the host, a tiny model, its OMs and its images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.contracts import tiny_model
from selftest.contracts.host import Host, open_host

MakeOm = Callable[[int], Path]


@pytest.fixture(scope="session")
def host() -> Host:
    """The tools under test."""
    return open_host()


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model."""
    return tiny_model.save(tmp_path_factory.mktemp("onnx") / "tiny.onnx")


@pytest.fixture(scope="session")
def om(host: Host, onnx_file: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeOm:
    """Compiles the tiny model for a batch, once a batch."""
    folder = tmp_path_factory.mktemp("om")

    def compiled(batch: int) -> Path:
        path = folder / f"tiny_bs{batch}.om"
        if not path.exists():
            done = host.run("atc", *atc_args(onnx_file, path.with_suffix(""), host.soc, batch), cwd=folder)
            assert done.returncode == 0, done.stdout
            path.chmod(0o640)
        return path

    return compiled


@pytest.fixture
def bins(tmp_path: Path) -> list[Path]:
    """Three images as .bin files."""
    return tiny_model.save_bins(tmp_path / "bins", 3)


def atc_args(onnx_file: Path, output: Path, soc: str, batch: int = 1, /, **changes: str | None) -> list[str]:
    """The guide's flags; `changes` replaces the value of a flag, or leaves the flag out where it is None."""
    flags: dict[str, str | None] = {
        "model": str(onnx_file),
        "framework": "5",
        "output": str(output),
        "input_format": "NCHW",
        "input_shape": f"{tiny_model.INPUT}:{batch},3,8,8",
        "log": "error",
        "soc_version": soc,
        **changes,
    }
    return [f"--{name}={value}" for name, value in flags.items() if value is not None]
