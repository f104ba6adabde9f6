"""Gates of the exported ONNX file."""

from __future__ import annotations

from tools.judge import ids
from tools.judge.checks import made, none_of, not_judged, same, within
from tools.judge.evidence import Evidence
from tools.judge.gate import Inventory, Where
from tools.judge.handed_in import declares
from tools.judge.operators import spans
from tools.judge.results import Check

NAMES = "guide, pth2onnx.py"
GATES = Inventory()


@GATES.take(ids.ONNX_EXPORT, "Is there a readable ONNX file: the checkpoint's export, or what was handed in?")
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


@GATES.take(ids.ONNX_OPERATORS, "Does atc's parser know the operator of every node, at the file's opset?")
def _operators(evidence: Evidence, batch: int) -> Check:
    facts = evidence.operators()
    if facts.doubt:
        return not_judged(facts.doubt, unit="nodes", source=facts.table)
    would_do = f"; opset that would do: {spans(facts.fitting_opsets) or 'none'}" if facts.refused else ""
    refused = tuple(map(str, facts.refused))
    return none_of(refused, among=facts.nodes, unit="nodes", source=facts.table + would_do)


@GATES.take(ids.ONNX_INPUT, "Has the file the one input, with the name, dtype and batch axis asked for?")
def _input(evidence: Evidence, batch: int) -> Check:
    asked = [str(evidence.spec.input(size)) for size in evidence.spec.onnx_batches]
    return same("; ".join(evidence.onnx().inputs), "; ".join(asked), unit="input", source=NAMES)


@GATES.take(ids.ONNX_OUTPUT, "Has the file the outputs asked for, the judged one with its dtype and shape?")
def _output(evidence: Evidence, batch: int) -> Check:
    spec, judged = evidence.spec, evidence.spec.onnx.output.name
    asked = [
        str(spec.output(size)) if name == judged else name
        for size in spec.onnx_batches
        for name in spec.onnx.all_outputs
    ]
    names = [(found.partition(" ")[0], found) for found in evidence.onnx().outputs]
    measured = [found if name == judged else name for name, found in names]
    return same("; ".join(measured), "; ".join(asked), unit="output", source=NAMES)


@GATES.take(
    ids.ONNX_WEIGHTS, "Is the file made of the checkpoint's tensors, every one that inference uses and no other?"
)
def _weights(evidence: Evidence, batch: int) -> Check:
    facts = evidence.weights()
    source = f"{facts.exact} bit for bit, {facts.recomputed} recomputed in float64, {len(facts.unused)} without use"
    source += f", {len(facts.declared)} declared as others" if facts.declared else ""
    undeclared = [name for name in facts.declared if not declares(evidence.spec.onnx.weights_differ, name)]
    found = (*facts.offenders, *(f"{name} differs, which the port does not declare" for name in undeclared))
    if found and not facts.exact and not facts.recomputed:
        found = ("none of the checkpoint's tensors is in the file, which is of another network or checkpoint", *found)
    return none_of(found, among=facts.among, unit="tensors", source=source)


@GATES.take(ids.ONNX_LOGITS_ABS_ERROR, "Do onnxruntime's logits follow torch's?")
def _logits_follow(evidence: Evidence, batch: int) -> Check:
    return within(evidence.logit_errors().to_reference, evidence.spec.logits_bound)


@GATES.take(ids.ONNX_BATCH_INVARIANCE_ABS_ERROR, "Does an image get the same logits in a batch of 16 as alone?")
def _onnx_batches(evidence: Evidence, batch: int) -> Check:
    return within(evidence.logit_errors().between_batches, evidence.spec.onnx_batch_bound)


@GATES.take(
    ids.ONNX_GRAPH_STEP_ABS_ERROR,
    "Are the logits the same before and after the port's graph step?",
    where=Where.GRAPH_STEP,
)
def _graph_step(evidence: Evidence, batch: int) -> Check:
    return within(evidence.graph_step().largest, evidence.spec.logits_bound)
