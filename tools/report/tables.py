"""The guide's two tables as rows: accuracy of each variant, throughput of each batch size, published figures beside."""

from __future__ import annotations

from dataclasses import dataclass

from tools.ascend.target import TargetKind
from tools.judge.acceptance import Acceptance
from tools.judge.accuracy import Loss
from tools.judge.ids import HOST_ONNX_TO_TORCH, OM_PERF_FLOOR, ONNX, PTH, om
from tools.judge.numbers import Fact
from tools.judge.prediction_records import VariantRecord
from tools.judge.results import Check, Verdict
from tools.judge.spec import Spec
from tools.judge.throughput import images_per_second
from tools.judge.throughput_records import DeviceThroughput, HostThroughput
from tools.report.words import variant_name

NOT_RUN = "not run"


@dataclass(frozen=True)
class AccuracyRow:
    """One model variant: `record` None where the run did not come to it, `batch` None where it is no OM."""

    name: str
    record: VariantRecord | None
    batch: int | None

    def loss(self, k: int) -> Loss | None:
        """The loss against the pth at Top-k."""
        return next((loss for loss in self.record.losses if loss.k == k), None) if self.record else None

    @property
    def verdict(self) -> Verdict | None:
        """The weakest word of its losses; None for the pth, which is not held against itself."""
        order = (Verdict.FAIL, Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.PASS)
        if self.record is None:
            return Verdict.NOT_RUN
        return min((loss.check.verdict for loss in self.record.losses), key=order.index, default=None)

    @property
    def warned(self) -> bool:
        """Whether a loss exceeds the tight bound."""
        return self.record is not None and any(loss.warning for loss in self.record.losses)


@dataclass(frozen=True)
class Reference:
    """Published (or, of the sample, expected) Top-1 and Top-5 of one variant, None where nobody published one."""

    name: str
    top1: float | None
    top5: float | None
    source: str


@dataclass(frozen=True)
class ThroughputRow:
    """One batch size on a device (or the simulator): `record` None where the run did not come to it."""

    batch: int
    record: DeviceThroughput | None
    check: Check | None

    @property
    def verdict(self) -> Verdict | None:
        """The floor's word; None where no floor applies."""
        if self.record is None:
            return Verdict.NOT_RUN
        return self.check.verdict if self.check else None

    @property
    def over_floor_percent(self) -> float | None:
        """How far the chip is above its floor, negative below."""
        if self.record is None or self.record.floor_images_per_second_per_chip is None:
            return None
        return 100 * (self.record.images_per_second_per_chip / self.record.floor_images_per_second_per_chip - 1)


@dataclass(frozen=True)
class HostRow:
    """Two engines of the host at one batch size, in images per second, and the gate over their ratio."""

    record: HostThroughput
    candidate_images_per_second: float
    reference_images_per_second: float
    check: Check | None


def not_measured_here(acceptance: Acceptance, kind: str) -> tuple[str, ...]:
    """Throughputs of a kind that an earlier run has measured, in words; batch sizes of one moment share a line."""
    entries = [entry for entry in acceptance.reused if entry.name.startswith(f"{kind}/")]
    said: dict[str, list[int]] = {}
    for entry in sorted(entries, key=lambda entry: entry.batch or 0):
        words = f"{entry.made_utc} on {entry.made_on or 'a host that was not kept'}"
        said.setdefault(words, []).extend([] if entry.batch is None else [entry.batch])
    told = "not measured in this run, taken from the cache: measured"
    sizes = {words: ", ".join(f"bs{batch}" for batch in batches) for words, batches in said.items()}
    return tuple(f"{sizes[words] or 'some batch sizes'}: {told} {words}" for words in said)


def accuracy_rows(acceptance: Acceptance, spec: Spec | None) -> tuple[AccuracyRow, ...]:
    """pth, onnx and an OM for each batch size of the spec, then whatever else was recorded."""
    records = {variant.name: variant for variant in acceptance.variants}
    asked = [PTH, ONNX, *(om(batch) for batch in spec.batches)] if spec else []
    names = [*asked, *(name for name in records if name not in asked)]
    return tuple(AccuracyRow(variant_name(name), records.get(name), name.batch) for name in names)


def references(acceptance: Acceptance, spec: Spec | None) -> tuple[Reference, ...]:
    """The spec's accuracies of the pth, and of the OM where a device of a published machine class was judged."""
    if spec is None:
        return ()
    word = "published" if spec.kind == "published" else "expected of the sample"
    found = [_reference(f"pth, {word}", spec.accuracy.pth_top1, spec.accuracy.pth_top5)]
    on_device = acceptance.target == TargetKind.ASCEND and acceptance.machine is not None
    device = spec.device(acceptance.machine.soc) if on_device and acceptance.machine else None
    if device is not None:
        found.append(_reference(f"om, {word} for {device.soc}", device.om_top1, device.om_top5))
    return tuple(entry for entry in found if entry.source)


def _reference(name: str, top1: Fact | None, top5: Fact | None) -> Reference:
    known = [fact for fact in (top1, top5) if fact is not None]
    values = [None if fact is None else fact.value for fact in (top1, top5)]
    return Reference(name, values[0], values[1], known[0].source if known else "")


def throughput_rows(acceptance: Acceptance, spec: Spec | None) -> tuple[ThroughputRow, ...]:
    """Every batch size that the spec asks for or that was measured, in ascending order."""
    checks = {result.id: result.check for result in acceptance.gates}
    records = {entry.batch: entry for entry in acceptance.device_throughput}
    return tuple(
        ThroughputRow(
            batch,
            record := records.get(batch),
            record.judged.check if record and record.judged else checks.get(OM_PERF_FLOOR.at(batch)),
        )
        for batch in sorted({*records, *(spec.batches if spec else ())})
    )


def host_rows(acceptance: Acceptance) -> tuple[HostRow, ...]:
    """onnxruntime against torch for each batch size measured."""
    checks = {result.id: result.check for result in acceptance.gates}
    return tuple(
        HostRow(
            entry,
            images_per_second(entry.candidate_seconds_per_image),
            images_per_second(entry.reference_seconds_per_image),
            checks.get(HOST_ONNX_TO_TORCH.at(entry.batch)),
        )
        for entry in acceptance.host_throughput
    )
