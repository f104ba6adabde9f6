"""A node that an OM computes wrongly is found from the outputs of cut models alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from selftest.simulator_runner import simulator_runner
from selftest.torch_models import SMALL, Change, export, images, perturbed, random_weights
from tools.base.errors import OmError, OnnxError, SuiteError
from tools.diagnosis.diagnose_om import (
    CutModel,
    Localisation,
    cut_model,
    first_diverging,
    localise,
    render,
)
from tools.diagnosis.onnx_nodes import NodeGraph, outputs_at

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return random_weights(SMALL)


@pytest.fixture(scope="module")
def small_onnx(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(weights, SMALL, tmp_path_factory.mktemp("small") / "small.onnx")


def run_onnx(path: Path, batch: Array) -> Array:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    output: Array = session.run(None, {session.get_inputs()[0].name: batch})[0]
    return output


class StandIn:
    """A compiler that spoils one weight tensor, wherever a cut model holds it, and a device in emulated fp16."""

    def __init__(self, batch: Array, tensor: str = "", change: Change = lambda values: values) -> None:
        self._batch, self._tensor, self._change = batch, tensor, change
        self.asked: list[int] = []

    def __call__(self, cut: CutModel) -> Array:
        self.asked.append(cut.node_index)
        path = cut.path
        present = [entry.name for entry in onnx.load(str(path)).graph.initializer]
        if self._tensor in present:
            path = perturbed(path, path.with_name("spoiled.onnx"), self._tensor, self._change)
        graph = NodeGraph(path)
        _, rounded = outputs_at(graph, self._batch, len(graph.nodes) - 1, range(len(graph.nodes)))
        return rounded.reshape(len(rounded), -1)


def node_of(path: Path, tensor: str) -> int:
    return next(index for index, node in enumerate(onnx.load(str(path)).graph.node) if tensor in node.input)


@pytest.mark.parametrize("index", [0, 2, 7, 40, 64])
def test_a_cut_model_computes_what_its_node_does(small_onnx: Path, tmp_path: Path, index: int) -> None:
    cut = cut_model(small_onnx, index, tmp_path / "cut.onnx")
    onnx.checker.check_model(str(cut.path), full_check=True)
    batch = images(3)
    expected, _ = outputs_at(NodeGraph(small_onnx), batch, index, range(index))
    found = run_onnx(cut.path, batch)
    assert found.shape == (3, *cut.output_shape)
    assert found.reshape(3, -1).shape[1] == cut.width
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_cut_model_keeps_opset_input_and_only_the_weights_it_needs(small_onnx: Path, tmp_path: Path) -> None:
    whole, cut = onnx.load(str(small_onnx)), cut_model(small_onnx, 3, tmp_path / "cut.onnx")
    model = onnx.load(str(cut.path))
    assert (cut.node_index, cut.operator, cut.input_name) == (3, "Conv", "actual_input_1")
    assert list(model.graph.input) == list(whole.graph.input)
    assert (list(model.opset_import), model.ir_version) == (list(whole.opset_import), whole.ir_version)
    assert list(model.graph.initializer) == list(whole.graph.initializer)[:4]
    assert list(model.graph.node) == list(whole.graph.node)[:4]


@pytest.mark.parametrize("index", [-1, 65])
def test_a_cut_after_no_node_is_refused(small_onnx: Path, tmp_path: Path, index: int) -> None:
    with pytest.raises(OnnxError, match=rf"no such node; found {index}; allowed 0\.\.64"):
        cut_model(small_onnx, index, tmp_path / "cut.onnx")
    assert not list(tmp_path.iterdir())


def test_a_cut_of_open_shape_is_refused(small_onnx: Path, tmp_path: Path) -> None:
    model = onnx.load(str(small_onnx))
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "side"
    onnx.save(model, str(tmp_path / "odd.onnx"))
    with pytest.raises(OnnxError, match=r"features\.0/Conv has no fixed shape; found \[64, 0, 31\]"):
        cut_model(tmp_path / "odd.onnx", 0, tmp_path / "cut.onnx")
    assert not (tmp_path / "cut.onnx").exists()


def test_a_cut_of_contradicting_shapes_is_refused(small_onnx: Path, tmp_path: Path) -> None:
    model = onnx.load(str(small_onnx))
    claim = onnx.helper.make_tensor_value_info(model.graph.node[0].output[0], onnx.TensorProto.FLOAT, [1, 2, 3, 4])
    model.graph.value_info.append(claim)
    onnx.save(model, str(tmp_path / "odd.onnx"))
    with pytest.raises(OnnxError, match="the shapes in the graph contradict each other"):
        cut_model(tmp_path / "odd.onnx", 0, tmp_path / "cut.onnx")
    assert not (tmp_path / "cut.onnx").exists()


@pytest.mark.parametrize("nodes", [1, 2, 3, 19, 20, 21, 64])
def test_bisection_finds_every_first_node_in_the_stated_number_of_questions(nodes: int) -> None:
    for first in range(nodes):
        asked: list[int] = []

        def diverges(index: int, first: int = first, asked: list[int] = asked) -> bool:
            asked.append(index)
            return index >= first

        assert first_diverging(nodes, diverges) == first
        assert len(asked) == len(set(asked)) <= 1 + (nodes - 1).bit_length()


def test_nothing_is_found_where_nothing_diverges_at_the_end() -> None:
    assert first_diverging(20, lambda _index: False) is None
    assert first_diverging(20, {3}.__contains__) is None


def test_of_a_hidden_error_a_place_is_found_where_it_sets_in() -> None:
    assert first_diverging(20, {3, 4, 12, 13, 14, 15, 16, 17, 18, 19}.__contains__) == 12


def test_no_nodes_are_refused() -> None:
    with pytest.raises(SuiteError, match="no nodes"):
        first_diverging(0, lambda _index: True)


@pytest.mark.parametrize("tensor", ["features.0.weight", "features.6.expand3x3.bias", "classifier.1.weight"])
def test_the_spoiled_node_is_named(small_onnx: Path, tmp_path: Path, tensor: str) -> None:
    batch = images(2)
    device = StandIn(batch, tensor, lambda values: values * 1.5)
    found = localise(small_onnx, batch, device, tmp_path)
    spoiled = node_of(small_onnx, tensor)
    assert found.first_diverging == spoiled
    assert len(device.asked) <= 8
    assert [probe.node_index for probe in found.probes] == device.asked
    assert f"first diverging node of the OM: {spoiled} " in render(found, om_explained=False)[-1]
    assert render(found, om_explained=True) == render(found, om_explained=False), (
        "a node that diverges is named in any case"
    )
    assert not (tmp_path / f"cut{spoiled}.onnx").exists()


def test_a_sound_compiler_is_asked_once_and_the_om_at_fault_is_another(small_onnx: Path, tmp_path: Path) -> None:
    batch = images(2)
    found = localise(small_onnx, batch, StandIn(batch), tmp_path)
    assert (found.first_diverging, len(found.probes)) == (None, 1)
    assert "is not made of this file" in render(found, om_explained=False)[-1]
    assert render(found, om_explained=True)[-1] == "no node is at fault: the bound is tighter than fp16"
    assert msgspec.json.decode(msgspec.json.encode(found), type=Localisation) == found


@pytest.mark.parametrize(
    "spoil",
    [lambda rows: rows[:1], lambda rows: rows[:, :-1], lambda rows: rows.reshape(2, 1, -1)],
    ids=["one image lost", "one value lost", "not flat"],
)
def test_rows_that_are_not_the_cuts_are_refused(
    small_onnx: Path, tmp_path: Path, spoil: Callable[[Array], Array]
) -> None:
    batch = images(2)
    device = StandIn(batch)
    with pytest.raises(SuiteError, match="other than one row an image"):
        localise(small_onnx, batch, lambda cut: spoil(device(cut)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_swapped_or_broken_dumps_diverge_at_the_first_node(small_onnx: Path, tmp_path: Path) -> None:
    batch = images(2)
    device = StandIn(batch)
    assert localise(small_onnx, batch, lambda cut: device(cut)[::-1], tmp_path).first_diverging == 0
    assert localise(small_onnx, batch, lambda cut: device(cut) * np.nan, tmp_path).first_diverging == 0


@pytest.mark.parametrize(
    ("fault", "node"), [("", None), ("atc:perturbed-weights", "/features/features.3/expand1x1/Conv")]
)
def test_the_third_convolution_is_named_on_the_simulator(
    small_onnx: Path, tmp_path: Path, fault: str, node: str | None
) -> None:
    until_the_branches = cut_model(small_onnx, 6, tmp_path / "chain.onnx").path  # the simulator has no Concat
    assert named_on_the_simulator(until_the_branches, images(2), fault, tmp_path, most_probes=4) == node


@pytest.mark.nightly
@pytest.mark.parametrize(("fault", "node"), [("", None), ("atc:perturbed-weights", "/features/features.6/Conv")])
def test_alexnets_third_convolution_is_named_on_the_simulator(tmp_path: Path, fault: str, node: str | None) -> None:
    path = export(random_weights("alexnet"), "alexnet", tmp_path / "alexnet.onnx", side_px=224)
    assert named_on_the_simulator(path, images(2, side_px=224), fault, tmp_path, most_probes=6) == node


def named_on_the_simulator(path: Path, batch: Array, fault: str, folder: Path, *, most_probes: int) -> str | None:
    found = localise(path, batch, simulator_runner(folder, batch, FAULT=fault), folder)
    names = {probe.node_index: probe.node for probe in found.probes}
    assert len(found.probes) <= most_probes
    return None if found.first_diverging is None else names[found.first_diverging]


def test_an_atc_that_fails_is_told_with_its_words(small_onnx: Path, tmp_path: Path) -> None:
    batch = images(1)
    with pytest.raises(OmError, match="E19999"):
        localise(small_onnx, batch, simulator_runner(tmp_path, batch, FAULT="atc:fails"), tmp_path)
