"""What the suite's own tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from selftest.faults.world import Clean, World, clean_run
from tools.base.files import ROOT
from tools.model.torchvision_ops import import_torchvision

os.environ["ACCEPTANCE_LANG"] = "en"  # the tests read what is shown; they do so on a Chinese machine too
try:
    from hypothesis import settings
except ModuleNotFoundError:  # on a runner's host, where selftest/contracts is run by what `make accept` installs
    pass
else:
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
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """A clean run, made once for all workers; what it made is kept between sessions, in a store that checks it."""
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with FileLock(folder / "clean.lock"):
        return clean_run(folder / "clean", CLEAN_CACHE)


@pytest.fixture
def world(tmp_path: Path, clean: Clean, heavy_imports: None, pytester: pytest.Pytester) -> World:
    """A world of its own for each test."""
    return World(tmp_path, clean, pytester)
