"""Stage perf: throughput, on a host judged as a ratio inside this run."""

from __future__ import annotations

import pytest

from fixtures.gates import Judged, gate
from fixtures.perf import Record, replay_clock

DEVICE_SAMPLES = pytest.mark.benchmark(group="om throughput, seconds per image", timer=replay_clock)
HOST_SAMPLES = pytest.mark.benchmark(group="host throughput, seconds per image", timer=replay_clock)


@gate("host.perf.onnx_to_torch")
@HOST_SAMPLES
def test_onnxruntime_keeps_up_with_torch(judged: Judged, record_host: Record) -> None:
    record_host(judged)
    assert judged.passed


@gate("om.perf.reading")
@DEVICE_SAMPLES
def test_om_throughput_is_stated(judged: Judged, record_om: Record) -> None:
    record_om(judged)
    assert judged.passed


@gate("om.perf.device_idle")
def test_device_was_idle(judged: Judged) -> None:
    assert judged.passed


@gate("om.perf.outputs_abs_error")
def test_throughput_runs_give_the_outputs_of_the_predictions(judged: Judged) -> None:
    assert judged.passed


@gate("om.perf.images_per_second_per_chip")
def test_chip_reaches_its_floor(judged: Judged) -> None:
    assert judged.passed


@gate("om.perf.plausible")
def test_throughput_is_possible(judged: Judged) -> None:
    assert judged.passed


@gate("om.perf.operators")
def test_profile_of_operators_is_whole_and_of_this_om(judged: Judged) -> None:
    assert judged.passed
