"""Offline models: predictions and throughput by the vendor's tools, which read and write files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.ascend import inference
from tools.ascend.inference import DatasetJob, SharedRun
from tools.ascend.machine import Machine
from tools.ascend.npu_smi import NpuSmiError, watch
from tools.ascend.reading import Mode, ThroughputReading, card_images_per_second
from tools.dumps import read_logits
from tools.engines.predictions import Predictions
from tools.errors import OmError, PerfError
from tools.spec import Preprocessing, Spec

TOOL_TIMEOUT_SECONDS = 3 * 3600.0
"""The guide's slowest run, batch 1 over 50,000 images, takes 240 s; a hang must end within a working day's slot."""
IDLE_SAMPLES, SIMULATED_SAMPLES = 3, 1


@dataclass(frozen=True)
class Offline:
    """One OM with the images it is to see: `bins` holds `<id>.bin` for every id."""

    om: Path
    batch: int
    bins: Path
    ids: tuple[str, ...]
    recipe: Preprocessing
    classes: int


@dataclass(frozen=True)
class Measured:
    """Throughput of one OM: a reading for each device, and why a device was busy before or after (empty when idle)."""

    readings: tuple[ThroughputReading, ...]
    busy: tuple[str, ...]

    @property
    def slowest(self) -> ThroughputReading:
        """The reading of the slowest device: a floor per chip must hold on each."""
        return min(self.readings, key=lambda reading: reading.images_per_second_per_chip)

    @property
    def fastest(self) -> ThroughputReading:
        """The reading of the fastest device: what is too good to be true shows there first."""
        return max(self.readings, key=lambda reading: reading.images_per_second_per_chip)


@dataclass(frozen=True)
class OmRun:
    """A run over the data set: the predictions, and the throughput that the tool stated beside them."""

    predictions: Predictions
    shared: SharedRun
    busy: tuple[str, ...]

    def measured(self) -> Measured:
        """The throughput; PerfError when the tool's text contradicts itself (accuracy does not rest on it)."""
        return Measured(self.shared.readings, self.busy)


@dataclass(frozen=True)
class OmEngine:
    """Runs OMs on a machine; the tools' streams are kept in `logs`, their working folders are removed."""

    machine: Machine
    logs: Path

    def run(self, offline: Offline) -> OmRun:
        """Every image through the OM, shared over the devices; OmError or AccuracyError when an output is missing."""
        gate = f"om.accuracy.finite[bs{offline.batch}]"
        with _private_folder() as work:
            before = self._busy("before")
            shared = inference.run_dataset(self.machine.target, self._job(offline, work), self.machine.devices)
            logits = read_logits(shared.dumps, offline.ids, offline.classes, gate=gate)
        predictions = Predictions(f"om_bs{offline.batch}", offline.ids, logits)
        return OmRun(predictions, shared, before + self._busy("after"))

    def measure(self, offline: Offline, mode: Mode, *, tolerate_busy: bool) -> Measured:
        """Throughput over the data set on every device, or of pure inference on the first one.

        PerfError before anything is run when a device is busy, unless that is tolerated (and told in `busy`).
        """
        self._refuse_busy(offline.batch, tolerate=tolerate_busy)
        if mode is Mode.DATASET:
            return self.run(offline).measured()
        with _private_folder() as work:
            before = self._busy("before")
            reading = inference.run_pure(
                self.machine.target,
                om=offline.om,
                batch=offline.batch,
                device=self.machine.devices[0],
                work=work / "pure",
                logs=self.logs / "pure",
                timeout_seconds=TOOL_TIMEOUT_SECONDS,
            )
        return Measured((reading,), before + self._busy("after"))

    def _job(self, offline: Offline, work: Path) -> DatasetJob:
        return DatasetJob(
            om=offline.om,
            bins=offline.bins,
            ids=offline.ids,
            batch=offline.batch,
            width=offline.recipe.crop_px,
            height=offline.recipe.crop_px,
            work=work / "run",
            logs=self.logs / "run",
            timeout_seconds=TOOL_TIMEOUT_SECONDS,
        )

    def _refuse_busy(self, batch: int, *, tolerate: bool) -> None:
        reasons = () if tolerate else self._busy("first")
        if reasons:
            raise PerfError(
                f"the device is busy, nothing was measured: {'; '.join(reasons)}",
                gate=f"om.perf.device_idle[bs{batch}]",
                fix="end the other job, or take INCONCLUSIVE for an answer with --busy-device inconclusive",
            )

    def _busy(self, when: str) -> tuple[str, ...]:
        """Why any of the devices is busy at this moment, empty when all are idle."""
        samples = SIMULATED_SAMPLES if self.machine.simulated else IDLE_SAMPLES
        logs = self.logs / f"npu-smi-{when}"
        try:
            reasons = watch(self.machine.target.env, logs, self.machine.devices, samples=samples)
        except NpuSmiError as error:
            raise OmError(str(error), gate="om.device") from error
        return tuple(f"device {device}: {reason}" for device, found in reasons.items() for reason in found)


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A working folder of our own, removed at the end (dumps of 50,000 images are half a gigabyte of text)."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as folder:
        yield Path(folder)


def om_facts(reading: ThroughputReading, machine: Machine, spec: Spec) -> dict[str, object]:
    """What pytest-benchmark keeps beside a reading, so that no number stands without what it was measured on."""
    device = spec.device(machine.soc)
    published = device.published(reading.batch) if device else None
    return {
        **machine.toolchain,
        "simulated": machine.simulated,
        "mode": str(reading.mode),
        "batch": reading.batch,
        "device": reading.device,
        "samples": len(reading.seconds_per_image),
        "images_per_second_per_chip": reading.images_per_second_per_chip,
        "images_per_second_per_card_derived": card_images_per_second(reading, device.chips_per_card)
        if device
        else None,
        "reported_images_per_second": reading.reported_images_per_second,
        "floor_images_per_second_per_chip": device.floor(published).at_least if device and published else None,
        "published_images_per_second_per_chip": published.images_per_second_per_chip.value if published else None,
    }
