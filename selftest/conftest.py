"""What the suite's own tests share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from selftest.faults.world import World, small_spec
from tools.base.files import ROOT
from tools.model.torchvision_ops import import_torchvision

settings.register_profile("unhurried", deadline=None)  # hypothesis would fail an example that takes 200 ms
settings.load_profile("unhurried")
CLEAN_CACHE = ROOT / "build" / "selftest" / "cache"


@pytest.fixture(scope="session")
def heavy_imports() -> None:
    """Inner runs restore sys.modules when they end, and torch cannot be imported twice: import it all before them."""
    import onnx.checker
    import onnxruntime
    import torch.onnx

    import_torchvision()
    assert onnx.checker
    assert onnxruntime
    assert torch.onnx


@pytest.fixture(scope="session")
def spec_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small world's spec."""
    return small_spec(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def clean_cache(spec_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of a clean run, made once and kept between sessions (the store is content-addressed)."""
    folder = tmp_path_factory.mktemp("clean")
    spec = folder / "spec.yaml"
    spec.write_text(spec_text, encoding="utf-8")
    places = [f"--spec={spec}", f"--cache={CLEAN_CACHE}", f"--evidence={folder / 'evidence'}"]
    options = ["--sample", *places, "-m", "not perf", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return CLEAN_CACHE


@pytest.fixture
def world(tmp_path: Path, spec_text: str, clean_cache: Path, heavy_imports: None, pytester: pytest.Pytester) -> World:
    """A world of its own for each test."""
    return World(tmp_path, spec_text, clean_cache, pytester)
