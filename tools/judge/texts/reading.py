"""One throughput reading of a vendor tool, what it must satisfy to be believed, and what is derived from it.

Sources: the AlexNet acceptance guide (Ascend310, CANN 5.0.1), about 280 published perf blocks of the Ascend model zoo
("corpus" below), and the public sources of ais_bench. Every rate says what it counts: `[post]` of the benchmark tool
counts batches, all others count images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

from tools.base.text_enum import TextEnum
from tools.judge.texts.digits import SIX_DIGITS

E2E_IMAGES_RELATIVE_TOLERANCE = 3e-5
"""e2e rate x latency gave 50000 up to the six printed digits of both factors in 160 blocks of the corpus."""
E2E_IMAGES_ABSOLUTE_TOLERANCE = 0.5
"""Half an image: a small run must still give its own whole number."""
MODULE_LATENCY_TOLERANCE = 1e-3
"""data read, preprocess and post: rate x moduleLatency = 1000 over the corpus, up to the printed digits."""
POST_WITHIN_E2E_TOLERANCE = 0.01
"""No step takes longer than the whole run: post is not slower than e2e, in batches. In 233 blocks of the corpus one
falls short by 0.2 % and one by 0.7 %; the file of a batch size twice as large falls short by half. Nothing holds post
against infer: 15 blocks refute that they keep one pace within a tenth, for a slow post goes on when infer has ended,
and in a short run its clock starts a batch later."""
PURE_PRODUCT_AT_LEAST, PURE_PRODUCT_AT_MOST = 0.98, 1.12
"""ave_throughputRate x ave_latency / 1000 in the corpus: median 1.002, largest 1.10. A mean of rates times the mean of
their inverses is 1 or more, by as much as the rounds differ."""
AIS_BENCH_TOLERANCE = 1e-5
"""ais_bench takes the mean in double of times stored as float32 (step 6e-8); the texts of 2022 print less."""


class InferTool(TextEnum):
    """The vendor tool that runs an OM: benchmark.<arch> up to CANN 5.x, `python3 -m ais_bench` from CANN 6 on."""

    BENCHMARK = "benchmark"
    AIS_BENCH = "ais_bench"


class Mode(TextEnum):
    """Whole data set with copies and files around each execution, or executions alone on unset inputs."""

    DATASET = "dataset"
    PURE = "pure"


@dataclass(frozen=True)
class ModuleRate:
    """One step of the benchmark tool's pipeline: how often per second, and its mean duration in milliseconds."""

    name: str
    per_second: float
    milliseconds: float


@dataclass(frozen=True)
class PipelineRates:
    """The benchmark tool's perf file of a data-set run.

    `e2e_milliseconds` is the wall time of the whole run. `post_batches_per_second` counts batches. The moduleLatency
    of `[infer]`, None where it is not given, is its time for an image with all copies, and a little more than that: the
    tool divides it by the wrong count. `modules` are data read, preprocess, post.
    """

    e2e_images_per_second: float
    e2e_milliseconds: float
    infer_images_per_second: float
    interface_images_per_second: float
    post_batches_per_second: float
    modules: tuple[ModuleRate, ...]
    infer_milliseconds: float | None = None


@dataclass(frozen=True)
class ExecutionTimes:
    """ais_bench's clock around each execute call: the mean it states, and the raw list where it gives one.

    `statistics` are what else it states of that list, in milliseconds: min, max, median.
    """

    mean_milliseconds: float
    milliseconds: tuple[float, ...]
    count: int | None
    statistics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ThroughputReading:
    """What one tool measured on one chip at one batch size.

    `images_per_second_per_chip` is the official figure: `Interface throughputRate` of a data-set run of benchmark,
    `ave_throughputRate` of its pure inference, and ais_bench's throughput counted per real image, without padding.
    `reported_images_per_second` is the number as the tool printed it. `seconds_per_image` are raw samples: each
    execution's time over the batch from ais_bench, one aggregate sample from benchmark, which keeps no others.
    `images` is None for pure inference. Exactly the evidence record of the tool and mode is set.
    """

    tool: InferTool
    mode: Mode
    batch: int
    device: int
    images: int | None
    images_per_second_per_chip: float
    reported_images_per_second: float
    seconds_per_image: tuple[float, ...]
    pipeline: PipelineRates | None = None
    milliseconds_per_image: float | None = None
    executions: ExecutionTimes | None = None


def contradictions(reading: ThroughputReading) -> tuple[str, ...]:
    """The laws that this reading breaks, each in a sentence with its numbers; empty when it holds together.

    Whether the stated rate is that of the raw samples is the judge's question (check_reported), with the spec's bound.
    """
    numbers = _numbers(reading)
    broken = [f"{name} is {value}, it must be positive and finite" for name, value in numbers if not _positive(value)]
    if broken:
        return tuple(broken)
    found: list[str] = []
    if reading.pipeline is not None:
        found += _pipeline(reading.pipeline, reading.batch, reading.images)
    if reading.milliseconds_per_image is not None:
        found += _pure(reading.reported_images_per_second, reading.milliseconds_per_image)
    if reading.executions is not None:
        found += _executions(reading.executions)
    return tuple(found)


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0


def _numbers(reading: ThroughputReading) -> list[tuple[str, float]]:
    numbers = [
        ("images_per_second_per_chip", reading.images_per_second_per_chip),
        ("reported_images_per_second", reading.reported_images_per_second),
        *((f"seconds_per_image[{index}]", value) for index, value in enumerate(reading.seconds_per_image)),
    ]
    if reading.pipeline is not None:
        pipeline = reading.pipeline
        numbers += [
            ("e2e throughputRate", pipeline.e2e_images_per_second),
            ("e2e latency", pipeline.e2e_milliseconds),
            ("infer throughputRate", pipeline.infer_images_per_second),
            ("Interface throughputRate", pipeline.interface_images_per_second),
            ("post throughputRate", pipeline.post_batches_per_second),
        ]
        if pipeline.infer_milliseconds is not None:
            numbers.append(("infer moduleLatency", pipeline.infer_milliseconds))
        numbers += [(f"{module.name} throughputRate", module.per_second) for module in pipeline.modules]
        numbers += [(f"{module.name} moduleLatency", module.milliseconds) for module in pipeline.modules]
    if reading.milliseconds_per_image is not None:
        numbers.append(("ave_latency", reading.milliseconds_per_image))
    if reading.executions is not None:
        numbers.append(("NPU_compute_time mean", reading.executions.mean_milliseconds))
    return numbers


def _pipeline(rates: PipelineRates, batch: int, images: int | None) -> list[str]:
    found = []
    if images is not None:
        counted = rates.e2e_images_per_second * rates.e2e_milliseconds / 1000
        allowed = max(E2E_IMAGES_ABSOLUTE_TOLERANCE, E2E_IMAGES_RELATIVE_TOLERANCE * images)
        if abs(counted - images) > allowed:
            found.append(f"e2e throughputRate x latency / 1000 gives {counted:.6g} images, the run had {images}")
        found += _post(rates, batch, images)
    found += _interface(rates)
    for module in rates.modules:
        product = module.per_second * module.milliseconds
        if abs(product / 1000 - 1) > MODULE_LATENCY_TOLERANCE:
            found.append(f"{module.name} throughputRate x moduleLatency is {product:.6g}, it must be 1000")
    return found


def _interface(rates: PipelineRates) -> list[str]:
    """Executions alone take no longer than executions with copies, by either clock of `[infer]`."""
    found, interface = [], rates.interface_images_per_second
    if interface < rates.infer_images_per_second * (1 - SIX_DIGITS):
        found.append(
            f"Interface throughputRate {interface:.6g} is below the infer throughputRate "
            f"{rates.infer_images_per_second:.6g}, although it leaves the copies out"
        )
    whole = rates.infer_milliseconds
    if whole is not None and whole < 1000 / interface * (1 - SIX_DIGITS):
        found.append(
            f"Interface throughputRate {interface:.6g} is {1000 / interface:.6g} ms an image, which is more than the "
            f"moduleLatency {whole:.6g} ms of infer, although it leaves the copies out"
        )
    return found


def _post(rates: PipelineRates, batch: int, images: int) -> list[str]:
    """A last partial batch counts as one: all batches were posted within the wall time of the whole run."""
    lowest = rates.e2e_images_per_second * math.ceil(images / batch) / images
    post = rates.post_batches_per_second
    if post >= lowest * (1 - POST_WITHIN_E2E_TOLERANCE):
        return []
    return [
        f"post throughputRate is {post:.6g} batches per second, in batches of {batch} the e2e throughputRate gives "
        f"{lowest:.6g}: a run of another batch size"
    ]


def _pure(rate: float, milliseconds: float) -> list[str]:
    product = rate * milliseconds / 1000
    if PURE_PRODUCT_AT_LEAST <= product <= PURE_PRODUCT_AT_MOST:
        return []
    return [
        f"ave_throughputRate x ave_latency / 1000 is {product:.4g}, "
        f"it must lie in {PURE_PRODUCT_AT_LEAST} to {PURE_PRODUCT_AT_MOST}"
    ]


def _executions(times: ExecutionTimes) -> list[str]:
    if not times.milliseconds:
        return []
    found = []
    mean = sum(times.milliseconds) / len(times.milliseconds)
    if not math.isclose(mean, times.mean_milliseconds, rel_tol=AIS_BENCH_TOLERANCE):
        found.append(f"npu_compute_time_list has the mean {mean:.9g} ms, stated is {times.mean_milliseconds:.9g} ms")
    found += _statistics(times)
    if times.count is not None and times.count != len(times.milliseconds):
        found.append(f"npu_compute_time_list has {len(times.milliseconds)} entries, the stated count is {times.count}")
    return found


def _statistics(times: ExecutionTimes) -> list[str]:
    """What else is stated of the times, against the list of them."""
    listed = {"min": min(times.milliseconds), "max": max(times.milliseconds), "median": median(times.milliseconds)}
    return [
        f"npu_compute_time_list has the {name} {listed[name]:.9g} ms, stated is {stated:.9g} ms"
        for name, stated in times.statistics.items()
        if name in listed and not math.isclose(listed[name], stated, rel_tol=AIS_BENCH_TOLERANCE)
    ]
