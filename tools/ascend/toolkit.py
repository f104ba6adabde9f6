"""What there is of Ascend on a host: devices, toolkit folders, variables, versions, and the pieces that are missing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.ascend import ais_package, benchmark
from tools.ascend.compiler_python import compiler_python_problem
from tools.base.reading import small_file
from tools.judge.texts.reading import InferTool

ASCEND_FOLDER = Path("usr/local/Ascend")
TOOLKIT_LINKS = ("cann", "ascend-toolkit/latest", "nnae/latest", "nnrt/latest", "latest")
"""`cann` from CANN 8.5 on, which keeps `ascend-toolkit/latest` as a link."""
OWN_VARIABLE = "ASCEND_SIMULATOR"
"""Prefix of the suite's own variables: no trace of a device."""
SIMULATED_RELEASE = "8.1"
"""The CANN whose atc the simulator speaks like, unless RELEASE_VARIABLE names another."""
RELEASE_VARIABLE = f"{OWN_VARIABLE}_CANN"


def traces(root: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Every trace of Ascend below `root` (`/` on a real host) and in the environment, in words; empty on a CPU box.

    One trace is enough to forbid a silent simulator.
    """
    found = [f"/{path.relative_to(root)}" for path in sorted(root.glob("dev/davinci*"))]
    for folder in _install_folders(root, env):
        found += [f"/{path.relative_to(root)}" for path in sorted(folder.glob("*"))]
    found += [
        f"variable {name}"
        for name, value in sorted(env.items())
        if name.startswith("ASCEND_") and not name.startswith(OWN_VARIABLE) and value
    ]
    return tuple(dict.fromkeys(found))


def cann_version(root: Path, env: Mapping[str, str]) -> str | None:
    """The CANN version of `ascend_toolkit_install.info` (`version=`), None where there is none.

    Else that of the compiler's `version.info` (`version_dir=`, for its `Version=` is an internal number), else the name
    of the folder `cann-<version>` that `cann` links to.
    """
    named = env.get("ASCEND_TOOLKIT_HOME") or env.get("ASCEND_HOME_PATH")
    homes = [root / named.lstrip("/")] if named else []
    homes += [folder / link for folder in _install_folders(root, env) for link in TOOLKIT_LINKS]
    for home in homes:
        for info in (*sorted(home.glob("*-linux/ascend_toolkit_install.info")), home / "ascend_toolkit_install.info"):
            if version := _value(info, "version"):
                return version
    return next((version for home in homes if (version := _version_beside(home))), None)


def _version_beside(home: Path) -> str | None:
    for info in (home / "compiler" / "version.info", *sorted(home.glob("*-linux/compiler/version.info"))):
        if version := _value(info, "version_dir"):
            return version
    named = re.fullmatch(r"cann-(\d[\w.\-]{0,40})", home.resolve().name) if home.is_dir() else None
    return None if named is None else named[1]


def driver_version(root: Path) -> str | None:
    """The driver's version (`Version=` in version.info), None where there is none."""
    return _value(root / ASCEND_FOLDER / "driver" / "version.info", "Version")


def missing_pieces(
    root: Path, env: Mapping[str, str], infer_tool: InferTool | None, ais_bench_python: Path | None = None
) -> tuple[str, ...]:
    """What a run on a device lacks here, each in words that say what to do.

    `infer_tool` None means that either inference tool will do.
    """
    found = []
    if not any(root.glob("dev/davinci[0-9]*")):
        found.append("no /dev/davinci* device on this host: run on a machine with an NPU, or map it into the container")
    if shutil.which("atc", path=env.get("PATH", "")) is None:
        found.append(f"`atc` is not on PATH: source {_set_env(root)}")
    if shutil.which("npu-smi", path=env.get("PATH", "")) is None:
        found.append("`npu-smi` is not on PATH: install the driver, or add /usr/local/sbin to PATH")
    if installed_tool(env, infer_tool, ais_bench_python) is None:
        found.append(no_tool(env, infer_tool, ais_bench_python))
    if not found and (
        problem := compiler_python_problem(env, cann_version(root, env))
    ):  # without atc nobody needs its compiler
        found.append(problem)
    return tuple(found)


@dataclass(frozen=True)
class InstalledTool:
    """An inference tool and its program (for ais_bench its interpreter); see AisBench for `tells_own_batch`."""

    tool: InferTool
    program: Path
    tells_own_batch: bool = True


def installed_tool(
    env: Mapping[str, str], asked: InferTool | None, ais_bench_python: Path | None = None
) -> InstalledTool | None:
    """The inference tool to use, None when what is asked is absent.

    With no preference the benchmark tool goes first: the guide's figures are its own, and where it is installed CANN
    is of its time.
    """
    if asked is not InferTool.AIS_BENCH and (binary := benchmark.find_binary(env)) is not None:
        return InstalledTool(InferTool.BENCHMARK, binary)
    if asked is not InferTool.BENCHMARK and (found := ais_package.find_ais_bench(env, named=ais_bench_python)):
        return InstalledTool(InferTool.AIS_BENCH, found.python, found.tells_own_batch)
    return None


def no_tool(env: Mapping[str, str], infer_tool: InferTool | None, ais_bench_python: Path | None = None) -> str:
    """That there is no such inference tool, and what to do; another program of the same name is told by its folder."""
    legacy = f"`{benchmark.binary_name()}` is not on PATH: add its folder to PATH"
    modern = "no Python here runs `-m ais_bench`: install aclruntime and ais_bench, or give --ais-bench-python"
    if infer_tool is not InferTool.BENCHMARK and (other := ais_package.namesake(env, named=ais_bench_python)):
        modern += (
            f" ({other} is AISBench's benchmark of language models, pip's ais_bench_benchmark: a module of the same "
            "name that runs no OM; uninstall it, or put the folder of the vendor's ais_bench first on PYTHONPATH)"
        )
    return {InferTool.BENCHMARK: legacy, InferTool.AIS_BENCH: modern, None: f"{legacy}; and {modern}"}[infer_tool]


def _set_env(root: Path) -> str:
    """The script that puts CANN on PATH, on a real host."""
    scripts = [ASCEND_FOLDER / name / "set_env.sh" for name in ("ascend-toolkit", "cann")]
    return f"/{next((script for script in scripts if (root / script).is_file()), scripts[0])}"


def _install_folders(root: Path, env: Mapping[str, str]) -> list[Path]:
    """Where CANN is installed: for all users, and in the home folder of one that is not root."""
    home = env.get("HOME", "").lstrip("/")
    return [root / ASCEND_FOLDER, *([root / home / "Ascend"] if home else [])]


def _value(info: Path, key: str) -> str | None:
    try:
        text = small_file(info).decode("utf-8", errors="replace")
    except OSError:  # absent, unreadable or huge: no version to state
        return None
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if separator and name.strip() == key and value.strip():
            return value.strip()
    return None
