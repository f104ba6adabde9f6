"""The simulated msprof: runs an inference tool, and writes tables of the operators that a chip would have run.

Layout and columns are those of the release (fact sheet, section on profiling), names those that the compiler gives;
durations follow from each operator's work, scaled to the invented time of an execution."""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from tools.ascend.simulator import offline_model, op_tables
from tools.ascend.simulator.chips import execution_ms, present_chip
from tools.ascend.simulator.console import announce
from tools.ascend.simulator.faults import Fault, ordered
from tools.ascend.simulator.op_work import Operator, operators

EXIT_WRONG = 1
FLAGS = frozenset(("output", "application", "export", "task-time", "ai-core", "ascendcl", "model-execution", "type"))
WARM_UPS = {"ais_bench": 1, "benchmark": 0}
STAMP = "20260101000000000"


def main(argv: Sequence[str]) -> int:
    """Profile a command line, `--application="..."` or the words after the flags; its exit status where it fails."""
    announce("msprof")
    flags = {word[2:].partition("=")[0]: word.partition("=")[2] for word in argv if word.startswith("--")}
    unknown = sorted(set(flags) - FLAGS)
    words = shlex.split(flags.get("application", "")) or _trailing(argv)
    if unknown or "output" not in flags:
        print(f"[ERROR] unrecognized or missing argument: {', '.join(unknown) or '--output'}")
        return EXIT_WRONG
    if flags.get("export") == "on":
        print("[INFO] Export all data done.")
        return 0
    if not words:
        print("[ERROR] no application to profile")
        return EXIT_WRONG
    print("[INFO] Start profiling....", flush=True)
    status = subprocess.run(words, check=False).returncode
    print("[INFO] Profiling finished.")
    if status:
        return status
    _write(Path(flags["output"]), words)
    return 0


def _trailing(argv: Sequence[str]) -> list[str]:
    first = next((place for place, word in enumerate(argv) if not word.startswith("--")), len(argv))
    return list(argv[first:])


def _write(output: Path, words: Sequence[str]) -> None:
    """The folder of one profile below `output`."""
    om, executions, device = _asked(words)
    model = offline_model.read(om)
    found = _other(operators(model)) if ordered(Fault.MSPROF_OTHER_OM) else operators(model)
    folder = output / f"PROF_000001_{STAMP}_SIMULATED"
    (folder / f"device_{device}" / "data").mkdir(parents=True)
    tables = folder / "mindstudio_profiler_output"
    tables.mkdir()
    print(f"[INFO] Start export data in {folder.name}.")
    if not ordered(Fault.MSPROF_NO_TABLE):
        times = [1000 * execution_ms(present_chip(), model.batch, number) for number in range(1, executions + 1)]
        for kind, text in op_tables.tables(found, times, device).items():
            (tables / f"{kind}_{STAMP[:14]}.csv").write_text(text, encoding="utf-8")
    print(f"[INFO] Export all data in {folder.name} done.")
    print(f"[INFO] Process profiling data complete. Data is saved in {folder}")


def _asked(words: Sequence[str]) -> tuple[Path, int, int]:
    """The OM that the tool runs, how often, and on which device."""
    said = dict(itertools.pairwise(words))
    said |= {name: value for name, equals, value in (word.partition("=") for word in words) if equals}
    tool = "ais_bench" if "ais_bench" in words else "benchmark"
    om = said.get("--model") or said.get("-om_path", "")
    rounds = said.get("--loop") or said.get("-round", "1")
    device = said.get("--device") or said.get("-device_id", "0")
    return Path(om), int(rounds) + WARM_UPS[tool], int(device)


def _other(found: Sequence[Operator]) -> list[Operator]:
    """As if another network had been profiled: every layer has another name."""
    return [operator.renamed(f"{operator.name}_of_another") for operator in found]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
