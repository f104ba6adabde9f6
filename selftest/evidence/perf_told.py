"""What a vendor tool would have left of a made-up throughput run: the texts, which the suite's own parser reads."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from tools.judge.texts.reading import InferTool
from tools.judge.texts.told import Asked, Told

LISTED_AT_MOST = 8
"""Executions whose times are listed; of more the mean alone is stated, as in 2022, which keeps bundles small."""
BATCH_SPREAD, ROUND_SPREAD = 0.01, 0.001


def told(asked: Asked, rate: float, *, reported_over_samples: float, random: np.random.Generator) -> Told:
    """The texts of a run of `rate` images per second."""
    if asked.tool is InferTool.AIS_BENCH:
        return _ais_bench(asked, rate * reported_over_samples, rate, random)
    if asked.images is None:
        return _pure(asked, rate, 1 + ROUND_SPREAD * random.standard_normal(asked.executions))
    return _data_set(asked, rate, 1 + BATCH_SPREAD * random.standard_normal())


def _ais_bench(asked: Asked, reported: float, rate: float, random: np.random.Generator) -> Told:
    executions = asked.executions if asked.images is None else math.ceil(asked.images / asked.batch)
    listed = (
        1000 * asked.batch / rate * (1 + BATCH_SPREAD * random.standard_normal(min(executions, LISTED_AT_MOST)))
    ).tolist()
    mean = sum(listed) / len(listed)
    throughput = 1000 * asked.batch / mean * reported / rate
    summary: dict[str, object] = {"NPU_compute_time": {"mean": mean, "count": executions}, "throughput": throughput}
    if len(listed) == executions:
        summary["npu_compute_time_list"] = listed
    begun = f"[INFO] get filesperbatch filesperbatch:{asked.batch} runcount:{executions}\n" if asked.images else ""
    line = f"throughput 1000*batchsize.mean({asked.batch})/NPU_compute_time.mean({mean}): {throughput}"
    return Told(f"{begun}[INFO] NPU_compute_time (ms): mean = {mean}\n[INFO] {line}\n", json.dumps(summary))


def _data_set(asked: Asked, rate: float, own: float) -> Told:
    images = asked.images or 0
    infer = 1 / (1 / rate + 0.002 * own)
    post = 0.99 * infer * math.ceil(images / asked.batch) / images
    text = (
        f"[e2e] throughputRate: {0.98 * infer:.6g}, latency: {1000 * images / (0.98 * infer):.6g}\n"
        f"[infer] throughputRate: {infer:.6g}, Interface throughputRate: {rate:.6g}, "
        f"moduleLatency: {1000 / rate + 0.5:.6g}\n"
        f"[post] throughputRate: {post:.6g}, moduleLatency: {1000 / post:.6g}\n"
    )
    return Told(text, text)


def _pure(asked: Asked, rate: float, own: np.ndarray[Any, Any]) -> Told:
    costs = (1000 * asked.batch / rate * own).tolist()
    lines = (f"[INFO] Dataset number: {number} finished cost {cost:.6g}ms\n" for number, cost in enumerate(costs))
    line = "ave_throughputRate{0}{1:.6g}samples/s, ave_latency{0}{2:.6g}ms\n"
    return Told("".join(lines) + line.format(": ", rate, 1000 / rate), line.format(" = ", rate, 1000 / rate))
