"""Run an OM with whichever tool the target has, on one device or several: the one door for engines and gates."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools.ascend import ais_bench, benchmark
from tools.ascend.again import jpeg_lines, listing
from tools.ascend.runs import ONE_OUTPUT, DatasetRun, Outputs, Place, note_files, private_folder, ran_gate, require_file
from tools.ascend.shards import join_dumps, run_on_devices, shards
from tools.ascend.target import Target
from tools.base.errors import OmError
from tools.data.info import InfoRow, write_info
from tools.judge.texts.reading import InferTool, ThroughputReading

STAGED_FILE_MODE, STAGED_FOLDER_MODE = 0o640, 0o750


@dataclass(frozen=True)
class SharedRun:
    """A data-set run over one device or several: all dumps in one folder, and each device's own run."""

    dumps: Path
    parts: dict[int, DatasetRun]

    @property
    def readings(self) -> tuple[ThroughputReading, ...]:
        """Each device's reading over its own part, in the order of the devices; raises the first one's PerfError."""
        return tuple(run.reading for run in self.parts.values())


@dataclass(frozen=True)
class DatasetJob:
    """One OM over one data set: `bins` holds `<id>.bin` for every id (and may hold others), images are width x height
    at the model's input. Of its `outputs` the dumps of the judged one are kept. `work` and `logs` are private; the time
    limit holds for each tool process.

    Where there are `jpegs` the tool is given these files instead of bins, a row for every id, and the chip decodes and
    resizes them to width x height; `bins` is their folder.
    """

    om: Path
    bins: Path
    ids: tuple[str, ...]
    batch: int
    width: int
    height: int
    work: Path
    logs: Path
    timeout_seconds: float
    outputs: Outputs = ONE_OUTPUT
    jpegs: tuple[InfoRow, ...] = ()


def run_dataset(target: Target, job: DatasetJob, devices: Sequence[int]) -> SharedRun:
    """Share the images over the devices, run one tool process on each at the same time, and join the dumps.

    OmError (gate om.ran) when any of them fails; a bad perf text shows when `readings` are taken.
    """
    gate = ran_gate(job.batch)
    work = private_folder(job.work, gate)
    runs = run_on_devices(shards(job.ids, devices), lambda device, ids: _run_part(target, job, work, device, ids))
    dumps = join_dumps(runs, work / "dumps", gate=gate)
    return SharedRun(dumps, runs)


def run_pure(
    target: Target, *, om: Path, batch: int, device: int, work: Path, logs: Path, timeout_seconds: float
) -> ThroughputReading:
    """Executions alone on one device, as many as the tool's guide asks for."""
    place = Place(target.env, work, logs, timeout_seconds)
    note_files(logs, om=require_file(om, ran_gate(batch), "the OM"))
    if target.infer_tool is InferTool.BENCHMARK:
        return benchmark.run_pure(om=om, batch=batch, device=device, place=place)
    return ais_bench.run_pure(
        om=om,
        batch=batch,
        device=device,
        python=target.program,
        place=place,
        tells_own_batch=target.tells_own_batch,
    )


def stage_bins(bins: Path, ids: Sequence[str], into: Path, *, gate: str) -> Path:
    """Make `into` a folder of exactly these images for ais_bench, which takes a whole folder or nothing.

    Hard links where the file itself obeys the tool's path policy and lies on the same file system, else copies with
    mode 0640 (a link would share the mode).
    """
    into = private_folder(into, gate)
    into.chmod(STAGED_FOLDER_MODE)
    for image in ids:
        source, target = bins / f"{image}.bin", into / f"{image}.bin"
        try:
            _link_or_copy(source, target)
        except OSError as error:
            raise OmError(f"no bin for image {image}: {error.strerror}", gate=gate, where=source) from error
    return into


def _run_part(target: Target, job: DatasetJob, work: Path, device: int, ids: tuple[str, ...]) -> DatasetRun:
    place = Place(
        target.env,
        work / f"device{device}",
        job.logs / f"device{device}",
        job.timeout_seconds,
        jpeg_lines(job.bins, job.jpegs, ids) if job.jpegs else listing(job.bins, ids),
    )
    gate = ran_gate(job.batch)
    note_files(place.logs, om=require_file(job.om, gate, "the OM"))
    if target.infer_tool is InferTool.BENCHMARK:
        return _by_benchmark(job, work, device, ids, place)
    if job.jpegs:
        fix = "--infer-tool benchmark, the tool of CANN 5"
        raise OmError("ais_bench cannot have the chip decode JPEG files", gate=gate, fix=fix)
    return ais_bench.run_dataset(
        om=job.om,
        bins=stage_bins(job.bins, ids, place.work / "bins", gate=gate),
        batch=job.batch,
        device=device,
        python=target.program,
        expected_ids=ids,
        place=place,
        outputs=job.outputs,
    )


def _by_benchmark(job: DatasetJob, work: Path, device: int, ids: tuple[str, ...], place: Place) -> DatasetRun:
    info = work / f"device{device}.info"
    write_info(_rows(job, ids), info)
    return benchmark.run_dataset(
        om=job.om,
        info=info,
        info_base=work,
        batch=job.batch,
        device=device,
        width=job.width,
        height=job.height,
        expected_ids=ids,
        place=place,
        outputs=job.outputs,
        dvpp=bool(job.jpegs),
    )


def _rows(job: DatasetJob, ids: Sequence[str]) -> list[InfoRow]:
    """The lines of the .info list for these images."""
    if job.jpegs:
        rows = {row.id: row for row in job.jpegs}
        return [replace(rows[image], index=index) for index, image in enumerate(ids)]
    paths = [str((job.bins / f"{image}.bin").absolute()) for image in ids]
    return [InfoRow(index, path, job.width, job.height) for index, path in enumerate(paths)]


def _link_or_copy(source: Path, target: Path) -> None:
    if not ais_bench.path_policy_problems(source) and source.stat().st_dev == target.parent.stat().st_dev:
        target.hardlink_to(source)
        return
    shutil.copyfile(source, target)
    target.chmod(STAGED_FILE_MODE)
