"""Faults of the export: other opset, names, shapes, weights or arithmetic than the checkpoint's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.world import World
from tools.engines.onnx_engine import OnnxEngine
from tools.model import export as exporter

if TYPE_CHECKING:
    import numpy as np
    import onnx
    import torch
    from numpy.typing import NDArray

catalogue = Catalogue("checkpoint", "onnx", remade=("onnx",))


def edit_export(world: World, monkeypatch: pytest.MonkeyPatch, edit: Callable[[onnx.ModelProto], None]) -> None:
    """In place of an export, the file that the clean run exported, with a change in its graph."""
    import onnx

    exported = next(world.clean.files("onnx").iterdir())

    def edited(model: torch.nn.Module, path: Path, *asked: object) -> None:
        graph = onnx.load(str(exported))
        edit(graph)
        onnx.save(graph, str(path))

    monkeypatch.setattr(exporter, "_export", edited)


def edit_pads(world: World, monkeypatch: pytest.MonkeyPatch, operator: str, pads: list[int]) -> None:
    """Give the first node of this operator other paddings (top, left, bottom, right)."""

    def pad(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == operator)
        next(attribute for attribute in node.attribute if attribute.name == "pads").ints[:] = pads

    edit_export(world, monkeypatch, pad)


def export_arguments(monkeypatch: pytest.MonkeyPatch, **changed: object) -> None:
    """Call torch's exporter with other arguments than the suite does."""
    import torch

    export = torch.onnx.export
    monkeypatch.setattr(torch.onnx, "export", lambda *words, **named: export(*words, **{**named, **changed}))


@catalogue.fault("the exporter fails", "onnx.export")
def exporter_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def refuse(*words: object, **named: object) -> None:
        raise RuntimeError("Exporting the operator 'aten::x' to ONNX opset version 11 is not supported")

    monkeypatch.setattr(torch.onnx, "export", refuse)


@catalogue.fault("the exporter leaves half a file", "onnx.export")
def half_a_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(
        torch.onnx, "export", lambda model, images, path, **named: Path(path).write_bytes(b"\x08\x06:\xff")
    )


@catalogue.fault("exported in train mode", "onnx.export")
def train_mode(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    export_arguments(monkeypatch, training=torch.onnx.TrainingMode.TRAINING)


@catalogue.fault("an input that no node makes", "onnx.checker")
def dangling_input(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def dangle(model: onnx.ModelProto) -> None:
        model.graph.node[3].input[0] = "nobody"

    edit_export(world, monkeypatch, dangle)


@catalogue.fault("opset 12", "onnx.opset")
def opset_12(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    export_arguments(monkeypatch, opset_version=12)


@catalogue.fault("torch's default exporter, which silently writes opset 18", "onnx.opset")
def default_exporter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnx import version_converter

    edit_export(world, monkeypatch, lambda model: model.CopyFrom(version_converter.convert_version(model, 18)))


@catalogue.fault("a second opset domain", "onnx.opset")
def second_domain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx

    edit_export(
        world, monkeypatch, lambda model: model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    )


@catalogue.fault("a node that atc's parser does not know", "onnx.operators")
def unregistered_operator(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx

    def add(model: onnx.ModelProto) -> None:
        ends = ["quantised", "scale", "zero_point"]
        model.graph.node.append(
            onnx.helper.make_node("DynamicQuantizeLinear", [model.graph.output[0].name], ends, "/quantise")
        )

    edit_export(world, monkeypatch, add)


@catalogue.fault("the exporter's default names", "onnx.input")
def default_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    export_arguments(monkeypatch, input_names=["input.1"], dynamic_axes={"input.1": {0: "-1"}, "class": {0: "-1"}})


@catalogue.fault("a fixed batch", "onnx.input")
def fixed_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    export_arguments(monkeypatch, dynamic_axes=None)


@catalogue.fault("the output renamed", "onnx.output")
def renamed_output(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    export_arguments(
        monkeypatch, output_names=["output1"], dynamic_axes={"actual_input_1": {0: "-1"}, "output1": {0: "-1"}}
    )


@catalogue.fault("a layer's bias lost in the export", "onnx.weights")
def lost_bias(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    from onnx import numpy_helper

    def lose(model: onnx.ModelProto) -> None:
        bias = next(tensor for tensor in model.graph.initializer if tensor.name == "features.3.bias")
        bias.CopyFrom(numpy_helper.from_array(np.zeros(192, np.float32), bias.name))

    edit_export(world, monkeypatch, lose)


@catalogue.fault("two conv filters swapped in the export", "onnx.weights")
def swapped_filters(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnx import numpy_helper

    def swap(model: onnx.ModelProto) -> None:
        stored = next(tensor for tensor in model.graph.initializer if tensor.name == "features.6.weight")
        filters = numpy_helper.to_array(stored).copy()
        filters[[0, 1]] = filters[[1, 0]]
        stored.CopyFrom(numpy_helper.from_array(filters, stored.name))

    edit_export(world, monkeypatch, swap)


@catalogue.fault("weights exported after rounding to float16", "onnx.weights")
def rounded_weights(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    export = exporter._export
    monkeypatch.setattr(exporter, "_export", lambda model, *words: export(model.half().float(), *words))


@catalogue.fault("softmax appended", "onnx.logits_abs_error")
def softmax(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    export = exporter._export
    monkeypatch.setattr(
        exporter,
        "_export",
        lambda model, *words: export(_named_like(torch.nn.Softmax(1), model), *words),
    )


@catalogue.fault("a pool with another padding", "onnx.logits_abs_error")
def pool_padding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_pads(world, monkeypatch, "MaxPool", [1, 1, 0, 0])


@catalogue.fault("a convolution's padding folded wrong, the shape kept", "onnx.logits_abs_error")
def conv_padding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_pads(world, monkeypatch, "Conv", [1, 1, 3, 3])


@catalogue.fault(
    "an image's logits depend on its neighbours", "onnx.batch_invariance_abs_error", remade=("onnx-logit-errors",)
)
def neighbours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = OnnxEngine.logits

    def logits(engine: OnnxEngine, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return right(engine, images) + (1 if len(images) == 1 else 0)

    monkeypatch.setattr(OnnxEngine, "logits", logits)


def _named_like(last: torch.nn.Module, model: torch.nn.Module) -> torch.nn.Module:
    """The model followed by another layer, its weights keeping their names."""
    forward = model.forward
    model.forward = lambda images: last(forward(images))
    return model
