"""The guide's export: opset 11 by the file's own word, the names, a dynamic batch; else no file and one line."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import onnx
import pytest
import torch

from selftest.torch_models import SMALL, network, random_weights
from tools import pth2onnx
from tools.base import cli
from tools.base.errors import OnnxError
from tools.base.files import ROOT
from tools.judge.numbers import Exactly
from tools.judge.spec import Spec
from tools.model import export
from tools.model.export import export_onnx
from tools.model.onnx_model import inspect_model
from tools.model.weights.compare import compare_weights
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec
from tools.sample import checkpoint as sample

COMMAND: list[str | Path] = [sys.executable, ROOT / "tools" / "pth2onnx.py"]


@pytest.fixture(scope="module")
def pth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's checkpoint."""
    path = tmp_path_factory.mktemp("pth") / "alexnet sample.pth"
    sample.write_checkpoint(path)
    return path


@pytest.fixture(scope="module")
def exported(pth: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The command's file and answer, run from another folder."""
    out = pth.parent / "new" / "alexnet.onnx"
    words = [*COMMAND, pth, out, "--port", SAMPLE_SPEC]
    return out, subprocess.run(words, cwd=pth.parent, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    """A small network, so that an export is quick."""
    return network(random_weights(SMALL), SMALL)


@pytest.fixture
def asked() -> Spec:
    """What the published model's file must be."""
    return load_spec(PUBLISHED_SPEC)


def at_opset(asked: Spec, opset: int) -> Spec:
    """The same at another opset."""
    wanted = Exactly(exactly=float(opset), unit="opset", source="test")
    return dataclasses.replace(asked, onnx=dataclasses.replace(asked.onnx, opset=wanted))


def test_the_command_writes_the_guides_file(exported: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    path, done = exported
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: opset 11, actual_input_1 -> class\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["alexnet.onnx"]
    facts = inspect_model(path)
    assert facts.opsets == ("ai.onnx 11",)
    assert facts.inputs == ("actual_input_1 float32 [-1, 3, 224, 224]",)
    assert facts.outputs == ("class float32 [-1, 1000]",)


def test_the_weights_are_in_the_file_bit_for_bit(exported: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    weights = sample.state_dict()
    compared = compare_weights(exported[0], weights, network(weights, "alexnet"))
    assert (compared.offenders, compared.among, compared.exact) == ((), 16, 16)
    model = onnx.load(str(exported[0]), load_external_data=False)
    assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in model.graph.initializer)


def refused(words: Sequence[str | Path], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which the command refuses these words."""
    assert cli.run(lambda: pth2onnx.main([str(word) for word in words])) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    return captured.err


def test_another_checkpoint_is_refused_by_its_md5(pth: Path, tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, pth, tmp_path / "a.onnx"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {pth}: this is not the published checkpoint")
    assert "allowed md5 aed0662f397a0507305ac94ea5519309" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_absent_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused([tmp_path / "none.pth", tmp_path / "out" / "a.onnx"], capsys)
    assert "there is no such checkpoint file" in said
    assert list(tmp_path.iterdir()) == []


def test_a_typo_in_the_spec_is_refused(pth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "own.yaml"
    spec.write_text(SAMPLE_SPEC.read_text().replace("torchvision:alexnet", "torchvision:alexnett"))
    said = refused([pth, tmp_path / "out" / "a.onnx", "--port", spec], capsys)
    assert "torchvision has no such network; found alexnett" in said
    assert [entry.name for entry in tmp_path.iterdir()] == ["own.yaml"]


def test_a_folder_that_cannot_be_made_is_refused(pth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert "file" in refused([pth, tmp_path / "file" / "a.onnx", "--port", SAMPLE_SPEC], capsys)


@pytest.mark.parametrize("earlier", [None, b"earlier"])
def test_an_opset_other_than_asked_for_leaves_the_final_name_as_it_was(
    model: torch.nn.Module, asked: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bytes | None
) -> None:
    path = tmp_path / "model.onnx"
    if earlier is not None:
        path.write_bytes(earlier)
    export = torch.onnx.export
    monkeypatch.setattr(torch.onnx, "export", lambda *words, **named: export(*words, **{**named, "opset_version": 18}))
    with pytest.raises(OnnxError, match=r"found ai\.onnx 18; allowed ai\.onnx 11") as caught:
        export_onnx(model, path, asked)
    assert caught.value.gate == "onnx.opset"
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == ([] if earlier is None else [earlier])


@pytest.mark.filterwarnings("ignore:You are exporting the model in training mode", "ignore:It is recommended")
def test_a_model_exported_in_train_mode_is_refused(
    model: torch.nn.Module, asked: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export, train = torch.onnx.export, torch.onnx.TrainingMode.TRAINING
    monkeypatch.setattr(torch.onnx, "export", lambda *words, **named: export(*words, **{**named, "training": train}))
    with pytest.raises(OnnxError, match="exported in train mode; found 1 x Dropout") as caught:
        export_onnx(model, tmp_path / "model.onnx", asked)
    assert caught.value.gate == "onnx.export"
    assert list(tmp_path.iterdir()) == []


def test_the_default_exporters_opset_18_is_refused(
    model: torch.nn.Module, asked: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dynamo(module: torch.nn.Module, path: Path, wanted: Spec, batch: int | None, opset: int) -> None:
        """What torch's default exporter leaves when asked for 11: its own minimum, without a word."""
        right(module, path, wanted, batch, 18)

    right = export._export
    monkeypatch.setattr(export, "_export", dynamo)
    with pytest.raises(OnnxError, match="another opset than asked for"):
        export_onnx(model, tmp_path / "model.onnx", asked)
    assert list(tmp_path.iterdir()) == []


def test_the_exporter_is_named_because_the_default_one_is_another(
    model: torch.nn.Module, asked: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, dict[str, object]] = {}  # newer opsets are tried after it

    def export(*words: object, **named: object) -> None:
        given.setdefault("first", named)
        raise RuntimeError("enough")

    monkeypatch.setattr(torch.onnx, "export", export)
    with pytest.raises(OnnxError, match="torch could not export: enough"):
        export_onnx(model, tmp_path / "model.onnx", asked)
    assert (given["first"]["dynamo"], given["first"]["opset_version"]) == (False, 11)


@pytest.mark.filterwarnings("ignore:Exporting to ONNX opset version 25")
def test_an_opset_that_torch_does_not_have_is_an_error_of_the_stage(
    model: torch.nn.Module, asked: Spec, tmp_path: Path
) -> None:
    with pytest.raises(OnnxError) as caught:
        export_onnx(model, tmp_path / "model.onnx", at_opset(asked, 25))
    assert caught.value.gate == "onnx.export"
    assert list(tmp_path.iterdir()) == []
