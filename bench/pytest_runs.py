"""What pytest itself costs: collecting the suite's tests against a run of nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.measure import in_turn
from bench.rows import Row, Setting
from tools.spec import ROOT

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


def _pytest(folder: Path, compiled: Path, *words: str, expected: int) -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    argv += [word for name in DEVELOPERS_PLUGINS for word in ("-p", f"no:{name}")]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(compiled)}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != expected:
        raise RuntimeError(f"{argv} in {folder} gave {done.returncode}: {done.stdout}{done.stderr}")
