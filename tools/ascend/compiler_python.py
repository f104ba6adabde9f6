"""The Python of atc's operator compiler, and the environment that it is found in.

atc starts the `python3` of its PATH for operators that it compiles. Inside the suite's virtual environment that is the
suite's own, which has none of the compiler's packages and a numpy that CANN 8 cannot use: atc then dies with EC0010.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.base import process
from tools.base.files import scratch_folder

NUMPY_1 = "numpy<2"
NEEDED = ("numpy", "decorator", "attr", "psutil", "scipy")
"""Modules without which public reports show it failing; the vendor's installation guides list more."""
WITH_NUMPY_1 = re.compile(r"8\.[01](?![0-9])")
"""Releases whose operator compiler public reports show dying of numpy 2 (`np.float_` is gone); 9.1 ships numpy 2."""
NAMES = ("python3", *(f"python3.{minor}" for minor in range(7, 14)))
"""CANN documents Python 3.7 to 3.13."""
PROBE = f"""
import importlib.util, sys
for name in sys.argv[1:]:
    if importlib.util.find_spec(name.split("<")[0]) is None:
        print(name)
    elif name == "{NUMPY_1}":  # Python 3.7 has no importlib.metadata
        try:
            import numpy
            fits = int(numpy.__version__.split(".")[0]) < 2
        except Exception:
            fits = False
        print(*[] if fits else [name])
"""
PROBE_SECONDS = 60.0
SLOG = "ASCEND_SLOG_PRINT_TO_STDOUT"


def outside_own_environment(env: Mapping[str, str], prefix: Path | None = None) -> dict[str, str]:
    """The environment as it was before the suite's virtual environment (`prefix`, that of this interpreter) was
    activated; one of the user's own stays. Libraries are not told to print their log into a tool's output."""
    own = _own_environment() if prefix is None else prefix
    env = {name: value for name, value in env.items() if name != SLOG}
    if own is None:
        return env
    inside = {str(own / "bin"), str((own / "bin").resolve())}
    found = {name: value for name, value in env.items() if name not in _set_by(own, env)}
    if "PATH" in env:
        found["PATH"] = os.pathsep.join(folder for folder in env["PATH"].split(os.pathsep) if folder not in inside)
    return found


def _own_environment() -> Path | None:
    return Path(sys.prefix) if sys.prefix != sys.base_prefix else None


def _set_by(own: Path, env: Mapping[str, str]) -> frozenset[str]:
    """Variables that its activation has set."""
    active = env.get("VIRTUAL_ENV", "")
    ours = bool(active) and Path(active).resolve() == own.resolve()
    return frozenset(("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT")) if ours else frozenset()


def compiler_python_problem(env: Mapping[str, str], release: str | None = None) -> str:
    """What no Python on PATH has and a CANN release's operator compiler needs, in words; empty where one has all."""
    old = release is not None and WITH_NUMPY_1.match(release) is not None
    lacking = dict(_lacking(env, (NUMPY_1, *NEEDED[1:]) if old else NEEDED))
    if not lacking:
        return "there is no `python3` on PATH, which atc's operator compiler runs"
    best = min(lacking, key=lambda python: len(lacking[python]))
    missing = ", ".join(lacking[best])
    packages = shlex.join("attrs" if name == "attr" else name for name in lacking[best])
    return (
        f"{best} lacks {missing}, which atc's operator compiler needs: `{best} -m pip install {packages}`, or put the "
        "Python that CANN was installed with first on PATH"
        if missing
        else ""
    )


def _lacking(env: Mapping[str, str], needed: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each Python on PATH and what it lacks, up to the first that lacks nothing."""
    folders = [Path(folder) for folder in env.get("PATH", "").split(os.pathsep) if folder]
    for python in dict.fromkeys(str(folder / name) for name in NAMES for folder in folders):
        missing = _missing(python, env, needed) if os.access(python, os.X_OK) and Path(python).is_file() else None
        if missing is not None:
            yield python, missing
        if missing == ():
            return


def _missing(python: str, env: Mapping[str, str], needed: tuple[str, ...]) -> tuple[str, ...] | None:
    """The needed modules that an interpreter cannot find, None where it does not even start."""
    with scratch_folder("python-") as folder:
        argv = [python, "-c", PROBE, *needed]
        try:
            done = process.run(argv, cwd=folder, logs=folder / "logs", timeout_seconds=PROBE_SECONDS, env=env)
        except OSError:
            return None
    return tuple(done.stdout.split()) if done.returncode == 0 else None
