"""The published package ais_bench: which interpreter runs it, which generation it is, and what is not it.

The generations share one version number, so they are told apart by their `--help`. AISBench's benchmark of language
models (`pip install ais_bench_benchmark`) is a module of the same name and runs no OM.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.base import process
from tools.base.files import scratch_folder
from tools.base.process import Completed

MODULE = "ais_bench"
PROBE_SECONDS = 120.0
WHERE = f"""
import importlib.util
found = importlib.util.find_spec("{MODULE}")
print(*(found.submodule_search_locations or () if found else ()), sep="\\n")
"""
_TAKES_A_MODEL = re.compile(r"--model(?![-_\w])")  # the namesake has --models
_FIRST = re.compile(r"--om(?![-_\w])")
"""The first to run as a module (November 2022) has this second name of --model; none since is known to have it."""


@dataclass(frozen=True)
class AisBench:
    """An interpreter that runs `-m ais_bench`. `tells_own_batch`: without `--batchsize` the tool reads the OM's batch
    and prints it; the first generation takes 1, whatever the OM is."""

    python: Path
    tells_own_batch: bool


def interpreters(env: Mapping[str, str], *, named: Path | None = None) -> tuple[Path, ...]:
    """The interpreters in which ais_bench may live, in the order in which they are tried.

    `named` (`--ais-bench-python`) alone when given; else the suite's own, then `python3` on the PATH of `env`: the
    vendor's wheels are tied to the runner's Python and not to the suite's virtual environment.
    """
    if named is not None:
        return (named.absolute(),)
    on_path = [Path(folder) / "python3" for folder in env.get("PATH", "").split(os.pathsep) if folder]
    usable = [path for path in on_path if os.access(path, os.X_OK) and path.is_file()]
    return tuple(dict.fromkeys((Path(sys.executable), *(path.absolute() for path in usable))))


def find_ais_bench(env: Mapping[str, str], *, named: Path | None = None) -> AisBench | None:
    """The first interpreter that runs `-m ais_bench --help` in the child's environment, None when none does."""
    for python in interpreters(env, named=named):
        done = _asked(python, env, "-m", MODULE, "--help")
        if done is not None and done.returncode == 0 and _TAKES_A_MODEL.search(done.stdout):
            return AisBench(python, tells_own_batch=not _FIRST.search(done.stdout))
    return None


def namesake(env: Mapping[str, str], *, named: Path | None = None) -> Path | None:
    """The folder of AISBench's benchmark of language models where an interpreter has that as `ais_bench`, else None."""
    folders = [folder for python in interpreters(env, named=named) for folder in package_folders(python, env)]
    return next((path for path in folders if (path / "benchmark").is_dir() and not (path / "infer").is_dir()), None)


def is_given(env: Mapping[str, str], named: Path | None) -> bool:
    """Whether the user's PYTHONPATH or the interpreter that was named has a package ais_bench of its own."""
    entries = [Path(entry) / MODULE for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry]
    on_path = any((entry / name).is_file() for entry in entries for name in ("__init__.py", "__main__.py"))
    return on_path or (named is not None and bool(package_folders(named, env)))


def package_folders(python: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """Where an interpreter finds the module, without running it; none where it does not start."""
    done = _asked(python, env, "-c", WHERE)
    lines = done.stdout.splitlines() if done is not None and done.returncode == 0 else []
    return tuple(Path(line) for line in lines if line)


def _asked(python: Path, env: Mapping[str, str], *words: str) -> Completed | None:
    with scratch_folder("ais_bench-") as folder:
        try:
            return process.run(
                [python, *words], cwd=folder, logs=folder / "logs", timeout_seconds=PROBE_SECONDS, env=env
            )
        except OSError:  # not an interpreter that can be started: the next one is tried
            return None
