"""The figures of a row: what the judge has recomputed of accuracy and throughput, and what they stand beside."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tools.judge.accuracy import Loss, TopK
from tools.judge.bundle import Bundle
from tools.judge.device import slowest_rates
from tools.judge.ids import OM_PERF_FLOOR, PTH, GateId
from tools.judge.machine_class import Device
from tools.judge.paired import Interval
from tools.judge.prediction_records import VariantRecord
from tools.judge.results import RunVerdict
from tools.judge.spec import Spec
from tools.judge.throughput import noise_interval, too_scattered
from tools.judge.throughput_records import DeviceThroughput

SIMULATED = "the simulator says nothing about a device's throughput"
NOT_MEASURED = "no throughput was measured"


@dataclass(frozen=True)
class WorstLoss:
    """The largest drop at one k among the OMs, and the OM that shows it."""

    variant: str
    loss: Loss


@dataclass(frozen=True)
class Rate:
    """Throughput of one batch size on a device, in images per second; `runs` are the rates of the runs per chip.

    `published_per_chip` is None where nobody published a figure, `noise_cv_percent` where nobody knows the chip.
    """

    batch: int
    mode: str
    per_chip: float
    per_card: float | None
    published_per_chip: float | None
    runs: tuple[float, ...]
    noise_cv_percent: float | None
    busy: tuple[str, ...]

    @property
    def share_percent(self) -> float | None:
        """Measured in percent of published."""
        return None if self.published_per_chip is None else 100 * self.per_chip / self.published_per_chip

    @property
    def interval(self) -> Interval | None:
        """Where the chip's true rate lies by the judge's rule; None where its noise is not known."""
        if self.noise_cv_percent is None:
            return None
        return noise_interval(self.per_chip, len(self.runs), self.noise_cv_percent / 100)

    @property
    def doubt(self) -> str:
        """Why nothing follows from this rate, empty where it counts."""
        if self.busy:
            return f"the device was busy: {'; '.join(self.busy)}"
        if self.noise_cv_percent is None:
            return "nobody knows the noise of this chip"
        return too_scattered(self.runs, self.noise_cv_percent)


@dataclass(frozen=True)
class Figures:
    """What a run measured, as far as it is proven: `reference` is Top-1 and Top-5 of the checkpoint, `losses` the worst
    of the OMs at both, `rates` those batch sizes of which no gate but the floor speaks against the figure.

    `no_rates` says why there are none. Percentage points in `margins_pp`, what the port allows at Top-1 and Top-5.
    """

    reference: tuple[TopK, ...]
    losses: dict[int, WorstLoss]
    rates: tuple[Rate, ...]
    no_rates: str
    margins_pp: dict[int, float]
    flops_per_image: float | None
    peak_tflops_per_chip: float | None

    @property
    def best(self) -> Rate | None:
        """The batch size with the most images per second."""
        return max(self.rates, key=lambda rate: rate.per_chip, default=None)

    @property
    def utilisation_percent(self) -> float | None:
        """How much of the chip's peak arithmetic its best batch size uses; None where a part of it is not known."""
        best, flops, peak = self.best, self.flops_per_image, self.peak_tflops_per_chip
        if best is None or flops is None or peak is None:
            return None
        return 100 * best.per_chip * flops / (peak * 1e12)


def figures_of(bundles: Sequence[Bundle], spec: Spec, verdict: RunVerdict) -> Figures:
    """The figures of bundles that the judge holds for one run, by the port that it judged by."""
    machine = next((bundle.record.machine for bundle in bundles if bundle.record.machine is not None), None)
    device = None if machine is None else spec.device(machine.soc)
    on_device = all(bundle.on_device for bundle in bundles)
    variants = [variant for bundle in bundles for variant in bundle.record.variants]
    records = [record for bundle in bundles for record in bundle.record.device_throughput] if on_device else []
    rates, doubted = _rates(records, device, verdict)
    flops = spec.model.flops_per_image
    asked = spec.accuracy
    return Figures(
        reference=_reference(variants),
        losses=_worst(variants),
        rates=rates,
        no_rates="" if rates else _no_rates(doubted, on_device=on_device),
        margins_pp={1: asked.top1_drop_pp.at_most, 5: asked.top5_drop_pp.at_most},
        flops_per_image=None if flops is None else flops.value,
        peak_tflops_per_chip=None if device is None else device.peak_fp16_tflops_per_chip.value,
    )


def _no_rates(doubted: Sequence[GateId], *, on_device: bool) -> str:
    if not on_device:
        return SIMULATED
    return f"no figure: {doubted[0]} speaks against it" if doubted else NOT_MEASURED


def _reference(variants: Sequence[VariantRecord]) -> tuple[TopK, ...]:
    found = next((variant for variant in variants if variant.name == PTH), None)
    return () if found is None else tuple(top for top in found.accuracy if top.k in (1, 5))


def _worst(variants: Sequence[VariantRecord]) -> dict[int, WorstLoss]:
    """By k the OM that lost most; of equal ones the smallest batch size."""
    losses = [WorstLoss(variant.name, loss) for variant in variants if variant.name.batch for loss in variant.losses]
    worst: dict[int, WorstLoss] = {}
    for entry in losses:
        known = worst.get(entry.loss.k)
        if known is None or entry.loss.drop_pp > known.loss.drop_pp:
            worst[entry.loss.k] = entry
    return worst


def _rates(
    records: Sequence[DeviceThroughput], device: Device | None, verdict: RunVerdict
) -> tuple[tuple[Rate, ...], list[GateId]]:
    """The rate of each batch size, the slowest where several bundles measured one, and the gates that speak against
    others: a figure that no chip can reach, or of a busy device, is no headline."""
    found: dict[int, Rate] = {}
    odd = [name for name in (*verdict.failed, *verdict.missing) if _speaks_against(name)]
    doubted: list[GateId] = []
    for record in records:
        against = [name for name in odd if name.batch in (None, record.batch)]
        doubted += against
        if against:
            continue
        rate = _rate(record, device)
        known = found.get(record.batch)
        if known is None or rate.per_chip < known.per_chip:
            found[record.batch] = rate
    return tuple(found[batch] for batch in sorted(found)), doubted


def _speaks_against(name: GateId) -> bool:
    return name.startswith("om.perf.") and name.gate != OM_PERF_FLOOR


def _rate(record: DeviceThroughput, device: Device | None) -> Rate:
    published = None if device is None else device.published(record.batch)
    runs = slowest_rates(record.runs)
    chip = statistics.median_low(runs)
    return Rate(
        batch=record.batch,
        mode=record.mode,
        per_chip=chip,
        per_card=None if device is None else chip * device.chips_per_card,
        published_per_chip=None if published is None else published.images_per_second_per_chip.value,
        runs=runs,
        noise_cv_percent=None if device is None else device.noise_cv_percent.value,
        busy=record.busy,
    )
