"""What a port is judged by, as frozen, strictly typed objects; 0 is a value, nothing has a default."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Union

from tools.base.errors import SpecError
from tools.judge.records import Rule

MOST_IMAGES = 10_000_000
LARGEST = 1e18
"""No figure of a spec comes near; with it no product of a few of them leaves the range of a double."""

if TYPE_CHECKING:
    from typing import Literal

    Text = str
    Md5 = str
    Sha256 = str
    PlainName = str
    Factory = str
    Positive = int
    ProbeImages = int
    Rounds = int
    NotNegative = float
    Deviation = float
else:  # rules of tools/judge/records.py, by which a spec is read
    Text = Rule(str, not_empty=True)
    Md5 = Rule(str, pattern="^[0-9a-f]{32}$")
    Sha256 = Rule(str, pattern="^[0-9a-f]{64}$")
    PlainName = Rule(str, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    Factory = Rule(str, pattern="^[a-z0-9_]+$")
    Positive = Rule(int, at_least=1, at_most=1_000_000)
    ProbeImages = Rule(int, at_least=16)
    Rounds = Rule(int, at_least=3)
    NotNegative = Rule(float, at_least=0, at_most=LARGEST)
    Deviation = Rule(float, more_than=0)


class Entry:
    """Every part of the spec."""


class Number(Entry):
    """A number always says its unit and where it comes from; one that was loosened says why (tools/spec_diff.py)."""

    unit: str
    source: str
    reason: str | None


@dataclass(frozen=True)
class Fact(Number):
    """A published or measured figure that bounds are derived from or that is shown beside a measurement."""

    value: NotNegative
    unit: Text
    source: Text
    reason: Text | None = None


@dataclass(frozen=True)
class Exactly(Number):
    """The measured value must equal this."""

    exactly: NotNegative
    unit: Text
    source: Text
    reason: Text | None = None


@dataclass(frozen=True)
class AtMost(Number):
    """The measured value may not exceed this."""

    at_most: NotNegative
    unit: Text
    source: Text
    reason: Text | None = None


@dataclass(frozen=True)
class AtLeast(Number):
    """The measured value may not fall below this."""

    at_least: NotNegative
    unit: Text
    source: Text
    reason: Text | None = None


Bound = Union[Exactly, AtMost, AtLeast]


@dataclass(frozen=True)
class Model(Entry):
    """Which network: `factory` is a name known to torchvision.models.get_model."""

    name: Text
    factory: Factory
    flops_per_image: Fact
    parameters: Fact

    def __post_init__(self) -> None:
        if self.flops_per_image.value < 1:
            raise ValueError(f"flops_per_image is {self.flops_per_image.value}, it must be at least 1")


@dataclass(frozen=True)
class Checkpoint(Entry):
    """The published weights; the md5 is checked before anything is unpickled."""

    file: PlainName
    url: Text | None
    md5: Md5
    content_sha256: Sha256 | None
    source: Text


@dataclass(frozen=True)
class Tensor(Entry):
    """An input or output of the model; -1 marks the dynamic batch axis."""

    name: PlainName
    dtype: Literal["float32"]
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.shape or self.shape[0] != -1 or any(size < 1 for size in self.shape[1:]):
            raise ValueError(f"shape is {list(self.shape)}, it must be a dynamic batch axis -1 and positive sizes")

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} [{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Onnx(Entry):
    """What the exported file must be and how closely it must follow the checkpoint."""

    opset: Exactly
    input: Tensor
    output: Tensor
    probe_images: ProbeImages
    logits_abs_error: AtMost
    batch_invariance_abs_error: AtMost


@dataclass(frozen=True)
class Dataset(Entry):
    """The labelled images an acceptance needs: `id_format` with 1..images gives every id."""

    images: Exactly
    id_format: Text
    classes: Positive
    content_sha256: Sha256 | None
    source: Text

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]*\{:0?[0-9]{0,2}d\}", self.id_format):
            raise ValueError(f"id_format is {self.id_format!r}, it must be plain text and one {{:08d}}-like number")
        if not 1 <= self.images.exactly <= MOST_IMAGES or self.images.exactly % 1:
            raise ValueError(f"images is {self.images.exactly}, it must be a whole number in 1..{MOST_IMAGES}")

    def ids(self) -> tuple[str, ...]:
        """The ids of the full data set, in order."""
        return tuple(self.id_format.format(index + 1) for index in range(int(self.images.exactly)))


@dataclass(frozen=True)
class Preprocessing(Entry):
    """Resize the short side, cut the centre, scale to 0..1, normalise by channel: torchvision's reference recipe."""

    resize_px: Positive
    crop_px: Positive
    interpolation: Literal["bilinear"]
    mean: tuple[float, float, float]
    std: tuple[Deviation, Deviation, Deviation]
    parity_images: Positive
    source: Text

    def __post_init__(self) -> None:
        if self.crop_px > self.resize_px:
            raise ValueError(f"crop_px {self.crop_px} exceeds resize_px {self.resize_px}")
        if not all(math.isfinite(value) for value in (*self.mean, *self.std)):
            raise ValueError("mean and std must be finite")

    @property
    def geometry(self) -> str:
        """What the uint8 pixels of an image depend on, and nothing else does."""
        return f"resize {self.resize_px}, crop {self.crop_px}, {self.interpolation}"

    @property
    def normalisation(self) -> str:
        """What makes float32 values of the pixels."""
        return f"mean {self.mean}, std {self.std}"


@dataclass(frozen=True)
class Accuracy(Entry):
    """Reference accuracy of the checkpoint and what a port may lose, in percentage points on the same images."""

    pth_top1: Fact
    pth_top5: Fact
    pth_top1_error_pp: AtMost
    pth_top5_error_pp: AtMost
    top1_drop_pp: AtMost
    top5_drop_pp: AtMost
    tight_drop_pp: AtMost

    def __post_init__(self) -> None:
        _check_percents("pth", self.pth_top1, self.pth_top5)
        tight, most = self.tight_drop_pp.at_most, min(self.top1_drop_pp.at_most, self.top5_drop_pp.at_most)
        if tight > most:
            raise ValueError(f"tight_drop_pp {tight} exceeds the smaller of top1_drop_pp and top5_drop_pp, {most}")


@dataclass(frozen=True)
class LogitAgreement(Entry):
    """How closely a variant's logits must follow the pth's, image by image (tools/judge/agreement.py).

    `near_tie_logits` is no bound: a flip counts only when pth's class was further ahead than this.
    """

    min_cosine: AtLeast
    mean_cosine_distance: AtMost
    max_abs_error: AtMost
    near_tie_logits: Fact
    flips_beyond_near_tie: AtMost
    top5_set_changed_percent: AtMost


@dataclass(frozen=True)
class Agreement(Entry):
    """One set of bounds for each arithmetic: float32 in onnxruntime, the simulator's fp16, a device's fp16."""

    onnx: LogitAgreement
    om_on_simulator: LogitAgreement
    om_on_device: LogitAgreement

    def om(self, *, on_device: bool) -> LogitAgreement:
        """The bounds for an OM, where it runs."""
        return self.om_on_device if on_device else self.om_on_simulator


@dataclass(frozen=True)
class HostRatio(Entry):
    """Throughput of onnxruntime over torch at one batch size, measured in turn in the same run."""

    batch: Positive
    onnx_to_torch: AtLeast


@dataclass(frozen=True)
class HostPerf(Entry):
    """How host throughput is measured and judged; seconds are never judged, only ratios inside one run."""

    rounds: Rounds
    min_images_per_round: Positive
    ratios: tuple[HostRatio, ...]


@dataclass(frozen=True)
class DeviceBatch(Entry):
    """Published throughput of one batch size on one chip, and the card figure where one was printed."""

    batch: Positive
    mode: Literal["dataset", "pure"]
    images_per_second_per_chip: Fact
    images_per_second_per_card: Fact | None


@dataclass(frozen=True)
class Device(Entry):
    """One machine class: floors belong to it alone and are published x (100 - floor_margin_percent) / 100."""

    soc: PlainName
    chips_per_card: Positive
    floor_margin_percent: Fact
    ceiling_margin_percent: Fact
    noise_cv_percent: Fact
    peak_fp16_tflops_per_chip: Fact
    om_top1: Fact
    om_top5: Fact
    om_top1_error_pp: AtMost
    om_top5_error_pp: AtMost
    throughput: tuple[DeviceBatch, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.floor_margin_percent.value < 100:
            raise ValueError(f"floor_margin_percent is {self.floor_margin_percent.value}, it must lie in 0..100")
        if not 0 <= self.noise_cv_percent.value <= 25:
            raise ValueError(f"noise_cv_percent is {self.noise_cv_percent.value}, it must lie in 0..25")
        _check_percents("om", self.om_top1, self.om_top5)
        _unique([entry.batch for entry in self.throughput], "batch")
        for entry in self.throughput:
            self._check_card(entry)

    def _check_card(self, entry: DeviceBatch) -> None:
        card, chip = entry.images_per_second_per_card, entry.images_per_second_per_chip.value
        if chip <= 0:
            raise ValueError(f"batch {entry.batch}: images_per_second_per_chip is {chip}, it must be positive")
        if card is not None and abs(card.value - chip * self.chips_per_card) > 0.0005:
            raise ValueError(f"batch {entry.batch}: card {card.value} is not {self.chips_per_card} x chip {chip}")

    def published(self, batch: int) -> DeviceBatch | None:
        """The published throughput at this batch size, None where nobody published one."""
        return next((entry for entry in self.throughput if entry.batch == batch), None)

    def ceiling(self, entry: DeviceBatch, model: Model) -> AtMost:
        """The most images per second per chip that can be believed, the lower of arithmetic and published figure."""
        arithmetic = self.peak_fp16_tflops_per_chip.value * 1e12 / model.flops_per_image.value
        margin, figure = self.ceiling_margin_percent, entry.images_per_second_per_chip
        raised = figure.value * (100 + margin.value) / 100
        source = f"{figure.value} and {margin.value:g} % more ({margin.source})"
        if arithmetic < raised:
            source = f"{self.peak_fp16_tflops_per_chip.value:g} TFLOPS ({self.peak_fp16_tflops_per_chip.source})"
        return AtMost(at_most=min(arithmetic, raised), unit=figure.unit, source=source)

    def floor(self, entry: DeviceBatch) -> AtLeast:
        """The floor in images per second per chip, derived from the published figure by the stated margin."""
        margin, figure = self.floor_margin_percent, entry.images_per_second_per_chip
        return AtLeast(
            at_least=figure.value * (100 - margin.value) / 100,
            unit=figure.unit,
            source=f"{figure.value} less {margin.value:g} % ({figure.source}; margin: {margin.source})",
        )


@dataclass(frozen=True)
class ThroughputRuns(Entry):
    """How often throughput is measured at each batch size, over the data set and by pure inference."""

    dataset: Positive
    pure: Positive

    def of(self, mode: Literal["dataset", "pure"]) -> int:
        """The number of runs in a mode."""
        return self.dataset if mode == "dataset" else self.pure


@dataclass(frozen=True)
class Om(Entry):
    """How OMs are compiled (`soc` null: for the device's own chip), measured, and how far batches may lie apart.

    Throughput of `dataset_batches` is measured over the data set, that of the others by pure inference (guide), unless
    a machine class has published figures of its own.
    """

    soc: PlainName | None
    dataset_batches: tuple[Positive, ...]
    throughput_runs: ThroughputRuns
    reported_rate_error_percent: AtMost
    atc_extra_args: tuple[str, ...]
    batch_invariance_abs_error: AtMost
    batch_invariance_abs_error_on_device: AtMost

    def batch_bound(self, *, on_device: bool) -> AtMost:
        """How far the batches of an OM may lie apart."""
        return self.batch_invariance_abs_error_on_device if on_device else self.batch_invariance_abs_error


@dataclass(frozen=True)
class Spec(Entry):
    """Everything one port is judged by.

    `reasons` says why a value that is no number of its own (a list, a count) was loosened: its path, as
    tools/spec_diff.py prints it, to the reason.
    """

    schema: Literal[1]
    kind: Literal["published", "sample"]
    model: Model
    checkpoint: Checkpoint
    onnx: Onnx
    dataset: Dataset
    preprocessing: Preprocessing
    batches: tuple[Positive, ...]
    accuracy: Accuracy
    agreement: Agreement
    host_perf: HostPerf
    om: Om
    devices: tuple[Device, ...]
    reasons: dict[Text, Text] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.batches:
            raise ValueError("batches is empty")
        _unique(self.batches, "batches")
        _unique([entry.batch for entry in self.host_perf.ratios], "host_perf.ratios")
        _unique([device.soc for device in self.devices], "devices")
        missing = sorted(set(self.batches) - {entry.batch for entry in self.host_perf.ratios})
        if missing:
            raise ValueError(f"host_perf.ratios has no entry for batch {missing[0]}")

    def device(self, soc: str) -> Device | None:
        """The machine class of this chip, None where the spec has no figures for it."""
        return next((device for device in self.devices if device.soc == soc), None)

    def require_device(self, soc: str) -> Device:
        """The machine class of this chip; SpecError where the spec has no figures for it."""
        device = self.device(soc)
        if device is None:
            known = ", ".join(entry.soc for entry in self.devices) or "none"
            raise SpecError("no published figures for this chip", measured=soc, allowed=known, fix="add it to the spec")
        return device

    def throughput_mode(self, soc: str, batch: int) -> Literal["dataset", "pure"]:
        """How throughput is measured at this batch size: as the published figure was, else as the guide does."""
        device = self.device(soc)
        published = device.published(batch) if device else None
        if published:
            return published.mode
        return "dataset" if batch in self.om.dataset_batches else "pure"

    def host_ratio(self, batch: int) -> AtLeast:
        """The floor of onnxruntime over torch at this batch size."""
        return next(entry.onnx_to_torch for entry in self.host_perf.ratios if entry.batch == batch)


def _check_percents(variant: str, top1: Fact, top5: Fact) -> None:
    if not top1.value <= top5.value <= 100:
        raise ValueError(f"{variant}_top1 {top1.value} and {variant}_top5 {top5.value} are not percents in order")


def _unique(values: Sequence[int] | Sequence[str], name: str) -> None:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"{name} holds {repeated[0]} more than once")
