"""The diagnosis names the module in a network with everything that AlexNet has not, whoever exported it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper

from selftest.perturbations import Perturbation, Perturber
from selftest.simulator_runner import simulator_runner
from selftest.torch_models import export_model, images
from tools.base.errors import SuiteError
from tools.diagnosis import om_parts
from tools.diagnosis.diagnose import align, diagnose
from tools.diagnosis.diagnose_om import CutModel
from tools.diagnosis.findings import Diagnosis
from tools.diagnosis.om_parts import OmPart, diagnose_parts, render_parts
from tools.diagnosis.render import render
from tools.diagnosis.torch_run import torch_values

Array = NDArray[np.float32]
SIDE_PX = 16
WIDTH = 8


class Block(torch.nn.Module):
    """A residual: convolutions with folded and with free-standing batch normalisation; in-place activations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(WIDTH)
        self.bn2 = torch.nn.BatchNorm2d(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.nn.functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return x + torch.nn.functional.hardswish(self.bn2(y + 1))


class Attention(torch.nn.Module):
    """Attention whose projection is a layer that is never called, as swin's is."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(2 * WIDTH)
        self.qkv = torch.nn.Linear(2 * WIDTH, 6 * WIDTH)
        self.proj = torch.nn.Linear(2 * WIDTH, 2 * WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = torch.nn.functional.linear(self.norm(x), self.qkv.weight, self.qkv.bias)
        q, k, v = made.reshape(*x.shape[:2], 3, -1).unbind(2)
        scores = (q @ k.transpose(1, 2)) / 4
        mixed: torch.Tensor = x + self.proj(scores.softmax(-1) @ v)
        return mixed


class Everything(torch.nn.Module):
    """Batch normalisation, a residual, a concatenation, attention, and layers of one name in several places."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, WIDTH, 4, stride=4)
        self.blocks = torch.nn.Sequential(Block(), Block())
        self.attn = Attention()
        self.head = torch.nn.Linear(2 * WIDTH, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = torch.cat([x, self.blocks(x)], 1)
        x = self.attn(x.flatten(2).transpose(1, 2))
        made: torch.Tensor = self.head(torch.nn.functional.gelu(x).mean(1))
        return made


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Everything().eval().requires_grad_(requires_grad=False)
        for module in made.modules():
            if isinstance(module, torch.nn.BatchNorm2d | torch.nn.LayerNorm):
                module.weight.uniform_(0.8, 1.2)
                module.bias.uniform_(-0.3, 0.3)
            if isinstance(module, torch.nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 1.5)
    return made


@pytest.fixture(scope="module")
def clean(model: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_model(model, tmp_path_factory.mktemp("any") / "any.onnx", side_px=SIDE_PX)


def diagnosed(path: Path, model: torch.nn.Module) -> Diagnosis:
    return diagnose(path, model, images(2, side_px=SIDE_PX))


def modules(found: Diagnosis) -> list[str]:
    return [node.module for node in found.nodes if node.diverges]


def test_nothing_is_named_in_a_clean_export(clean: Path, model: torch.nn.Module) -> None:
    found = diagnosed(clean, model)
    assert (found.diverges, modules(found)) == (False, [])
    told = {node.module for node in found.nodes}
    assert {"stem", "blocks.0.conv1 + blocks.0.bn1", "blocks.1.bn2", "attn.norm", "attn.qkv", "attn.proj"} <= told
    assert {"cat", "blocks.1: add", "attn: _softmax", "gelu"} <= told


@pytest.mark.parametrize("place", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("kind", Perturbation)
def test_a_small_fault_is_named_at_its_module_and_channel(
    kind: Perturbation, place: float, clean: Path, model: torch.nn.Module, tmp_path: Path
) -> None:
    made = Perturber(clean, model).apply(kind, tmp_path / "perturbed.onnx", place=place)
    assert made is not None
    found = diagnosed(made.path, model)
    (told,) = (node for node in found.nodes if node.diverges)
    assert made.module in told.module.split(" + ")
    assert told.channel is not None
    if kind in (Perturbation.FILTER, Perturbation.BIAS):
        assert told.channel.index == made.channel
        assert told.channel.error > 1000 * told.channel.typical
    (line,) = (text for text in render(found) if text.startswith("first diverging node: "))
    assert made.module in line
    assert "channel" in line


def test_of_a_long_graph_only_what_matters_is_shown(
    clean: Path, model: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.diagnosis.render.SHOWN_NODES", 10)
    made = Perturber(clean, model).apply(Perturbation.FILTER, tmp_path / "perturbed.onnx", place=0.4)
    assert made is not None
    lines = render(found := diagnosed(made.path, model))
    assert sum("first to diverge" in line for line in lines) == 1
    assert f"({len(found.nodes) - 11} of {len(found.nodes)} nodes left out, none diverges)" in lines


def test_what_lies_between_is_told(clean: Path, model: torch.nn.Module, tmp_path: Path) -> None:
    made = Perturber(clean, model).apply(Perturbation.VARIANCE, tmp_path / "perturbed.onnx")
    assert made is not None
    assert "in torch that is blocks.1.conv1, blocks.1.bn1 together" in "\n".join(render(diagnosed(made.path, model)))


def test_a_file_without_names_is_diagnosed_too(clean: Path, model: torch.nn.Module, tmp_path: Path) -> None:
    made = Perturber(clean, model).apply(Perturbation.FILTER, tmp_path / "perturbed.onnx", place=0.4)
    assert made is not None
    file = onnx.load(str(made.path))
    kept = {name for value in (*file.graph.input, *file.graph.output, *file.graph.initializer) for name in [value.name]}
    new = {name: f"v{at}_{n}" for at, node in enumerate(file.graph.node) for n, name in enumerate(node.output)}
    for node in file.graph.node:
        node.name = ""
        for names in (node.input, node.output):
            names[:] = [name if name in kept else new.get(name, name) for name in names]
    onnx.save(file, str(made.path))
    assert made.module in modules(diagnosed(made.path, model))[0].split(" + ")


def drop_the_residual(graph: onnx.GraphProto) -> None:
    node = next(node for node in graph.node if node.name == "/blocks/blocks.1/Add_1")
    node.CopyFrom(helper.make_node("Identity", [node.input[0]], list(node.output), node.name))


def other_epsilon(graph: onnx.GraphProto) -> None:
    node = next(node for node in graph.node if node.op_type == "BatchNormalization")
    next(entry for entry in node.attribute if entry.name == "epsilon").f = 1e-2


def other_axis(graph: onnx.GraphProto) -> None:
    node = next(node for node in graph.node if node.op_type == "Softmax")
    next(entry for entry in node.attribute if entry.name == "axis").i = 1


@pytest.mark.parametrize(
    ("edit", "module"),
    [(drop_the_residual, "blocks.1: add"), (other_epsilon, "blocks.0.bn2"), (other_axis, "attn: _softmax")],
)
def test_what_is_wrong_without_a_weight_is_named(
    edit: Callable[[onnx.GraphProto], None], module: str, clean: Path, model: torch.nn.Module, tmp_path: Path
) -> None:
    file = onnx.load(str(clean))
    edit(file.graph)
    onnx.save(file, str(tmp_path / "edited.onnx"))
    assert modules(diagnosed(tmp_path / "edited.onnx", model)) == [module]


def test_several_faults_are_all_named(clean: Path, model: torch.nn.Module, tmp_path: Path) -> None:
    perturber = Perturber(clean, model)
    first = perturber.apply(Perturbation.FILTER, tmp_path / "first.onnx", place=0.0)
    assert first is not None
    second = Perturber(first.path, model).apply(Perturbation.ROWS, tmp_path / "second.onnx")
    assert second is not None
    assert modules(diagnosed(second.path, model)) == [first.module, second.module]


def test_values_that_are_written_over_are_kept_as_they_were(model: torch.nn.Module) -> None:
    found = torch_values(model, images(1, side_px=SIDE_PX))
    norms = [value for value in found.values if value.module == "blocks.0.bn1" and value.array.ndim == 4]
    assert norms
    assert (norms[0].array < 0).any()


def parts_of(clean: Path, model: torch.nn.Module, folder: Path, compiled: Path | None) -> tuple[OmPart, ...]:
    """The parts of the OM; its compiler takes the weights of another file."""
    image = images(1, side_px=SIDE_PX)
    fault = {} if compiled is None else {"FAULT": "atc:other-weights", "WEIGHTS": str(compiled)}
    runner = simulator_runner(folder, image, **fault)
    return diagnose_parts(align(clean, model, image), runner.packed, folder)


def test_in_an_om_nothing_is_named_where_fp16_is_all(clean: Path, model: torch.nn.Module, tmp_path: Path) -> None:
    parts = parts_of(clean, model, tmp_path, None)
    assert [part.module for part in parts if part.diverges] == []
    assert {"attn.norm", "attn.qkv", "gelu", "blocks.1: hardswish"} <= {part.module for part in parts}
    assert render_parts(parts) == [
        f"in the OM none of {len(parts)} operations, each on torch's own values, diverges beyond fp16"
    ]


@pytest.mark.parametrize("kind", Perturbation)
def test_a_small_fault_of_the_compiler_is_named_at_its_module(
    kind: Perturbation, clean: Path, model: torch.nn.Module, tmp_path: Path
) -> None:
    made = Perturber(clean, model).apply(kind, tmp_path / "perturbed.onnx", place=0.4)
    assert made is not None
    (wrong,) = (part for part in parts_of(clean, model, tmp_path, made.path) if part.diverges)
    assert made.module in wrong.module.split(" + ")
    assert wrong.channel is not None
    assert made.channel in (None, wrong.channel.index) or kind is Perturbation.ROWS
    (line,) = render_parts([wrong])
    assert f"torch {wrong.module}) wrongly: relative L2 error" in line
    assert "; worst at channel " in line


def test_many_operations_are_shared_out_over_several_models(
    clean: Path, model: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, asked = align(clean, model, images(1, side_px=SIDE_PX)), []
    monkeypatch.setattr(om_parts, "VALUES_A_MODEL", 1000)

    def compute(cut: CutModel, sample: Array) -> Array:
        asked.append(cut.path.name)
        session = onnxruntime.InferenceSession(str(cut.path), providers=["CPUExecutionProvider"])
        output: Array = session.run(None, {cut.input_name: sample.reshape(1, 1, 1, -1)})[0][0]
        return output

    parts = diagnose_parts(found, compute, tmp_path)
    assert len(asked) > 3
    assert not [part for part in parts if part.diverges]
    with pytest.raises(SuiteError, match="another output"):
        diagnose_parts(found, lambda cut, sample: compute(cut, sample)[:-1], tmp_path)
    assert not list(tmp_path.iterdir())
