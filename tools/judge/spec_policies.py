"""What a spec measures and allows: accuracy, agreement of logits, throughput, and how OMs are compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.judge.atc_flags import check_flags
from tools.judge.device_bounds import check_device_bounds
from tools.judge.machine_class import check_percents
from tools.judge.numbers import AtLeast, AtMost, Entry, Fact, PlainName, Positive, ProbeImages, Rounds

if TYPE_CHECKING:
    from typing import Literal


@dataclass(frozen=True)
class Accuracy(Entry):
    """Reference accuracy of the checkpoint and what a port may lose, in percentage points on the same images.

    Predictions of the checkpoint that the run's own CPU has not made are computed again for `reference_probe_images`,
    of which no logit may differ by more than `reference_abs_error`.
    """

    pth_top1_error_pp: AtMost
    pth_top5_error_pp: AtMost
    top1_drop_pp: AtMost
    top5_drop_pp: AtMost
    tight_drop_pp: AtMost
    reference_probe_images: ProbeImages
    reference_abs_error: AtMost
    pth_top1: Fact | None = None
    pth_top5: Fact | None = None

    def __post_init__(self) -> None:
        check_percents("pth", self.pth_top1, self.pth_top5)
        tight, most = self.tight_drop_pp.at_most, min(self.top1_drop_pp.at_most, self.top5_drop_pp.at_most)
        if tight > most:
            raise ValueError(f"tight_drop_pp {tight} exceeds the smaller of top1_drop_pp and top5_drop_pp, {most}")


@dataclass(frozen=True)
class LogitAgreement(Entry):
    """How closely a variant's logits must follow the pth's, image by image (tools/judge/agreement.py).

    `near_tie_logits` is no bound: a flip counts only when pth's class was further ahead than this. Of the last four the
    first three bound an effect, beyond its standard error (tools/judge/systematic.py).
    """

    min_cosine: AtLeast
    mean_cosine_distance: AtMost
    max_abs_error: AtMost
    near_tie_logits: Fact
    flips_beyond_near_tie: AtMost
    top5_set_changed_percent: AtMost
    slope_error: AtMost
    mean_error: AtMost
    column_error: AtMost
    image_slope_error: AtMost

    @property
    def distances(self) -> dict[str, float]:
        """How far a variant may lie off, by the bound's name: more is looser, cosines as 1 - cosine."""
        others = ("mean_cosine_distance", "max_abs_error", "top5_set_changed_percent", "slope_error", "mean_error")
        found = {name: getattr(self, name).at_most for name in (*others, "column_error", "image_slope_error")}
        return {"min_cosine": 1 - self.min_cosine.at_least, "near_tie_logits": self.near_tie_logits.value, **found}


@dataclass(frozen=True)
class Agreement(Entry):
    """One set of bounds for each arithmetic: float32 in onnxruntime, the simulator's fp16, a device's fp16, and int8,
    whose error is that of the quantisation wherever it is computed.

    `device_error_multiple` says how many times the simulator's error a device may have: its bounds follow from the
    simulator's by that, so that none refuses an error which the others allow (tools/judge/device_bounds.py).
    """

    onnx: LogitAgreement
    om_on_simulator: LogitAgreement
    device_error_multiple: Fact
    om_on_device: LogitAgreement
    int8: LogitAgreement

    def __post_init__(self) -> None:
        simulator, device = self.om_on_simulator.distances, self.om_on_device.distances
        check_device_bounds(simulator, device, self.device_error_multiple.value)

    def om(self, *, on_device: bool) -> LogitAgreement:
        """The bounds for an OM, where it runs."""
        return self.om_on_device if on_device else self.om_on_simulator


@dataclass(frozen=True)
class HostPerf(Entry):
    """How host throughput is measured and judged; seconds are never judged, only ratios inside one run.

    `onnx_to_torch` is the floor of onnxruntime's throughput over torch's at any batch size.
    """

    rounds: Rounds
    min_images_per_round: Positive
    onnx_to_torch: AtLeast


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

    `arithmetic` is int8 for OMs that are handed in and were quantised, where the ONNX file was not.

    Throughput of `dataset_batches` is measured over the data set, that of the others by pure inference (guide), unless
    a machine class has published figures of its own.
    """

    dataset_batches: tuple[Positive, ...]
    throughput_runs: ThroughputRuns
    reported_rate_error_percent: AtMost
    batch_invariance_abs_error: AtMost
    batch_invariance_abs_error_on_device: AtMost
    soc: PlainName | None = None
    atc_extra_args: tuple[str, ...] = ()
    arithmetic: Literal["float", "int8"] = "float"

    def __post_init__(self) -> None:
        check_flags(self.atc_extra_args)

    def batch_bound(self, *, on_device: bool) -> AtMost:
        """How far the batches of an OM may lie apart."""
        return self.batch_invariance_abs_error_on_device if on_device else self.batch_invariance_abs_error
