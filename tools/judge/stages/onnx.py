"""Gates of the exported ONNX file."""

from __future__ import annotations

from tools.judge import ids
from tools.judge.checks import made, none_of, same, within
from tools.judge.evidence import Evidence
from tools.judge.gate import Inventory
from tools.judge.results import Check

NAMES = "guide, pth2onnx.py"
GATES = Inventory()


@GATES.take(ids.ONNX_EXPORT, "Could the checkpoint be exported to a readable ONNX file?")
def _export(evidence: Evidence, batch: int) -> Check:
    return made(f"{len(evidence.onnx().operators)} nodes")


@GATES.take(ids.ONNX_CHECKER, "Does onnx.checker, with full shape inference, accept the produced file?")
def _checker(evidence: Evidence, batch: int) -> Check:
    source = "onnx.checker with full shape inference"
    return same(evidence.checker().answer, "accepted", unit="answer", source=source)


@GATES.take(ids.ONNX_OPSET, "Is the produced file of the opset that atc parses, and of that domain alone?")
def _opset(evidence: Evidence, batch: int) -> Check:
    asked = evidence.spec.onnx.opset
    opsets = ", ".join(evidence.onnx().opsets)
    return same(opsets, f"ai.onnx {asked.exactly:g}", unit="opset", source=asked.source)


@GATES.take(ids.ONNX_INPUT, "Has the file the one input, with the name, dtype and dynamic batch axis asked for?")
def _input(evidence: Evidence, batch: int) -> Check:
    return same("; ".join(evidence.onnx().inputs), str(evidence.spec.onnx.input), unit="input", source=NAMES)


@GATES.take(ids.ONNX_OUTPUT, "Has the file the one output, with the name, dtype and shape asked for?")
def _output(evidence: Evidence, batch: int) -> Check:
    return same("; ".join(evidence.onnx().outputs), str(evidence.spec.onnx.output), unit="output", source=NAMES)


@GATES.take(
    ids.ONNX_WEIGHTS, "Is the file made of the checkpoint's tensors, every one that inference uses and no other?"
)
def _weights(evidence: Evidence, batch: int) -> Check:
    facts = evidence.weights()
    source = f"{facts.exact} bit for bit, {facts.recomputed} recomputed in float64, {len(facts.unused)} without use"
    return none_of(facts.offenders, among=facts.among, unit="tensors", source=source)


@GATES.take(ids.ONNX_LOGITS_ABS_ERROR, "Do onnxruntime's logits follow torch's?")
def _logits_follow(evidence: Evidence, batch: int) -> Check:
    return within(evidence.logit_errors().to_reference, evidence.spec.onnx.logits_abs_error)


@GATES.take(ids.ONNX_BATCH_INVARIANCE_ABS_ERROR, "Does an image get the same logits in a batch of 16 as alone?")
def _onnx_batches(evidence: Evidence, batch: int) -> Check:
    return within(evidence.logit_errors().between_batches, evidence.spec.onnx.batch_invariance_abs_error)
