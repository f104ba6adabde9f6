"""Stage checkpoint: the weights are the published ones, and whole."""

from __future__ import annotations

import pytest

from fixtures.checkpoint import Checkpoint, CheckpointFile
from fixtures.gates import JudgeGate
from tools.judge.checks import made, none_of, same
from tools.judge.spec import Spec

pytestmark = [pytest.mark.checkpoint, pytest.mark.accuracy]


@pytest.mark.gate("checkpoint.md5")
def test_file_is_the_published_one(checkpoint_file: CheckpointFile, spec: Spec, gate: JudgeGate) -> None:
    judged = gate(same(checkpoint_file.md5, spec.checkpoint.md5, unit="md5", source=spec.checkpoint.source))
    assert judged.passed, judged.message


@pytest.mark.gate("checkpoint.loads")
def test_state_dict_loads_without_running_code(checkpoint: Checkpoint, gate: JudgeGate) -> None:
    judged = gate(made(f"{checkpoint.facts.tensors} tensors"))
    assert judged.passed, judged.message


@pytest.mark.gate("checkpoint.keys")
def test_tensors_are_those_of_the_network(checkpoint: Checkpoint, spec: Spec, gate: JudgeGate) -> None:
    odd = checkpoint.facts.missing + checkpoint.facts.unexpected
    judged = gate(none_of(odd, among=checkpoint.facts.expected, unit="tensors odd", source=spec.model.name))
    assert judged.passed, judged.message


@pytest.mark.gate("checkpoint.shapes")
def test_tensors_have_the_shapes_of_the_network(checkpoint: Checkpoint, spec: Spec, gate: JudgeGate) -> None:
    facts = checkpoint.facts
    judged = gate(none_of(facts.misshapen, among=facts.expected, unit="tensors misshapen", source=spec.model.name))
    assert judged.passed, judged.message


@pytest.mark.gate("checkpoint.finite")
def test_every_weight_is_finite(checkpoint: Checkpoint, spec: Spec, gate: JudgeGate) -> None:
    facts = checkpoint.facts
    judged = gate(none_of(facts.not_finite, among=facts.expected, unit="tensors not finite", source=spec.model.name))
    assert judged.passed, judged.message


@pytest.mark.gate("checkpoint.content_sha256")
def test_tensors_are_the_pinned_ones(checkpoint: Checkpoint, spec: Spec, gate: JudgeGate) -> None:
    pinned = str(spec.checkpoint.content_sha256)
    judged = gate(same(checkpoint.content_sha256, pinned, unit="sha256", source=spec.checkpoint.source))
    assert judged.passed, judged.message
