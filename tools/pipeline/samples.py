"""Throughput samples with what they were measured on, so that no number stands without it (pytest-benchmark's file)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.judge.acceptance import Reused
from tools.judge.device import floor_word, slowest_rates
from tools.judge.evidence import Evidence
from tools.judge.machine_records import UNKNOWN, MachineRecord
from tools.judge.results import Verdict
from tools.judge.spec import Spec
from tools.judge.throughput import images_per_second
from tools.judge.throughput_records import DeviceThroughput, HostThroughput, ThroughputRun

OF_EACH = (
    "measured_utc and measured_on say it of each, machine_info and written_utc are of the run that wrote this file"
)


@dataclass(frozen=True)
class Samples:
    """Raw samples in seconds per image, and facts about them by name."""

    seconds_per_image: tuple[float, ...]
    facts: dict[str, object]


def measured_when(earlier: Reused | None) -> dict[str, object]:
    """Whether an earlier run has measured the samples, and when and on what host that was."""
    if earlier is None:
        return {"reused": False}
    return {"reused": True, "measured_utc": earlier.made_utc, "measured_on": earlier.made_on or UNKNOWN}


def dated(file: Mapping[str, Any]) -> dict[str, object]:
    """What a file of samples says of its own date: no younger than the oldest sample that was measured before."""
    said = [entry["extra_info"] for entry in file["benchmarks"]]
    earlier = [info["measured_utc"] for info in said if info.get("reused")]
    if not earlier:
        return {}
    return {
        "datetime": min(earlier),
        "written_utc": file["datetime"],
        "datetime_is": f"when the oldest of {len(earlier)} reused samples was measured; {OF_EACH}",
    }


def host_samples(found: HostThroughput, spec: Spec, verdict: Verdict) -> Samples:
    """onnxruntime's samples; torch's rate, the ratio and its floor stand beside them."""
    return Samples(
        found.candidate_seconds_per_image,
        {
            "engine": found.candidate,
            "batch": found.batch,
            "images_per_second": images_per_second(found.candidate_seconds_per_image),
            "torch_images_per_second": images_per_second(found.reference_seconds_per_image),
            "onnx_to_torch_median_ratio_of_a_round": found.ratio,
            "onnx_to_torch_floor": spec.host_perf.onnx_to_torch.at_least,
            "verdict": str(verdict),
        },
    )


def om_samples(found: DeviceThroughput, machine: MachineRecord, evidence: Evidence) -> Samples:
    """The vendor tool's samples of each run's slowest device.

    The figures are those of the run with the (lower) median rate, which is the one that the floor is held against.
    """
    slowest, simulated = _slowest(found), not evidence.on_device
    device = evidence.spec.device(machine.soc)
    published = device.published(found.batch) if device else None
    reading = sorted(slowest, key=_rate)[(len(slowest) - 1) // 2]
    rates = slowest_rates(found.runs)
    facts: dict[str, object] = {
        **machine.toolchain,
        "simulated": simulated,
        "mode": found.mode,
        "batch": found.batch,
        "device": reading.device,
        "samples_per_run": [len(run.seconds_per_image) for run in slowest],
        "images_per_second_per_chip_by_run": list(rates),
        "images_per_second_per_chip": _rate(reading),
        "images_per_second_per_card_derived": _rate(reading) * device.chips_per_card if device else None,
        "reported_images_per_second": reading.reported_images_per_second,
        "floor_images_per_second_per_chip": device.floor(published).at_least if device and published else None,
        "published_images_per_second_per_chip": published.images_per_second_per_chip.value if published else None,
        "verdict": str(floor_word(rates, device, found.batch, busy=found.busy, simulated=simulated)),
    }
    return Samples(tuple(seconds for run in slowest for seconds in run.seconds_per_image), facts)


def _slowest(found: DeviceThroughput) -> list[ThroughputRun]:
    """Each run's reading of its slowest device."""
    numbers = sorted({run.run for run in found.runs})
    return [min((run for run in found.runs if run.run == number), key=_rate) for number in numbers]


def _rate(run: ThroughputRun) -> float:
    return run.images_per_second_per_chip
