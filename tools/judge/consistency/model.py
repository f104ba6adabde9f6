"""Do the checkpoint's tensors and the ONNX file's nodes fit each other, and the port?"""

from __future__ import annotations

from tools.judge.bundle import Bundle
from tools.judge.facts import CheckpointFacts, WeightFacts
from tools.judge.layout import FILE
from tools.judge.operators import OperatorFacts


def check_model(bundle: Bundle) -> None:
    """The checkpoint's tensors and the ONNX file's nodes."""
    record = bundle.record
    if record.checkpoint is not None:
        _tensors(bundle, record.checkpoint)
    if record.onnx_operators is not None:
        _operators(bundle, record.onnx_operators)


def _tensors(bundle: Bundle, facts: CheckpointFacts) -> None:
    """The tensors are the network's but for those named as odd, and each that has a use was looked for in the file."""
    tensors = facts.expected - len(facts.missing) + len(facts.unexpected)
    bundle.compare(f"{FILE}.checkpoint.tensors", facts.tensors, tensors)
    if bundle.record.onnx_weights is not None:
        _weights(bundle, bundle.record.onnx_weights, facts.tensors)


def _weights(bundle: Bundle, facts: WeightFacts, tensors: int) -> None:
    """Every tensor of the checkpoint is looked for or without use; what was looked for and is not right is named."""
    where, unused = f"{FILE}.onnx_weights", len(set(facts.unused))
    bundle.compare(f"{where}.among, less foreign", facts.among - facts.foreign, tensors - unused)
    wrong, named = facts.among - facts.exact - facts.recomputed - len(set(facts.declared)), len(facts.offenders)
    if min(facts.exact, facts.recomputed, facts.foreign) < 0 or wrong < named or bool(wrong) != bool(named):
        bundle.problems.append(f"{where}: {wrong} of {facts.among} are not right, {named} are named")


def _operators(bundle: Bundle, facts: OperatorFacts) -> None:
    """The nodes are those of the file, looked up at its opset and for the release of the toolchain at hand."""
    where, onnx, machine = f"{FILE}.onnx_operators", bundle.record.onnx, bundle.record.machine
    if onnx is not None and not {"If", "Loop", "Scan"} & set(onnx.operators):
        bundle.compare(f"{where}.nodes", facts.nodes, len(onnx.operators))
    opset, elsewhere = bundle.spec.onnx.opset.exactly, any(node.registered_at for node in facts.unregistered)
    if not facts.unregistered and opset not in facts.fitting_opsets:
        bundle.problems.append(
            f"{where}.fitting_opsets: every node is registered at opset {opset:g}, which does not fit"
        )
    if elsewhere and opset in facts.fitting_opsets:
        bundle.problems.append(f"{where}.fitting_opsets: opset {opset:g} fits, but some node is registered at others")
    if machine is not None and facts.release and "cann" in machine.toolchain:
        bundle.compare(f"{where}.release", facts.release, machine.toolchain["cann"])
