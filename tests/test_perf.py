"""Stage perf: throughput, judged as a ratio inside this run on a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.gates import JudgeGate
from fixtures.perf import Record, replay_clock
from tools.ascend.machine import Machine
from tools.engines.om_engine import Measured, om_facts
from tools.engines.throughput import Paired, images_per_second
from tools.judge.checks import within
from tools.judge.device import floor, floor_word, idle, plausible
from tools.judge.spec import Device, Spec
from tools.judge.throughput import check_reported
from tools.pipeline.inputs import Inputs

pytestmark = pytest.mark.perf


@pytest.mark.gate("host.perf.onnx_to_torch")
@pytest.mark.benchmark(group="host throughput, seconds per image", timer=replay_clock)
def test_onnxruntime_keeps_up_with_torch(
    host_throughput: Callable[[int], Paired],
    batch: int,
    spec: Spec,
    gate: JudgeGate,
    record_benchmark: Record,
) -> None:
    paired = host_throughput(batch)
    floor = spec.host_ratio(batch)
    judged = gate(within(paired.ratio, floor))
    record_benchmark(
        paired.candidate,
        engine="onnxruntime",
        batch=batch,
        images_per_second=images_per_second(paired.candidate),
        torch_images_per_second=images_per_second(paired.reference),
        onnx_to_torch_ratio=paired.ratio,
        onnx_to_torch_floor=floor.at_least,
        verdict="PASS" if judged.passed else "FAIL",
    )
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.perf.reading")
@pytest.mark.benchmark(group="om throughput, seconds per image", timer=replay_clock)
def test_om_throughput_is_stated(
    om_measured: Callable[[int], Measured],
    machine: Machine,
    batch: int,
    spec: Spec,
    gate: JudgeGate,
    record_benchmark: Record,
) -> None:
    measured = om_measured(batch)
    judged = gate(check_reported(measured.stated, spec.om.reported_rate_error_percent))
    rates, device = measured.images_per_second_per_chip, spec.device(machine.soc)
    word = floor_word(rates, device, batch, busy=measured.busy, simulated=machine.simulated)
    samples = [seconds for reading in measured.slowest for seconds in reading.seconds_per_image]
    record_benchmark(samples, **om_facts(measured, machine, spec), verdict=word)
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.perf.device_idle")
def test_device_was_idle(om_measured: Callable[[int], Measured], batch: int, inputs: Inputs, gate: JudgeGate) -> None:
    judged = gate(idle(om_measured(batch).busy, tolerated=inputs.ascend.tolerate_busy))
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.perf.images_per_second_per_chip")
def test_chip_reaches_its_floor(
    om_measured: Callable[[int], Measured], batch: int, device: Device, gate: JudgeGate
) -> None:
    measured = om_measured(batch)
    judged = gate(floor(measured.images_per_second_per_chip, device, batch, busy=measured.busy))
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.perf.plausible")
def test_throughput_is_possible(
    om_measured: Callable[[int], Measured], batch: int, device: Device, spec: Spec, gate: JudgeGate
) -> None:
    judged = gate(plausible(om_measured(batch).fastest, device, spec.model, batch))
    assert judged.passed, judged.message
