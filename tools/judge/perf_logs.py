"""Throughput from the rawest that a bundle holds: what the tool printed and stored in each run, below logs/perf-bsN/.

The record of a batch size is its logs: as many runs as the spec asks for, each with a log of its own, every figure read
again by the parser of the run. A log that the record leaves out, or a run without one, is named. There are no others: a
run that fails ends the measurement, it is not repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.judge import records
from tools.judge.bundle import Bundle
from tools.judge.differences import differences
from tools.judge.files import Refused
from tools.judge.layout import LOGS
from tools.judge.texts.perf_texts import PerfTextError
from tools.judge.texts.reading import InferTool, Mode, ThroughputReading
from tools.judge.texts.told import PURE_EXECUTIONS, STORED, Asked, Told, read_told
from tools.judge.throughput_records import DeviceThroughput, ThroughputRun

_RUN = re.compile(r"(?:run-[0-9]+-device[0-9]+|pure-[0-9]+)")
FIGURES = ("reported_images_per_second", "images_per_second_per_chip")


def log_name(run: int, mode: str, device: int) -> str:
    """The folder, below that of the batch size, in which a run's streams and figures are."""
    return f"pure-{run}" if mode == Mode.PURE.value else f"run-{run}-device{device}"


def check_perf_logs(bundle: Bundle, where: str, recorded: DeviceThroughput) -> None:
    """Collect what the logs of a batch size do not say as the record does."""
    folder = f"{LOGS}/perf-bs{recorded.batch}"
    _count(bundle, where, recorded)
    named = [log_name(run.run, run.mode, run.device) for run in recorded.runs]
    for left_out in sorted(_logged(bundle, folder).difference(named)):
        bundle.problems.append(f"{folder}/{left_out} is the log of a run that {where} leaves out")
    _told_twice(bundle, folder, recorded.runs)
    for number, (run, name) in enumerate(zip(recorded.runs, named)):
        _check_run(bundle, f"{where}.runs[{number}]", run, f"{folder}/{name}")


def _count(bundle: Bundle, where: str, recorded: DeviceThroughput) -> None:
    mode = bundle.spec.throughput_mode(bundle.machine().soc, recorded.batch)
    asked, made = bundle.spec.om.throughput_runs.of(mode), len({run.run for run in recorded.runs})
    if made != asked:
        bundle.problems.append(f"{where}.runs: {made} runs of a mode that is to be run {asked} times ({mode})")


def _logged(bundle: Bundle, folder: str) -> set[str]:
    """The runs of which there is a log, by the names of their folders."""
    below = f"{folder}/"
    names = (name[len(below) :].partition("/")[0] for name in bundle.files.digests if name.startswith(below))
    return {name for name in names if _RUN.fullmatch(name)}


def _told_twice(bundle: Bundle, folder: str, runs: Iterable[ThroughputRun]) -> None:
    """No two runs have one log: each has worked in a folder of its own, which its command names, and no two runs take
    the same times to the last digit that is printed."""
    seen: dict[tuple[str | None, ...], str] = {}
    for run in runs:
        name = log_name(run.run, run.mode, run.device)
        texts = ("stdout.txt", *(stored for tool, stored in STORED.items() if tool == run.tool))
        for files, said in ((("command.txt",), "is the log of {} again"), (texts, "says what {} has said")):
            digests = tuple(bundle.files.digests.get(f"{folder}/{name}/{file}") for file in files)
            if None not in digests and seen.setdefault(digests, name) != name:
                bundle.problems.append(f"{folder}/{name} {said.format(seen[digests])}")


def _check_run(bundle: Bundle, where: str, run: ThroughputRun, folder: str) -> None:
    """One recorded run against its log."""
    if run.tool not in list(InferTool):
        bundle.problems.append(f"{where}.tool: {run.tool!r} is no inference tool")
        return
    try:
        told = read_log(bundle, folder, run)
    except (PerfTextError, Refused) as error:
        bundle.problems.append(f"{where}: {folder}: {error}")
        return
    for figure in FIGURES:
        said = f"{where}.{figure}, {folder}"
        bundle.problems += differences(getattr(run, figure), getattr(told, figure), said)
    lines = differences(records.plain(run.seconds_per_image), records.plain(told.seconds_per_image), "")
    if lines:
        bundle.problems.append(f"{where}.seconds_per_image{lines[0]} from {folder} ({len(lines)} differ)")


def read_log(bundle: Bundle, folder: str, run: ThroughputRun) -> ThroughputReading:
    """What a run's log says; PerfTextError where it contradicts itself, Refused where a part of it is missing."""
    tool = InferTool(run.tool)
    console, stored = (
        bundle.files.read(f"{folder}/{name}").decode("utf-8", "replace") for name in ("stdout.txt", STORED[tool])
    )
    images = None if run.mode == Mode.PURE.value else run.images or 0
    if images == 0:
        raise PerfTextError("a run over the data set that saw no image")
    asked = Asked(tool, run.batch, run.device, images=images, executions=PURE_EXECUTIONS[tool])
    return read_told(Told(console, stored), asked)
