"""The vendor's profiler over an inference tool: the tables of the operators that the chip ran, kept beside the streams.

What is profiled is slower than what is not: no throughput is taken from such a run.
"""

from __future__ import annotations

import functools
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tools.ascend import ais_bench, benchmark
from tools.ascend.runs import Place, note_files, private_folder, ran_gate, require_file, run_tool
from tools.ascend.target import Target
from tools.base.errors import PerfError
from tools.base.reading import small_file
from tools.judge.command_lines import APPLICATION, MSPROF
from tools.judge.device_numbers import VISIBLE
from tools.judge.ids import OM_PERF_OPERATORS
from tools.judge.logs import COLLECT
from tools.judge.op_profile import EXECUTIONS
from tools.judge.texts.op_summary import TABLE
from tools.judge.texts.reading import InferTool

EXPORT = "export"
FOLDER_MODE = 0o750
_PLAIN = re.compile(r"[A-Za-z0-9_/.=:+@%~,-]+")
"""What a word may hold that the profiler is to take apart from others at blanks."""


def profile_om(
    target: Target, *, om: Path, batch: int, device: int, work: Path, logs: Path, timeout_seconds: float
) -> dict[str, str]:
    """Execute an OM a few times under the profiler: its tables as texts by name, kept in `logs` too.

    PerfError where there is no profiler, it fails, or it leaves no table.
    """
    gate = OM_PERF_OPERATORS.at(batch)
    if target.env.get(VISIBLE):
        fix = f"unset {VISIBLE} and name the device with --device, or leave out --profile"
        raise PerfError(f"`{MSPROF}` is not to be combined with {VISIBLE}", gate=gate, fix=fix)
    if shutil.which(MSPROF, path=target.env.get("PATH", "")) is None:
        fix = "source the set_env.sh of a toolkit that has it (CANN 5 and later), or leave out --profile"
        raise PerfError(f"`{MSPROF}` is not on PATH, nothing was profiled", gate=gate, fix=fix)
    om = require_file(om, ran_gate(batch), "the OM")
    place = Place(target.env, private_folder(work / "run", gate), logs / COLLECT, timeout_seconds)
    output = place.work.parent / "profile"
    output.mkdir(mode=FOLDER_MODE)
    note_files(place.logs, om=om)
    command = _profiled(target, om, batch, device, place.work)
    run = functools.partial(run_tool, error=PerfError, gate=gate, where=om)
    argv = [MSPROF, f"--output={output}", f"{APPLICATION}={_in_one_word(command, gate)}"]
    prepare = [f"mkdir -p -m 750 {shlex.quote(str(output))}", ais_bench.NEW_FOLDERS]
    run(argv, place, prepare=prepare)
    if not _tables(output):
        again = replace(place, logs=logs / EXPORT)
        run([MSPROF, "--export=on", f"--output={output}"], again)
    found = {path.name: small_file(path).decode("utf-8", errors="replace") for path in _tables(output)}
    if not found:
        raise PerfError("the profiler left no table of operators", gate=gate, where=output)
    for name, text in found.items():
        (place.logs / name).write_text(text, encoding="utf-8")
    return found


def _profiled(target: Target, om: Path, batch: int, device: int, work: Path) -> list[str]:
    """The pure inference that is looked at."""
    if target.infer_tool is InferTool.BENCHMARK:
        return benchmark.pure_argv(target.program, om, batch, device, EXECUTIONS)
    own = None if target.tells_own_batch else batch
    return ais_bench.pure_argv(target.program, om, device, ais_bench.output_folder(work), EXECUTIONS, own)


def _in_one_word(command: Sequence[str], gate: str) -> str:
    odd = [word for word in command if not _PLAIN.fullmatch(word)]
    if odd:
        raise PerfError(
            "the profiler takes a command line apart at blanks, and this has odd characters",
            gate=gate,
            measured=repr(odd[0]),
            fix="use paths of letters, digits and _ / . -",
        )
    return " ".join(command)


def _tables(output: Path) -> list[Path]:
    """The tables of operators below the newest folder of a profile; where they lie in it varies by release."""
    folders = sorted(output.glob("PROF_*"), key=lambda path: path.stat().st_mtime_ns)
    below = folders[-1].rglob("*.csv") if folders else ()
    return sorted(path for path in below if TABLE.fullmatch(path.name) and path.is_file() and not path.is_symlink())
