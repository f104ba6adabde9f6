"""Faults of a port of one's own: its network, weights, recipe, arguments, and the code that they are made by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.world import World
from selftest.ports.tiny import TinyPort, tiny_port
from tools.base.files import md5_of, sha256_of
from tools.model import export as exporter
from tools.model.library import foreign

if TYPE_CHECKING:
    import torch

OWN = ("--checkpoint={folder}/port/tiny.pth", "--images={folder}/port/images", "--labels={folder}/port/labels.txt")
IMAGENET = ("mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]", "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]")
ALL_RIGHT = "{pth_top1: {value: 100.0, unit: percent, source: its own recipe}}"
STEP = (
    "{opset: {exactly: 11, unit: opset, source: test}, input: {name: image}, output: {name: class}, "
    "graph_step: 'python:surgery.py:step'}"
)
SPOILS = """
import onnx
from onnx import numpy_helper


def step(source, target):
    model = onnx.load(str(source))
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "head.bias")
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + 0.5, bias.name))
    onnx.save(model, str(target))
"""
checkpoint = Catalogue("checkpoint")
exported = Catalogue("onnx")
preprocessing = Catalogue("preprocessing")
accuracy = Catalogue("accuracy")


def own_port(world: World, *, label_offset: int = 0, **sections: str) -> TinyPort:
    """The small port in the world's folder, which is what the world then runs."""
    port = tiny_port(world.folder / "port", classes=100, label_offset=label_offset, arguments=None, **sections)
    world.port = port.port
    return port


def weights_of(port: TinyPort) -> dict[str, torch.Tensor]:
    """The port's weights."""
    import torch

    found: dict[str, torch.Tensor] = torch.load(port.checkpoint, weights_only=True)
    return found


def save(port: TinyPort, content: Mapping[str, object]) -> None:
    """Another content of the checkpoint, whose digests the port states, so that only the content is wrong."""
    import torch

    before = sha256_of(port.checkpoint), md5_of(port.checkpoint)
    torch.save(content, port.checkpoint)
    for old, new in zip(before, (sha256_of(port.checkpoint), md5_of(port.checkpoint)), strict=True):
        port.edit(old, new)


@checkpoint.fault("the weights looked for under another key than theirs", "checkpoint.loads", *OWN, sample=False)
def wrong_wrapper(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    save(port, {"model": weights_of(port), "epoch": 7})
    port.edit("file: tiny.pth,", "file: tiny.pth, state_dict_key: ema,")


@checkpoint.fault("a prefix of all names that the port does not state", "checkpoint.keys", *OWN, sample=False)
def unstated_prefix(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    save(port, {f"module.{name}": tensor for name, tensor in weights_of(port).items()})


@checkpoint.fault("other tensors than a port of one's own pins", "checkpoint.content_sha256", *OWN, sample=False)
def other_tensors(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_port(world).edit("file: tiny.pth,", f"file: tiny.pth, content_sha256: '{'0' * 64}',")


@preprocessing.fault("other images than a port of one's own pins", "preprocessing.images_sha256", *OWN, sample=False)
def other_images(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_port(world).edit("classes: 100, source: test}", f"classes: 100, source: test, content_sha256: '{'0' * 64}'}}")


@checkpoint.fault("an argument that a library does not give its own weights", "checkpoint.keys", *OWN, sample=False)
def foreign_argument(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_port(world).edit("arguments: {classes: 100}", "arguments: {classes: 100, scale: 0.8}")
    monkeypatch.setattr(foreign, "CLASSES", "classes")
    monkeypatch.setattr(foreign, "stated_recipe", lambda *words: SimpleNamespace(size=(64, 64)))


@exported.fault("a folded weight altered by one part in a thousand", "onnx.weights", *OWN, sample=False)
def altered_fold(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    import onnx
    from onnx import numpy_helper

    names, right = weights_of(own_port(world)).keys(), exporter._export

    def altered(model: torch.nn.Module, path: Path, *asked: Any) -> None:  # noqa: ANN401 - what is exported, and how
        right(model, path, *asked)
        graph = onnx.load(str(path))
        folded = next(one for one in graph.graph.initializer if len(one.dims) == 4 and one.name not in names)
        more = numpy_helper.to_array(folded) * np.float32(1.001)
        folded.CopyFrom(numpy_helper.from_array(more, folded.name))
        onnx.save(graph, str(path))

    monkeypatch.setattr(exporter, "_export", altered)


@exported.fault(
    "a graph step that spoils a bias",
    "onnx.graph_step_abs_error",
    *OWN,
    sample=False,
    beside=("onnx.logits_abs_error",),
)
def spoiling_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.folder / "port").mkdir()
    (world.folder / "port" / "surgery.py").write_text(SPOILS, encoding="utf-8")
    own_port(world, onnx=STEP)


@accuracy.fault("the background class forgotten in the port", "pth.accuracy.above_chance", *OWN, sample=False)
def forgotten_offset(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world, label_offset=1)
    port.edit("label_offset: 1", "label_offset: 0")
    port.edit("classes: 100, source", "classes: 101, source")


@accuracy.fault(
    "the port's network edited after a run, so that it classifies no more",
    "pth.accuracy.above_chance",
    *OWN,
    sample=False,
)
def edited_network(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    words = [word.format(folder=world.folder) for word in OWN]
    assert world.run("-m", "accuracy", *words, sample=False).failed == []
    source = port.port.parent / "tiny_net.py"
    text = source.read_text(encoding="utf-8")
    assert "flatten(features, 1)" in text
    source.write_text(text.replace("flatten(features, 1)", "flatten(-features, 1)"), encoding="utf-8")


@accuracy.fault(
    "the mean and std of ImageNet for weights with others", "pth.accuracy.top1_error_pp", *OWN, sample=False
)
def wrong_recipe(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_port(world, accuracy=ALL_RIGHT).edit(*IMAGENET)


@accuracy.fault(
    "another argument of the network than the weights force", "pth.accuracy.top1_error_pp", *OWN, sample=False
)
def wrong_argument(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_port(world, accuracy=ALL_RIGHT).edit("arguments: {classes: 100}", "arguments: {classes: 100, scale: 0.8}")
