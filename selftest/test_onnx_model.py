"""What an ONNX file is, is read from the file itself: opsets, names, shapes, and what the checker says."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from selftest.onnx_files import Edit, saved
from tools.base.errors import OnnxError
from tools.model.onnx_model import checker_facts, inspect_model


def test_the_facts_are_those_of_the_file(tmp_path: Path) -> None:
    facts = inspect_model(saved(tmp_path))
    assert facts.opsets == ("ai.onnx 11",)
    assert (facts.inputs, facts.outputs) == (("x float32 [-1, 3]",), ("y float32 [-1, 2]",))
    assert facts.operators == ("Gemm",)


def test_every_opset_domain_is_told(tmp_path: Path) -> None:
    other = helper.make_opsetid("com.microsoft", 1)
    facts = inspect_model(saved(tmp_path, lambda model: model.opset_import.append(other)))
    assert facts.opsets == ("ai.onnx 11", "com.microsoft 1")


def test_a_fixed_axis_and_another_type_are_told(tmp_path: Path) -> None:
    def edit(model: onnx.ModelProto) -> None:
        tensor = model.graph.input[0].type.tensor_type
        tensor.elem_type = TensorProto.FLOAT16
        tensor.shape.dim[0].dim_value = 0

    assert inspect_model(saved(tmp_path, edit)).inputs == ("x float16 [0, 3]",)


def test_a_second_output_is_told(tmp_path: Path) -> None:
    extra = helper.make_tensor_value_info("fc.weight", TensorProto.FLOAT, [2, 3])
    facts = inspect_model(saved(tmp_path, lambda model: model.graph.output.append(extra)))
    assert facts.outputs == ("y float32 [-1, 2]", "fc.weight float32 [2, 3]")


@pytest.mark.parametrize("content", [b"\x08\x06:\xff", b"<html>", b"\xff" * 100])
def test_what_is_no_onnx_is_an_error_of_its_stage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(OnnxError, match="not a readable ONNX file") as caught:
        inspect_model(path)
    assert caught.value.gate == "onnx.export"


def test_a_cut_file_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path)
    os.truncate(path, path.stat().st_size - 3)
    with pytest.raises(OnnxError, match="not a readable ONNX file"):
        inspect_model(path)


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OnnxError) as caught:
        inspect_model(tmp_path / "none.onnx")
    assert str(caught.value) == f"{tmp_path / 'none.onnx'}: not a readable ONNX file: No such file or directory"


def test_a_sound_file_is_accepted(tmp_path: Path) -> None:
    assert checker_facts(saved(tmp_path)).answer == "accepted"


def _dangle(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "nobody"


def _unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "NoSuchOperator"


def _other_shape(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 7


@pytest.mark.parametrize("edit", [_dangle, _unknown_operator, _other_shape])
def test_the_checkers_complaint_is_one_line(tmp_path: Path, edit: Edit) -> None:
    answer = checker_facts(saved(tmp_path, edit)).answer
    assert answer != "accepted"
    assert "\n" not in answer
