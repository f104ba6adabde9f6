"""Stage onnx: the produced file is what atc needs, and still the checkpoint."""

from __future__ import annotations

import pytest

from fixtures.gates import JudgeGate
from fixtures.onnx_model import OnnxFile
from tools.engines.compare import LogitErrors
from tools.judge.checks import made, none_of, same, within
from tools.judge.spec import Spec
from tools.model.onnx_model import WeightComparison

pytestmark = [pytest.mark.onnx, pytest.mark.accuracy]

NAMES = "guide, pth2onnx.py"


@pytest.mark.gate("onnx.export")
def test_checkpoint_exports(onnx_file: OnnxFile, gate: JudgeGate) -> None:
    judged = gate(made(f"{len(onnx_file.facts.operators)} nodes"))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.checker")
def test_checker_accepts_the_file(checker_answer: str, gate: JudgeGate) -> None:
    judged = gate(same(checker_answer, "accepted", unit="answer", source="onnx.checker with full shape inference"))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.opset")
def test_opset_of_the_produced_file(onnx_file: OnnxFile, spec: Spec, gate: JudgeGate) -> None:
    asked = f"ai.onnx {spec.onnx.opset.exactly:g}"
    judged = gate(same(", ".join(onnx_file.facts.opsets), asked, unit="opset", source=spec.onnx.opset.source))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.input")
def test_input_of_the_produced_file(onnx_file: OnnxFile, spec: Spec, gate: JudgeGate) -> None:
    judged = gate(same("; ".join(onnx_file.facts.inputs), str(spec.onnx.input), unit="input", source=NAMES))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.output")
def test_output_of_the_produced_file(onnx_file: OnnxFile, spec: Spec, gate: JudgeGate) -> None:
    outputs = "; ".join(onnx_file.facts.outputs)
    judged = gate(same(outputs, str(spec.onnx.output), unit="output", source=NAMES))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.weights")
def test_initializers_equal_the_checkpoint(onnx_weights: WeightComparison, gate: JudgeGate) -> None:
    judged = gate(none_of(onnx_weights.offenders, among=onnx_weights.among, unit="tensors", source="bit for bit"))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.logits_abs_error")
def test_logits_follow_the_checkpoint(onnx_logit_errors: LogitErrors, spec: Spec, gate: JudgeGate) -> None:
    judged = gate(within(onnx_logit_errors.to_reference, spec.onnx.logits_abs_error))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.batch_invariance_abs_error")
def test_batch_of_16_equals_batch_of_1(onnx_logit_errors: LogitErrors, spec: Spec, gate: JudgeGate) -> None:
    judged = gate(within(onnx_logit_errors.between_batches, spec.onnx.batch_invariance_abs_error))
    assert judged.passed, judged.message
