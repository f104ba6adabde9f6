"""The inference tool of CANN 5.x, `benchmark.x86_64` / `benchmark.aarch64`: data-set runs and pure inference.

It is closed; what it does is taken from the guide, the model zoo's READMEs and its open ancestor. It writes below its
working folder, never clears old results, drops a batch after an `[ERROR]`, and may hang at the end: hence a private
folder, a time limit, and a count of what came out.
"""

from __future__ import annotations

import functools
import platform
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tools.ascend.runs import (
    ONE_OUTPUT,
    DatasetRun,
    Outputs,
    Place,
    outcome,
    private_folder,
    ran_gate,
    reading,
    reading_gate,
    require_file,
    run_tool,
)
from tools.base.errors import OmError, PerfError, PreprocessingError
from tools.base.reading import small_file
from tools.data.info import InfoRow, read_info, write_info
from tools.judge.handover import handover
from tools.judge.ids import PREPROCESSING_INFO
from tools.judge.texts.reading import InferTool, ThroughputReading
from tools.judge.texts.told import PURE_EXECUTIONS, Asked

PURE_ROUNDS = PURE_EXECUTIONS[InferTool.BENCHMARK]
MOST_ROUNDS = 1024
"""The tool takes a `-round` of 1 to 1024."""
MODEL_TYPE = "vision"
INFO = "input.info"


def binary_name() -> str:
    """The tool's file name on this machine, as the vendor's scripts choose it by `uname -m`."""
    machine = platform.machine().lower()
    return f"benchmark.{'aarch64' if machine in ('aarch64', 'arm64') else 'x86_64'}"


def find_binary(env: Mapping[str, str]) -> Path | None:
    """The tool on the PATH of `env`, None when it is not there."""
    found = shutil.which(binary_name(), path=env.get("PATH", ""))
    return None if found is None else Path(found).absolute()


def run_dataset(
    *,
    om: Path,
    info: Path,
    batch: int,
    device: int,
    width: int,
    height: int,
    expected_ids: Iterable[str],
    info_base: Path,
    place: Place,
    outputs: Outputs = ONE_OUTPUT,
    dvpp: bool = False,
) -> DatasetRun:
    """Run the OM over the images of `info` in the private folder `place.work`.

    With `dvpp` these are JPEG files, each with its own size, which the chip decodes and resizes to width x height;
    without they are bins, whose lines say width x height.
    Dumps are `<id>_1.bin`, `_2` of a second output.
    `info_base` is where relative paths of `info` start. OmError when the tool fails or an image has no dump; a bad
    perf file shows in the run's `reading`.
    """
    gate = ran_gate(batch)
    om = require_file(om, gate, "the OM")
    ids = tuple(expected_ids)
    rows = _rows(info, info_base, ids, None if dvpp else (width, height))
    work = private_folder(place.work, gate)
    write_info(rows, work / INFO)
    argv = _dataset_argv(_binary(place.env, gate), om, batch, device, (width, height), dvpp=dvpp)
    lines = "" if dvpp else f" | awk '{{print NR-1, $0, {width}, {height}}}'"
    prepare = [f"{place.images}{lines} > {INFO}"] if place.images else []
    done = run_tool(argv, place, error=OmError, gate=gate, where=om, prepare=prepare)
    dumps = work / "result" / f"dumpOutput_device{device}"
    outputs.take(dumps, lambda number: [f"{name}_{number}.bin" for name in ids], 1, batch=batch, completed=done)
    perf = work / "result" / f"perf_{MODEL_TYPE}_batchsize_{batch}_device_{device}.txt"
    asked = Asked(InferTool.BENCHMARK, batch, device, images=len(ids), executions=0)
    stored = functools.partial(_only_text, perf)
    return DatasetRun(dumps, done, outcome(stored, done, asked, place=place, where=perf))


def _dataset_argv(binary: Path, om: Path, batch: int, device: int, size: tuple[int, int], *, dvpp: bool) -> list[str]:
    """The guide's command, but for dumps that are binary and exact: its texts have 6 decimals."""
    return [
        str(binary),
        f"-model_type={MODEL_TYPE}",
        f"-batch_size={batch}",
        f"-device_id={device}",
        f"-om_path={om}",
        f"-input_text_path={INFO}",
        f"-input_width={size[0]}",
        f"-input_height={size[1]}",
        f"-useDvpp={str(dvpp).lower()}",
        "-output_binary=true",
    ]


def run_pure(
    *,
    om: Path,
    batch: int,
    device: int,
    place: Place,
    rounds: int = PURE_ROUNDS,
) -> ThroughputReading:
    """Executions alone, on inputs that the tool leaves unset; the guide takes batches 4, 8 and 32 from it."""
    gate = reading_gate(batch)
    if not 1 <= rounds <= MOST_ROUNDS:
        raise PerfError("-round is out of range", gate=gate, measured=rounds, allowed=f"1 to {MOST_ROUNDS}")
    om = require_file(om, ran_gate(batch), "the OM")
    work = private_folder(place.work, ran_gate(batch))
    argv = pure_argv(_binary(place.env, gate), om, batch, device, rounds)
    done = run_tool(argv, place, error=PerfError, gate=gate, where=om)
    perf = work / "result" / f"PureInfer_perf_of_{om.stem}_in_device_{device}.txt"
    asked = Asked(InferTool.BENCHMARK, batch, device, images=None, executions=rounds)
    return reading(functools.partial(_only_text, perf), done, asked, place=place, where=perf)


def pure_argv(binary: Path, om: Path, batch: int, device: int, rounds: int) -> list[str]:
    """The command of executions alone."""
    flags = (f"-round={rounds}", f"-om_path={om}", f"-device_id={device}", f"-batch_size={batch}")
    return [str(binary), *flags]


def _rows(info: Path, base: Path, ids: Sequence[str], size: tuple[int, int] | None) -> list[InfoRow]:
    """The rows of `info` with absolute paths: exactly the expected images, there, and of width x height `size`, that of
    the model's input, where one is given.

    The tool names a dump after the file name up to its LAST dot, so that is compared with the ids.
    """
    refuse = functools.partial(PreprocessingError, gate=PREPROCESSING_INFO, where=info)
    rows = [InfoRow(row.index, str(base.absolute() / row.path), row.width, row.height) for row in read_info(info)]
    compared = handover("the data set", ids, "the .info file", (Path(row.path).stem for row in rows))
    if not compared.conserved:
        raise refuse(f"not the .info file of this data set: {compared}")
    for row in rows:
        if not Path(row.path).is_file():
            raise refuse(f"lists {row.path}, which is not there")
        if size is not None and (row.width, row.height) != size:
            raise refuse(
                f"gives {row.path} another size than the model's input",
                measured=f"{row.width} x {row.height}",
                allowed=f"{size[0]} x {size[1]}",
            )
    return rows


def _binary(env: Mapping[str, str], gate: str) -> Path:
    found = find_binary(env)
    if found is None:
        raise OmError(
            f"`{binary_name()}` is not on PATH", gate=gate, fix="add the folder that holds it to PATH (CANN 5.x)"
        )
    return found


def _only_text(perf: Path) -> str:
    """The perf file of exactly this run; one of another batch or device beside it means that runs are mixed."""
    found = sorted(entry.name for entry in perf.parent.iterdir() if "perf_" in entry.name)
    if found != [perf.name]:
        raise FileNotFoundError(f"expected only {perf.name}, found {', '.join(found[:5]) or 'no perf file'}")
    return small_file(perf).decode("utf-8", errors="replace")
