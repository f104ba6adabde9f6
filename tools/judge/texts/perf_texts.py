"""Parsers of what the tools write about throughput: perf files, printed summaries and summary JSON.

They read files and captured logs alike (CRLF, carriage returns of progress bars, indentation, one line, full-width
punctuation) and refuse a text that is cut short, holds two runs, or contradicts itself, naming the part.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Dict, NoReturn

from tools.base.errors import SuiteError
from tools.judge.texts.digits import ROUNDED_ONCE_MORE, half_last_digit
from tools.judge.texts.reading import (
    ExecutionTimes,
    InferTool,
    Mode,
    ModuleRate,
    PipelineRates,
    ThroughputReading,
    contradictions,
)

_FULL_WIDTH = str.maketrans({"\uff0c": ",", "\uff1a": ":", "\uff1d": "=", "\u3000": " ", "\u00a0": " ", "\ufeff": " "})
# Repetitions are bounded so that hostile text cannot make a search quadratic.
_TAG = re.compile(r"\[ {0,9}([A-Za-z0-9][A-Za-z0-9 ]{0,30}?) {0,9}\]([^\[\n]*)")
_FIELD = re.compile(r"([A-Za-z][A-Za-z ]{0,40}?) {0,300}[:=]\s*([^\s,]*)")
_QUANTITY = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)([A-Za-z/]*)")
_PURE_FIELD = re.compile(r"(ave_throughputRate|ave_latency)\s*[:=]\s*([^\s,]*)")
_LINE_BATCH = re.compile(r"batchsize(?:\.mean)?\(([^()]*)\)")
_LINE_MEAN = re.compile(r"compute_time(?:\.mean)?\(([^()]*)\)")
_TIMES = re.compile(r"NPU[ _]compute_time([^\n]{0,2000})")
_STATISTIC = re.compile(r"\b(min|max|mean|median|percentile\(99%\))\s{0,9}=\s{0,9}([^\s,]+)")
STATISTICS = ("min", "max", "mean", "median", "percentile(99%)")
_LONGEST_NUMBER = 60
_LONG_TAGS = {"inference": "infer", "postprocess": "post"}
_KNOWN_TAGS = frozenset({"e2e", "data read", "preprocess", "wide preprocess", "deep preprocess", "infer", "post"})
_FIELD_NAMES = {
    "throughputrate": "throughputRate",
    "interfacethroughputrate": "Interface throughputRate",
    "latency": "latency",
    "lantency": "latency",
    "modulelatency": "moduleLatency",
    "modulelantency": "moduleLatency",
}

PURE_UNITS = {"ave_throughputRate": "samples/s", "ave_latency": "ms"}

Blocks = Dict[str, Dict[str, float]]


class PerfTextError(SuiteError):
    """A perf text that is cut short, mixed, or contradicts itself; `what` names the part."""


@dataclass(frozen=True)
class Printed:
    """A figure, and half a unit of its last printed digit; 0 where it is stored with all its digits."""

    value: float
    half_digit: float

    @staticmethod
    def read(token: str, name: str) -> Printed:
        """The figure of a text."""
        return Printed(_number(token, name), half_last_digit(token))

    def agrees(self, other: Printed) -> bool:
        """Whether the two can be one figure."""
        allowed = self.half_digit + other.half_digit
        return abs(self.value - other.value) <= allowed + ROUNDED_ONCE_MORE * abs(other.value)


@dataclass(frozen=True)
class AisSummary:
    """What ais_bench says about a run; `batch` and `times.milliseconds` are there only where this version gives them.

    `figures` are all that it states of the executions, by name.
    `reported_images_per_second` already includes the batch: 1000 x batch / mean of the executions in milliseconds.
    """

    reported_images_per_second: float
    batch: int | None
    times: ExecutionTimes
    figures: Mapping[str, Printed] = field(default_factory=dict)


def read_dataset_perf(text: str, *, batch: int, device: int, images: int) -> ThroughputReading:
    """The benchmark tool's perf file of a data-set run over `images` images."""
    blocks = read_blocks(text)
    pipeline = PipelineRates(
        e2e_images_per_second=_take(blocks, "e2e", "throughputRate"),
        e2e_milliseconds=_take(blocks, "e2e", "latency"),
        infer_images_per_second=_take(blocks, "infer", "throughputRate"),
        interface_images_per_second=_take(blocks, "infer", "Interface throughputRate"),
        post_batches_per_second=_take(blocks, "post", "throughputRate"),
        modules=tuple(
            ModuleRate(name, _take(blocks, name, "throughputRate"), _take(blocks, name, "moduleLatency"))
            for name in blocks
            if name not in ("e2e", "infer")
        ),
        infer_milliseconds=blocks["infer"].get("moduleLatency"),
    )
    rate = pipeline.interface_images_per_second
    return _consistent(
        ThroughputReading(
            tool=InferTool.BENCHMARK,
            mode=Mode.DATASET,
            batch=batch,
            device=device,
            images=images,
            images_per_second_per_chip=rate,
            reported_images_per_second=rate,
            seconds_per_image=_samples(rate),
            pipeline=pipeline,
        )
    )


def read_pure_perf(text: str, *, batch: int, device: int) -> ThroughputReading:
    """The benchmark tool's pure-inference result: its file (`=`) or its console lines (`:`)."""
    values = read_pure_fields(text)
    for name in PURE_UNITS:
        if name not in values:
            raise PerfTextError(f"{name} is missing: the pure-inference text is cut short or not one")
    rate = values["ave_throughputRate"]
    return _consistent(
        ThroughputReading(
            tool=InferTool.BENCHMARK,
            mode=Mode.PURE,
            batch=batch,
            device=device,
            images=None,
            images_per_second_per_chip=rate,
            reported_images_per_second=rate,
            seconds_per_image=_samples(rate),
            milliseconds_per_image=values["ave_latency"],
        )
    )


def read_pure_fields(text: str) -> Mapping[str, float]:
    """What of ave_throughputRate (samples/s) and ave_latency (ms) stands in a text, each figure once."""
    values: dict[str, float] = {}
    units: dict[str, str] = {}
    for name, token in _PURE_FIELD.findall(_plain(text)):
        value, unit = _quantity(token, name)
        if values.setdefault(name, value) != value:
            raise PerfTextError(
                f"{name} is given as {values[name]:g} and as {value:g}: the texts of two runs are mixed"
            )
        units[name] = unit
        if unit not in ("", PURE_UNITS[name]):
            raise PerfTextError(f"{name} has the unit {unit!r}, it must be {PURE_UNITS[name]}")
    if units.get("ave_throughputRate") and units.get("ave_latency") == "":
        raise PerfTextError("ave_latency has no unit: the pure-inference text is cut short")
    return values


def read_ais_output(text: str) -> AisSummary:
    """The last summary that ais_bench printed in a log; a summary begun after it means that the log is cut short."""
    lines = _plain(text).split("\n")
    found = [index for index, line in enumerate(lines) if "throughput" in line and "1000*batchsize" in line]
    if not found:
        raise PerfTextError("no throughput line of ais_bench in its output")
    last = found[-1]
    if any("Performance Summary" in line for line in lines[last + 1 :]):
        raise PerfTextError("the last Performance Summary of ais_bench has no throughput line: its output is cut short")
    head, _, number = lines[last].rpartition(":")
    start = found[-2] + 1 if len(found) > 1 else 0
    figures = _times_figures("\n".join(lines[start:last]))
    figures["throughput"] = Printed.read(number.strip(), "throughput")
    stated = _LINE_MEAN.search(head)
    if stated is not None:
        figures["mean in the throughput line"] = Printed.read(stated[1], "NPU_compute_time mean")
    mean = figures.get("mean in the throughput line", figures.get("mean"))
    if mean is None:
        raise PerfTextError("the last summary of ais_bench states no mean of NPU_compute_time")
    batch = _LINE_BATCH.search(head)
    return AisSummary(
        reported_images_per_second=figures["throughput"].value,
        batch=None if batch is None else _whole(_number(batch[1], "batchsize"), "batchsize"),
        times=ExecutionTimes(mean.value, (), None),
        figures=figures,
    )


def _times_figures(lines: str) -> dict[str, Printed]:
    """What the last `NPU_compute_time (ms): min = …, max = …` of these lines says, by name."""
    found = [match[1] for match in _TIMES.finditer(lines)]
    stated = _STATISTIC.findall(found[-1]) if found else []
    return {name: Printed.read(token, f"NPU_compute_time {name}") for name, token in stated}


def read_ais_json(text: str) -> AisSummary:
    """ais_bench's summary JSON (`<dir>_summary.json`, in 2022 `<dir>/sumary.json`, then without list or count)."""
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PerfTextError(f"the summary of ais_bench is not whole JSON: {error}") from error
    times = document.get("NPU_compute_time") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(times, dict):
        raise PerfTextError("the summary of ais_bench has no NPU_compute_time")
    raw = document.get("npu_compute_time_list", [])
    if not isinstance(raw, list):
        raise PerfTextError("npu_compute_time_list is not a list")
    count = None if times.get("count") is None else _whole(_json_number(times, "count"), "NPU_compute_time count")
    figures = {name: Printed(_json_number(times, name), 0.0) for name in STATISTICS if name in times}
    figures["throughput"] = Printed(_json_number(document, "throughput"), 0.0)
    return AisSummary(
        reported_images_per_second=_json_number(document, "throughput"),
        batch=None,
        times=ExecutionTimes(
            mean_milliseconds=_json_number(times, "mean"),
            milliseconds=tuple(
                _json_float(value, f"npu_compute_time_list[{index}]") for index, value in enumerate(raw)
            ),
            count=count,
            statistics={name: figures[name].value for name in ("min", "max", "median") if name in figures},
        ),
        figures=figures,
    )


def ais_reading(summary: AisSummary, *, mode: Mode, batch: int, device: int, images: int | None) -> ThroughputReading:
    """The reading of an ais_bench run, per real image.

    The tool pads the last batch and counts the padding: over `images` images its figure is too high by
    ceil(images / batch) x batch / images, which is taken out here. Pure inference (`images` None) has no padding.
    """
    if summary.batch is not None and summary.batch != batch:
        raise PerfTextError("ais_bench reckoned with another batch size", measured=summary.batch, allowed=batch)
    reported = summary.reported_images_per_second
    real_share = 1.0 if images is None else images / (math.ceil(images / batch) * batch)
    samples = tuple(value / 1000 / batch for value in summary.times.milliseconds)
    return _consistent(
        ThroughputReading(
            tool=InferTool.AIS_BENCH,
            mode=mode,
            batch=batch,
            device=device,
            images=images,
            images_per_second_per_chip=reported * real_share,
            reported_images_per_second=reported,
            seconds_per_image=samples or (summary.times.mean_milliseconds / 1000 / batch,),
            executions=summary.times,
        )
    )


def _consistent(reading: ThroughputReading) -> ThroughputReading:
    broken = contradictions(reading)
    if broken:
        raise PerfTextError(f"the {reading.tool} reading contradicts itself: {'; '.join(broken)}")
    return reading


def _samples(images_per_second: float) -> tuple[float, ...]:
    """One aggregate sample; none for a rate that is not positive, which `contradictions` then names."""
    return (1 / images_per_second,) if images_per_second > 0 else ()


def _plain(text: str) -> str:
    plain = text.translate(_FULL_WIDTH).replace("\r\n", "\n").replace("\r", "\n")
    if not plain.strip():
        raise PerfTextError("the perf text is empty")
    return plain


def read_blocks(text: str) -> Blocks:
    """The figures of `[e2e]`, `[infer]` … by tag and name, in a perf file or in what was printed."""
    text = _plain(text)
    blocks: dict[str, dict[str, float]] = {}
    for raw_tag, body in _TAG.findall(text):
        spelled = " ".join(raw_tag.lower().split())
        tag = _LONG_TAGS.get(spelled, spelled)
        if tag not in _KNOWN_TAGS or not _FIELD.search(body):  # `[Inference] UnInit SUCCESS` has no figure
            continue
        if tag in blocks:
            raise PerfTextError(f"[{tag}] is there twice: the texts of two runs are mixed")
        blocks[tag] = _fields(tag, body)
    return blocks


def _fields(tag: str, body: str) -> dict[str, float]:
    fields: dict[str, float] = {}
    for label, token in _FIELD.findall(body):
        name = _FIELD_NAMES.get("".join(label.lower().split()))
        if name is None:
            raise PerfTextError(f"[{tag}] has the unknown field {label!r}")
        if name in fields:
            raise PerfTextError(f"[{tag}] {name} is there twice")
        fields[name] = _number(token, f"[{tag}] {name}")
    return fields


def _take(blocks: Blocks, tag: str, name: str) -> float:
    if tag not in blocks:
        raise PerfTextError(f"[{tag}] is missing: the perf text is cut short or not one")
    if name not in blocks[tag]:
        raise PerfTextError(f"[{tag}] {name} is missing: the perf text is cut short")
    return blocks[tag][name]


def _quantity(token: str, name: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(token) if len(token) <= _LONGEST_NUMBER else None
    if match is None:
        raise PerfTextError(f"{name} is {token[:_LONGEST_NUMBER]!r}, not a number")
    return float(match[1]), match[2]


def _number(token: str, name: str) -> float:
    value, unit = _quantity(token, name)
    if unit:
        raise PerfTextError(f"{name} is {token!r}, not a number")
    return value


def _whole(value: float, name: str) -> int:
    if not math.isfinite(value) or value < 1 or value % 1:
        raise PerfTextError(f"{name} is {value:g}, it must be a whole number of at least 1")
    return int(value)


def _json_number(entries: Mapping[str, Any], name: str) -> float:
    if name not in entries:
        raise PerfTextError(f"{name} is missing in the summary of ais_bench")
    return _json_float(entries[name], name)


def _json_float(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PerfTextError(f"{name} is {value!r}, not a number")
    try:
        return float(value)
    except OverflowError as error:
        raise PerfTextError(f"{name} is too large for a number") from error


def _refuse_constant(name: str) -> NoReturn:
    raise PerfTextError(f"the summary of ais_bench holds {name}, not a number")
