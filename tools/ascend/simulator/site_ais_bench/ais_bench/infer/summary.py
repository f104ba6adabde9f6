"""The printed summary and the summary JSON of ais_bench."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ais_bench.infer.console import info
from ais_bench.infer.flavour import Flavour, flavour
from tools.ascend.simulator.benchmark_texts import CONTRADICTION, SLOWER_ROUNDS, STORED_RATE_FACTOR, cut
from tools.ascend.simulator.faults import Fault, ordered

PERCENTILE = 99
BANNER = "-----------------Performance Summary------------------"
RULE = "-" * 54


def statistics(times: Sequence[float]) -> dict[str, float]:
    """Minimum, maximum, mean, median, 99th percentile and count of times in ms; zeros where there are none."""
    values = np.array(times if times else [0.0])
    return {
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        f"percentile({PERCENTILE}%)": float(np.percentile(values, PERCENTILE)),
        "count": len(times),
    }


def throughput(batch: float, mean_ms: float) -> float:
    """1000 x batch / mean in ms: images per second of one device, the batch included."""
    rate = 1000 * batch / mean_ms if mean_ms else 0.0
    return rate * CONTRADICTION if ordered(Fault.INFER_CONTRADICTION) else rate


def report(
    batch: int,
    times: Mapping[str, Sequence[float]],
    filesinfo: Mapping[str, object],
    argv: Sequence[str],
    prefix: str | None,
    display_all: bool,
) -> float:
    """Print the summary and write `<prefix>_summary.json`; the throughput. `times` are ms by name of the phase."""
    if ordered(Fault.INFER_OTHER_BATCH_PERF):
        batch *= 2
    if ordered(Fault.INFER_BATCHES_AS_IMAGES):
        batch = 1
    numbers = {name: statistics(values) for name, values in times.items()}
    rate = throughput(batch, numbers["NPU_compute_time"]["mean"])
    _print(batch, numbers, rate, display_all)
    if prefix is not None and not ordered(Fault.INFER_NO_PERF):
        stored = rate * (STORED_RATE_FACTOR if ordered(Fault.INFER_STORED_RATE) else 1.0)
        document = {"filesinfo": filesinfo, "args": ["ais_bench", *argv], **numbers, "throughput": stored}
        slower = SLOWER_ROUNDS if ordered(Fault.INFER_SLOWER_ROUNDS) else 1.0
        listed = [slower * milliseconds for milliseconds in times["NPU_compute_time"]]
        document |= {"npu_compute_time_list": listed, "pid": os.getpid()}
        path = Path(f"{prefix}_summary.json")
        path.write_text(cut(json.dumps(document)), encoding="utf-8")
        if flavour() is Flavour.AIT:
            path.chmod(0o640)
    return rate


def _print(batch: int, numbers: Mapping[str, Mapping[str, float]], rate: float, display_all: bool) -> None:
    info(BANNER)
    for name in ("H2D_latency", "NPU_compute_time", "D2H_latency"):
        if display_all or name == "NPU_compute_time":
            fields = ", ".join(f"{key} = {value}" for key, value in numbers[name].items() if key != "count")
            info(f"{name} (ms): {fields}")
    if ordered(Fault.INFER_NO_PERF) or ordered(Fault.INFER_TRUNCATED_PERF):
        return
    mean = numbers["NPU_compute_time"]["mean"]
    info(f"throughput 1000*batchsize.mean({batch})/NPU_compute_time.mean({mean}): {rate}")
    info(RULE)
