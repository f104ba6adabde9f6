"""One run of a vendor tool from all that it left: what it printed, and the file in which it stored its figures.

Whatever a tool says twice must agree. Held are, up to the digits that are printed (tools/judge/texts/digits.py):

| said | said again | where |
|---|---|---|
| benchmark's perf file, each figure | the summary on its console | `_blocks_differ` |
| `[e2e]` rate x latency | the images of the run | reading.py, `_pipeline` |
| `Interface throughputRate` | rate and moduleLatency of `[infer]`, which are not quicker | reading.py, `_interface` |
| `[post]` in batches | `[e2e]`, which is not quicker: the batch size | reading.py, `_post` |
| rate and moduleLatency of data read, preprocess, post | each other | reading.py, `_pipeline` |
| `ave_throughputRate`, `ave_latency` in the file | the console | `_fields_differ` |
| the same two | each other | reading.py, `_pure` |
| the same two | `finished cost … ms` of the rounds | rounds.py |
| `-round=` as asked | the rounds that are told of | rounds.py |
| ais_bench's summary JSON, each figure | the console | `_ais_differ` |
| mean in the throughput line | mean in the line of NPU_compute_time | `_ais_differ` |
| min, max, mean, median, count in the JSON | its own list of times | reading.py, `_executions` |
| throughput | mean of the times | the gate om.perf.reading |
| `--batchsize`, `filesperbatch` | the OM's batch | `ais_reading`, `_files_per_batch` |
| `runcount`, executions | images over batch, or `--loop` as asked | `_executions` |

What a tool says once stands alone: with `Interface throughputRate` too high in file and console alike the rest of the
block holds together, for nothing else in it tells how long the copies take.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.judge.texts.digits import same_of_six
from tools.judge.texts.perf_texts import (
    AisSummary,
    PerfTextError,
    ais_reading,
    read_ais_json,
    read_ais_output,
    read_blocks,
    read_dataset_perf,
    read_pure_fields,
    read_pure_perf,
)
from tools.judge.texts.reading import InferTool, Mode, ThroughputReading
from tools.judge.texts.rounds import rounds_differ

PURE_EXECUTIONS = {InferTool.BENCHMARK: 30, InferTool.AIS_BENCH: 1000}
"""How often pure inference executes: `-round` of the AlexNet guide, `--loop` of the AlexNet README for 310P3."""
STORED = {InferTool.BENCHMARK: "perf.txt", InferTool.AIS_BENCH: "summary.json"}
"""The name, beside the kept streams of a run, of the file in which the tool stored its figures."""
FILES_PER_BATCH = re.compile(r"filesperbatch:(\d{1,9})\b")
_RUN_COUNT = re.compile(r"runcount:(\d{1,9})\b")


@dataclass(frozen=True)
class Asked:
    """What a run was to do: `images` over the data set, or (None) so many `executions` of pure inference."""

    tool: InferTool
    batch: int
    device: int
    images: int | None
    executions: int

    @property
    def mode(self) -> Mode:
        """Over the data set or not."""
        return Mode.PURE if self.images is None else Mode.DATASET


@dataclass(frozen=True)
class Told:
    """What a run printed, and the text of the file that it stored."""

    console: str
    stored: str


def read_told(told: Told, asked: Asked) -> ThroughputReading:
    """The reading of a run; PerfTextError names the two figures that do not agree and where each stands."""
    if asked.tool is InferTool.AIS_BENCH:
        return _read_ais(told, asked)
    if asked.images is not None:
        reading = read_dataset_perf(told.stored, batch=asked.batch, device=asked.device, images=asked.images)
        _refuse(_blocks_differ(told))
        return reading
    reading = read_pure_perf(told.stored, batch=asked.batch, device=asked.device)
    _refuse(_fields_differ(told))
    _refuse(rounds_differ(told.console, reading, asked=asked.executions))
    return reading


def _refuse(differing: list[str]) -> None:
    if differing:
        raise PerfTextError("; ".join(differing[:5]))


def _blocks_differ(told: Told) -> list[str]:
    printed = read_blocks(told.console) if told.console.strip() else {}
    stored = read_blocks(told.stored)
    return [
        line
        for tag, fields in stored.items()
        for line in _differ({f"[{tag}] {name}": value for name, value in fields.items()}, _tagged(printed, tag))
    ]


def _tagged(blocks: Mapping[str, Mapping[str, float]], tag: str) -> dict[str, float]:
    return {f"[{tag}] {name}": value for name, value in blocks.get(tag, {}).items()}


def _fields_differ(told: Told) -> list[str]:
    return _differ(read_pure_fields(told.stored), read_pure_fields(told.console) if told.console.strip() else {})


def _differ(stored: Mapping[str, float], printed: Mapping[str, float]) -> list[str]:
    return [
        f"{name} is {value:.6g} in the perf file and {printed[name]:.6g} on the console"
        for name, value in stored.items()
        if name in printed and not same_of_six(value, printed[name])
    ]


def _read_ais(told: Told, asked: Asked) -> ThroughputReading:
    printed, stored = read_ais_output(told.console), read_ais_json(told.stored)
    _refuse(_ais_differ(printed, stored))
    _refuse(_files_per_batch(told.console, asked.batch))
    _refuse(_executions(told.console, printed, stored, asked))
    both = AisSummary(stored.reported_images_per_second, printed.batch, stored.times)
    return ais_reading(both, mode=asked.mode, batch=asked.batch, device=asked.device, images=asked.images)


def _ais_differ(printed: AisSummary, stored: AisSummary) -> list[str]:
    found = [
        f"{_spelled(name)} is {figure.value:.9g} on the console and {stored.figures[name].value:.9g} in the summary"
        for name, figure in printed.figures.items()
        if name in stored.figures and not figure.agrees(stored.figures[name])
    ]
    in_line, mean = printed.figures.get("mean in the throughput line"), printed.figures.get("mean")
    if in_line is not None and mean is not None and not in_line.agrees(mean):
        found.append(
            f"the mean of NPU_compute_time is {mean.value:.9g} ms on the console and {in_line.value:.9g} ms in the "
            "throughput line below it"
        )
    return found


def _spelled(name: str) -> str:
    return "the throughput of ais_bench" if name == "throughput" else f"NPU_compute_time {name}"


def _files_per_batch(console: str, batch: int) -> list[str]:
    found = {int(number) for number in FILES_PER_BATCH.findall(console)} - {batch}
    return [f"ais_bench took {number} files a batch, the OM's batch is {batch}" for number in sorted(found)]


def _executions(console: str, printed: AisSummary, stored: AisSummary, asked: Asked) -> list[str]:
    """How often the tool executed, by each place that tells: padding fills the last batch of a data set."""
    if asked.images is None:
        if printed.batch is None:
            return ["ais_bench does not print the batch it took from the OM: it cannot be cross-checked"]
        told, expected, needed = {}, asked.executions, f" instead of {asked.executions}"
    else:
        expected = math.ceil(asked.images / asked.batch)
        needed = f", {asked.images} images in batches of {asked.batch} need {expected}: the OM has another batch size"
        counts = _RUN_COUNT.findall(console)
        told = {"on the console": int(counts[-1])} if counts else {}
    listed = len(stored.times.milliseconds) or stored.times.count
    if listed is not None:
        told["in the summary"] = listed
    if not told and asked.images is not None and not FILES_PER_BATCH.search(console):
        return ["ais_bench tells neither executions nor files per batch: the batch cannot be cross-checked"]
    return [
        f"{place} ais_bench executed {number} times{needed}" for place, number in told.items() if number != expected
    ]
