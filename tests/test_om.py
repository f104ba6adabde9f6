"""Stage om: offline models are compiled as asked, run on the machine, and agree with each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.gates import JudgeGate
from fixtures.om import Om
from tools.ascend.machine import Machine
from tools.ascend.target import Target
from tools.engines.predictions import Predictions
from tools.judge.checks import made, none_of, within
from tools.judge.spec import Spec

pytestmark = [pytest.mark.om, pytest.mark.npu, pytest.mark.accuracy]


@pytest.mark.gate("om.toolkit")
def test_toolkit_is_complete(target: Target, gate: JudgeGate) -> None:
    judged = gate(made(f"{target.kind}, {target.infer_tool}"))
    assert judged.passed, judged.message


@pytest.mark.gate("om.device")
def test_device_is_there(machine: Machine, gate: JudgeGate) -> None:
    judged = gate(made(f"{machine.soc}, device {', '.join(map(str, machine.devices))}"))
    assert judged.passed, judged.message


@pytest.mark.gate("om.compiled")
def test_om_compiles(om: Callable[[int], Om], batch: int, gate: JudgeGate) -> None:
    judged = gate(made(om(batch).path.name))
    assert judged.passed, judged.message


@pytest.mark.gate("om.described")
def test_om_is_what_was_asked_for(om_mismatches: Callable[[int], tuple[str, ...]], batch: int, gate: JudgeGate) -> None:
    judged = gate(none_of(om_mismatches(batch), among=1, unit="mismatches", source="atc --mode=1"))
    assert judged.passed, judged.message


@pytest.mark.gate("om.ran")
def test_om_runs(om_predictions: Callable[[int], Predictions], batch: int, gate: JudgeGate) -> None:
    judged = gate(made(f"{len(om_predictions(batch).ids)} outputs"))
    assert judged.passed, judged.message


@pytest.mark.gate("om.batch_invariance_abs_error")
def test_every_batch_gives_the_same_logits(
    om_batch_error: float, machine: Machine, spec: Spec, gate: JudgeGate
) -> None:
    judged = gate(within(om_batch_error, spec.om.batch_bound(on_device=not machine.simulated)))
    assert judged.passed, judged.message
