"""Offline models: predictions and throughput by the vendor's tools, which read and write files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tools.ascend import inference
from tools.ascend.dumps import read_logits
from tools.ascend.inference import DatasetJob, SharedRun
from tools.ascend.machine import Machine
from tools.ascend.npu_smi import watch
from tools.ascend.runs import ONE_OUTPUT, Outputs
from tools.ascend.turns import device_turn
from tools.base.errors import OmError, PerfError
from tools.base.files import scratch_folder
from tools.data.info import InfoRow
from tools.engines.predictions import Predictions, differences
from tools.judge.facts import RunOutputs
from tools.judge.ids import OM_DEVICE, OM_PERF_DEVICE_IDLE, om
from tools.judge.npu_smi import IDLE_SAMPLES, MOST_LAGGING, NpuSmiError
from tools.judge.spec import Preprocessing
from tools.judge.texts.reading import Mode, ThroughputReading

TOOL_TIMEOUT_SECONDS = 3 * 3600.0
"""The guide's slowest run, batch 1 over 50,000 images, takes 240 s; a hang must end within a working day's slot."""
SIMULATED_SAMPLES = 1
SCRATCH = "acceptance-"
"""Working folders, removed after use: the dumps of 50,000 images are half a gigabyte of text."""


@dataclass(frozen=True)
class Offline:
    """One OM with the images it is to see: `bins` holds `<id>.bin` for every id, `dtype` is that of its output.

    Where the chip decodes, `jpegs` has a row of the .info list for each of them, and `bins` is their folder.
    """

    om: Path
    batch: int
    bins: Path
    ids: tuple[str, ...]
    recipe: Preprocessing
    classes: int
    dtype: str = "float32"
    outputs: Outputs = ONE_OUTPUT
    jpegs: tuple[InfoRow, ...] = ()


@dataclass(frozen=True)
class Measured:
    """Throughput of one OM, run after run: a reading for each device, and why a device was busy before or after one
    of the runs (empty when idle); of runs over the data set also what their outputs were."""

    runs: tuple[tuple[ThroughputReading, ...], ...]
    busy: tuple[str, ...]
    outputs: tuple[RunOutputs, ...] = ()

    @property
    def slowest(self) -> tuple[ThroughputReading, ...]:
        """Each run's reading of its slowest device: a floor per chip must hold on each."""
        return tuple(min(readings, key=_rate) for readings in self.runs)

    @property
    def images_per_second_per_chip(self) -> tuple[float, ...]:
        """The rate of each run on its slowest device."""
        return tuple(_rate(reading) for reading in self.slowest)


def _rate(reading: ThroughputReading) -> float:
    return reading.images_per_second_per_chip


@dataclass(frozen=True)
class ToolReport:
    """What the tool reported of a run over the data set, read when it is asked for."""

    shared: SharedRun
    busy: tuple[str, ...]

    def measured(self) -> Measured:
        """The throughput; PerfError when the tool's text contradicts itself (accuracy does not rest on it)."""
        return Measured((self.shared.readings,), self.busy)


@dataclass(frozen=True)
class Asked:
    """How throughput is to be measured: over the data set on every device, or by pure inference on the first one.

    `known` is a run over the data set that was made already and counts as the first of `runs`; `judged` are the
    predictions that accuracy is judged by, which every run over the data set must give again.
    """

    mode: Mode
    runs: int
    tolerate_busy: bool
    known: ToolReport | None = None
    judged: Predictions | None = None


@dataclass(frozen=True)
class OmRun:
    """A run over the data set: the predictions, and what the tool reported beside them."""

    predictions: Predictions
    report: ToolReport


@dataclass(frozen=True)
class OmEngine:
    """Runs OMs on a machine; the tools' streams are kept in `logs`, their working folders are removed.

    Engines with the same `locks` take turns on a device: a run beside another one would measure neither.
    """

    machine: Machine
    logs: Path
    locks: Path

    def run(self, offline: Offline, number: int = 1) -> OmRun:
        """Every image through the OM, shared over the devices; OmError or AccuracyError when an output is missing.

        `number` counts the runs of one OM and names their logs.
        """
        with device_turn(self.machine, self.locks):
            return self._run(offline, number)

    def _run(self, offline: Offline, number: int) -> OmRun:
        gate = om(offline.batch).gate("finite")
        with scratch_folder(SCRATCH) as work:
            before = self._busy(f"before-{number}")
            shared = inference.run_dataset(self.machine.target, self._job(offline, work, number), self.machine.devices)
            logits = read_logits(shared.dumps, offline.ids, offline.classes, gate=gate, dtype=offline.dtype)
        predictions = Predictions(om(offline.batch), offline.ids, logits)
        return OmRun(predictions, ToolReport(shared, before + self._busy(f"after-{number}", lagging=MOST_LAGGING)))

    def measure(self, offline: Offline, asked: Asked) -> Measured:
        """Throughput, run after run.

        PerfError before a run when a device is busy, unless that is tolerated (and named in `busy`); ValueError for
        runs over the data set without predictions to hold them against.
        """
        if asked.mode is Mode.DATASET and asked.judged is None:
            raise ValueError("outputs of a throughput run need the predictions that they must give again")
        done = []
        if asked.mode is Mode.DATASET and asked.known is not None:
            own = RunOutputs(run=1, images=len(offline.ids), differing=0, largest=0.0)
            done.append(replace(asked.known.measured(), outputs=(own,)))
        for number in range(len(done) + 1, asked.runs + 1):
            with device_turn(self.machine, self.locks):
                done.append(self._measure(offline, asked, number))
        return Measured(
            runs=tuple(run for measured in done for run in measured.runs),
            busy=tuple(dict.fromkeys(reason for measured in done for reason in measured.busy)),
            outputs=tuple(outputs for measured in done for outputs in measured.outputs),
        )

    def _measure(self, offline: Offline, asked: Asked, number: int) -> Measured:
        self._refuse_busy(offline.batch, number, tolerate=asked.tolerate_busy)
        if asked.judged is not None:
            done = self._run(offline, number)
            differing, largest = differences(asked.judged, done.predictions)
            outputs = RunOutputs(number, len(done.predictions.ids), differing, largest)
            return replace(done.report.measured(), outputs=(outputs,))
        with scratch_folder(SCRATCH) as work:
            before = self._busy(f"before-{number}")
            reading = inference.run_pure(
                self.machine.target,
                om=offline.om,
                batch=offline.batch,
                device=self.machine.devices[0],
                work=work / "pure",
                logs=self.logs / f"pure-{number}",
                timeout_seconds=TOOL_TIMEOUT_SECONDS,
            )
        return Measured(((reading,),), before + self._busy(f"after-{number}", lagging=MOST_LAGGING))

    def _job(self, offline: Offline, work: Path, number: int) -> DatasetJob:
        return DatasetJob(
            om=offline.om,
            bins=offline.bins,
            ids=offline.ids,
            batch=offline.batch,
            width=offline.recipe.pixels_size[1],
            height=offline.recipe.pixels_size[0],
            work=work / "run",
            logs=self.logs / f"run-{number}",
            timeout_seconds=TOOL_TIMEOUT_SECONDS,
            outputs=offline.outputs,
            jpegs=offline.jpegs,
        )

    def _refuse_busy(self, batch: int, number: int, *, tolerate: bool) -> None:
        reasons = () if tolerate else self._busy(f"first-{number}")
        if reasons:
            raise PerfError(
                f"the device is not idle and healthy, nothing was measured: {'; '.join(reasons)}",
                gate=OM_PERF_DEVICE_IDLE.at(batch),
                fix="end the other job, or take INCONCLUSIVE for an answer with --busy-device inconclusive",
            )

    def _busy(self, when: str, *, lagging: int = 0) -> tuple[str, ...]:
        """Why any of the devices is busy at this moment, empty when all are idle.

        After a run of one's own its load may still be shown by as many as `lagging` samples.
        """
        samples = SIMULATED_SAMPLES if self.machine.simulated else IDLE_SAMPLES
        logs = self.logs / f"npu-smi-{when}"
        try:
            reasons = watch(
                self.machine.target.env,
                logs,
                self.machine.devices,
                numbering=self.machine.numbering,
                samples=samples,
                lagging=lagging,
                idle_memory_mb=self.machine.idle_memory_mb,
            )
        except NpuSmiError as error:
            raise OmError(str(error), gate=OM_DEVICE) from error
        named = self.machine.numbering.named
        return tuple(f"{named(device)}: {reason}" for device, found in reasons.items() for reason in found)
