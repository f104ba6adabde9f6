"""Faults of throughput: an engine that became slow, and tools of which one figure does not fit the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.om_faults import RUN, ordered
from selftest.faults.world import World
from tools.engines.onnx_engine import OnnxEngine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

catalogue = Catalogue("perf", remade=("host",))
telling = Catalogue("perf and npu", remade=RUN)


@catalogue.fault("onnxruntime computes everything thirty times", "host.perf.onnx_to_torch[bs1]", "-k=bs1]")
def slow_onnxruntime(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit_port("min_images_per_round: 4", "min_images_per_round: 1")
    right = OnnxEngine.logits

    def slow(engine: OnnxEngine, images: NDArray[np.float32]) -> NDArray[np.float32]:
        for _ in range(29):
            right(engine, images)
        return right(engine, images)

    monkeypatch.setattr(OnnxEngine, "logits", slow)


AIS_BENCH = "--infer-tool=ais_bench"
TOLD_TWICE = {
    "the perf file states 1.3 times the console's rate": ("infer:stored-rate-higher", ()),
    "ais_bench stores 1.3 times the rate that it prints": ("infer:stored-rate-higher", (AIS_BENCH,)),
    "rounds slower than the stated rate": ("infer:slower-rounds", ()),
    "listed times longer than their stated mean": ("infer:slower-rounds", (AIS_BENCH,)),
    "one round instead of thirty": ("infer:one-round", ()),
    "one execution instead of a thousand": ("infer:one-round", (AIS_BENCH,)),
}
for name, (order, words) in TOLD_TWICE.items():
    telling.fault(name, "om.perf.reading[bs4]", *words)(ordered(order))


@telling.fault("the Interface rate of the perf file alone 1.4 times as high", "om.perf.reading[bs1]")
def interface_rate_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered("infer:interface-rate-higher")(world, monkeypatch)
    world.only_batches(1)


profiling = Catalogue("perf and npu", remade=("profile-om",))
PROFILED = {
    "the profiler's table cut short in a row": ("msprof:cut-short", ()),
    "the profiler's last rows lost": ("msprof:lost-rows", ()),
    "a profile of another OM": ("msprof:other-om", ()),
    "a profile of another OM, by ais_bench": ("msprof:other-om", (AIS_BENCH,)),
    "a profiler that leaves no table": ("msprof:no-table", ()),
}
for name, (order, words) in PROFILED.items():
    profiling.fault(name, "om.perf.operators[bs4]", "--profile", *words)(ordered(order))
