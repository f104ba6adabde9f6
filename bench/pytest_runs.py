"""Whole runs of pytest: collecting against a run of nothing, a verdict again against the first one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.measure import Rounds, in_turn, timed
from bench.rows import Row, Setting
from tools.base.files import ROOT

DEVELOPERS_PLUGINS = ("hypothesispytest", "random_order")


def measure_collecting(setting: Setting) -> list[Row]:
    """`pytest --collect-only` here, against the same pytest with the same plugins in an empty folder.

    Plugins that only the suite's developers have are left out of both, and compiled modules are kept between rounds.
    """
    empty, compiled = setting.fresh("no-tests"), setting.fresh("compiled")
    rounds = in_turn(
        {
            "nothing": lambda: _pytest(empty, compiled, "--rootdir=.", expected=5),
            "collected": lambda: _pytest(ROOT, compiled, "--sample", "--collect-only", expected=0),
        },
        setting.rounds,
    )
    ratio = rounds.ratio("collected", "nothing")
    return [Row("pytest --collect-only, time taken", "pytest in an empty folder", ratio, 2.0, at_most=True)]


def measure_reruns(setting: Setting) -> list[Row]:
    """The acceptance on the sample over what an earlier run kept, against that run, which found an empty cache."""
    compiled = setting.fresh("compiled")

    def accept() -> None:
        folder = setting.scratch / "rerun"
        kept = (f"--cache={folder / 'cache'}", f"--evidence={folder / 'evidence'}")
        _pytest(ROOT, compiled, "--sample", "--target=simulator", *kept, expected=0)

    def first() -> None:
        setting.fresh("rerun")
        accept()

    pairs = [(timed(first), timed(accept)) for _ in range(setting.rounds)]
    rounds = Rounds({"first": [cold for cold, _ in pairs], "again": [again for _, again in pairs]})
    return [Row("verdict on the sample again, nothing changed", "the first run", rounds.ratio("first", "again"), 20.0)]


def _pytest(folder: Path, compiled: Path, *words: str, expected: int) -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    argv += [word for name in DEVELOPERS_PLUGINS for word in ("-p", f"no:{name}")]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(compiled)}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != expected:
        raise RuntimeError(f"{argv} in {folder} gave {done.returncode}: {done.stdout}{done.stderr}")
