"""torchvision comes up beside this torch, whatever became of its compiled operators."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from tools.base.files import ROOT
from tools.model import torchvision_ops


def test_models_and_transforms_are_there_in_a_fresh_process() -> None:
    program = (
        "from tools.model.torchvision_ops import import_torchvision as get; import sys; "
        "assert 'torch' not in sys.modules; "
        "found = get(); print(found.models.get_model('squeezenet1_1', weights=None) is not None, "
        "found.transforms.Resize(256).size, get() is found)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "True 256 True"), done.stderr


class Import:
    """An importer that fails as often as told before it succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.times = list(errors), 0

    def __call__(self, name: str) -> ModuleType:
        """Import it, or fail."""
        self.times += 1
        if self.errors:
            raise self.errors.pop(0)
        return ModuleType(name)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was declared; the real declarations are left alone."""
    done: list[str] = []
    monkeypatch.setattr(torchvision_ops, "_declare_operators", lambda: done.append("nms"))
    return done


def load(monkeypatch: pytest.MonkeyPatch, importer: Import) -> ModuleType:
    """Import torchvision through this importer, without the memory of earlier imports."""
    monkeypatch.setattr(importlib, "import_module", importer)
    return torchvision_ops.import_torchvision.__wrapped__()


def test_matching_wheels_are_left_alone(monkeypatch: pytest.MonkeyPatch, declared: list[str]) -> None:
    assert load(monkeypatch, Import()).__name__ == "torchvision"
    assert declared == []


def test_missing_operators_are_declared_and_the_import_repeated(
    monkeypatch: pytest.MonkeyPatch, declared: list[str]
) -> None:
    importer = Import(RuntimeError("operator torchvision::nms does not exist"))
    assert load(monkeypatch, importer).__name__ == "torchvision"
    assert (declared, importer.times) == (["nms"], 2)


def test_a_second_failure_is_not_swallowed(monkeypatch: pytest.MonkeyPatch, declared: list[str]) -> None:
    missing = RuntimeError("operator torchvision::roi_align does not exist")
    with pytest.raises(RuntimeError, match="roi_align"):
        load(monkeypatch, Import(missing, missing))


@pytest.mark.parametrize("error", [RuntimeError("CUDA error"), ImportError("no torchvision")])
def test_any_other_error_is_passed_on(monkeypatch: pytest.MonkeyPatch, declared: list[str], error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        load(monkeypatch, Import(error))
    assert declared == []
