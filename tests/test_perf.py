"""Stage perf: throughput, judged as a ratio inside this run on a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.gates import JudgeGate
from fixtures.perf import Record, replay_clock
from tools.engines.throughput import Paired, images_per_second
from tools.judge.checks import within
from tools.spec import Spec

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
