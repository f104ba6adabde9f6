"""Stage onnx: the produced file is what atc needs, and still the checkpoint."""

from __future__ import annotations

from fixtures.gates import Judged, gate


@gate("onnx.export")
def test_checkpoint_exports(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.checker")
def test_checker_accepts_the_file(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.opset")
def test_opset_of_the_produced_file(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.operators")
def test_atc_knows_every_operator(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.input")
def test_input_of_the_produced_file(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.output")
def test_output_of_the_produced_file(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.weights")
def test_initializers_equal_the_checkpoint(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.logits_abs_error")
def test_logits_follow_the_checkpoint(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.graph_step_abs_error")
def test_graph_step_changes_no_logit(judged: Judged) -> None:
    assert judged.passed


@gate("onnx.batch_invariance_abs_error")
def test_batch_of_16_equals_batch_of_1(judged: Judged) -> None:
    assert judged.passed
