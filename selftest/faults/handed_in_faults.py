"""Faults of files that the porter has made and hands in: ONNX files of other weights, OMs of other batch sizes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.port_faults import OWN, own_port
from selftest.faults.world import World
from selftest.ports.int8 import in_plain_operators, quantised, with_other_scale
from selftest.ports.tiny import TinyPort
from tools.pipeline.run import open_run

if TYPE_CHECKING:
    import onnx

ONNX = (*OWN, "--onnx={folder}/mine.onnx")
OMS = (*OWN, "--om={folder}/oms")
DIFFER = "handed_in: {weights_differ: ['*'], reason: quantised}"
onnx_file = Catalogue("onnx")
om_files = Catalogue("om")
accuracy = Catalogue("accuracy")


def options(world: World, port: TinyPort) -> dict[str, str | None]:
    """The options of a run that makes what the porter then changes, with a cache of its own."""
    places = {"cache": world.folder / "own", "evidence": world.folder / "own-evidence"}
    return {**port.options, **{name: str(path) for name, path in places.items()}, "target": "simulator"}


def hand_in(world: World, port: TinyPort, edit: Callable[[onnx.ModelProto], None]) -> Path:
    """The suite's own export with a change, as the porter's own file."""
    import onnx

    with open_run(options(world, port)) as run:
        model = onnx.load(str(run.onnx_step.file().path))
    edit(model)
    onnx.save(model, str(world.folder / "mine.onnx"))
    return world.folder / "mine.onnx"


def change(model: onnx.ModelProto, name: str, how: Callable[[np.ndarray], np.ndarray]) -> None:
    """Other elements of an initializer."""
    from onnx import numpy_helper

    tensor = next(one for one in model.graph.initializer if one.name == name)
    made = np.ascontiguousarray(how(numpy_helper.to_array(tensor)), np.float32)
    tensor.CopyFrom(numpy_helper.from_array(made, name))


@onnx_file.fault("a file handed in with a layer of another network", "onnx.weights", *ONNX, sample=False)
def swapped_layer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(world, own_port(world), lambda model: change(model, "head.weight", lambda array: array[::-1]))


@onnx_file.fault("a pointer of git-lfs handed in for an ONNX file", "onnx.export", *ONNX, sample=False)
def pointer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_port(world)
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
    (world.folder / "mine.onnx").write_text(text, encoding="utf-8")


@onnx_file.fault(
    "weights that are declared to differ, and spoil the outputs", "onnx.logits_abs_error", *ONNX, sample=False
)
def declared_and_wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    hand_in(world, port, lambda model: change(model, "head.bias", lambda array: array + 0.5))
    port.edit("onnx: {", f"onnx: {{{DIFFER}, ")


@om_files.fault(
    "an OM handed in of a batch size that the port does not ask for", "om.compiled[bs1]", *OMS, sample=False
)
def foreign_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    (world.folder / "oms").mkdir()
    with open_run(options(world, port)) as run:
        shutil.copyfile(run.om.om(4).path, world.folder / "oms" / "any.om")
    port.edit("batches: [1, 4]", "batches: [1]")


@accuracy.fault("an int8 file with a wrong scale", "onnx.accuracy.slope_error", *ONNX, "-k=onnx", sample=False)
def wrong_scale(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    quantised(hand_in(world, port, lambda model: None), port, world.folder / "mine.onnx")
    with_other_scale(world.folder / "mine.onnx", "head.weight_scale", 1.25)
    in_plain_operators(world.folder / "mine.onnx", world.folder / "mine.onnx")
    port.edit("onnx: {", f"onnx: {{arithmetic: int8, {DIFFER}, ")


@onnx_file.fault("an int8 file in operators that atc's parser does not know", "onnx.operators", *ONNX, sample=False)
def unknown_quantisation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(world)
    quantised(hand_in(world, port, lambda model: None), port, world.folder / "mine.onnx")
    port.edit("onnx: {", f"onnx: {{arithmetic: int8, {DIFFER}, ")
