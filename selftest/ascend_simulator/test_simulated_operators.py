"""Which models the simulated atc parses: the opsets and operators that CANN registers, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from selftest.ascend_simulator import graphs


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def single(
    path: Path, capsys: pytest.CaptureFixture[str], operator: str, opset: int, inputs: int = 1
) -> graphs.Compiled:
    """A model of one node on a 1x4 input, compiled."""
    nodes: list[graphs.Node] = [(operator, ["x"] * inputs, ["y"], {})]
    model = graphs.save(path / "single.onnx", nodes, inputs={"x": (1, 4)}, outputs=["y"], opset=opset)
    return graphs.compile_model(model, capsys)


@pytest.mark.parametrize("opset", [8, 11, 12, 13, 14, 15, 16, 17, 18])
def test_the_opsets_of_cann_7_and_later_are_parsed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], opset: int
) -> None:
    assert single(tmp_path, capsys, "Relu", opset).status == 0


@pytest.mark.parametrize("opset", [7, 19, 20])
def test_other_opsets_have_no_parser(tmp_path: Path, capsys: pytest.CaptureFixture[str], opset: int) -> None:
    made = single(tmp_path, capsys, "Relu", opset)
    assert made.status == 255
    assert f"\nE19010: No parser is registered for Op [y_node, optype [ai.onnx::{opset}::Relu]]." in made.stdout


def test_operators_without_a_parser_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = single(tmp_path, capsys, "MatMulInteger", 11, inputs=2)
    assert "optype [ai.onnx::11::MatMulInteger]]" in made.stdout
    made = single(tmp_path, capsys, "NoSuchOperator", 13)
    assert "\nE19010: " in made.stdout


def test_an_operator_that_came_later_has_no_parser_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert single(tmp_path, capsys, "HardSwish", 14).status == 0
    assert "\nE19010: " in single(tmp_path, capsys, "HardSwish", 13).stdout


def test_the_vendors_own_operators_are_known_but_not_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = single(tmp_path, capsys, "NPUFastGelu", 11)
    assert "\nE19999: The simulator does not simulate operator NPUFastGelu [y_node]" in made.stdout


def test_control_flow_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from onnx import helper

    body = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["z"])], "body", [], [helper.make_tensor_value_info("z", 1, [1, 4])]
    )
    nodes: list[graphs.Node] = [("If", ["c"], ["y"], {"then_branch": body, "else_branch": body})]
    model = graphs.save(
        tmp_path / "if.onnx", nodes, inputs={"x": (1, 4)}, outputs=["y"], weights={"c": np.array(True)}, opset=13
    )
    assert "\nE19999: The simulator does not simulate control flow: If" in graphs.compile_model(model, capsys).stdout


def test_what_onnxruntime_cannot_run_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes: list[graphs.Node] = [("Cast", ["x"], ["b"], {"to": 9}), ("Cast", ["b"], ["y"], {"to": 8})]
    model = graphs.save(tmp_path / "m.onnx", nodes, inputs={"x": (1, 4)}, outputs=["y"], types={"y": 8})
    made = graphs.compile_model(model, capsys)
    assert (made.status, "\nE19999: The simulator " in made.stdout) == (255, True)
