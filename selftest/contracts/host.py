"""The host whose tools are put to the test: the simulator, or with ACCEPTANCE_TARGET=ascend this host's CANN.

Tools are reached by PATH alone; every command and both its streams are kept below ACCEPTANCE_CONTRACT_LOGS.
"""

from __future__ import annotations

import itertools
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIMULATOR = ROOT / "tools" / "ascend" / "simulator"
BENCHMARK = f"benchmark.{'aarch64' if platform.machine() == 'aarch64' else 'x86_64'}"
SECONDS = {"ascend": 1800.0, "simulator": 120.0}


@dataclass
class Host:
    """Where the tools come from: `env` is what they run in, `soc` the chip to compile for."""

    target: str
    env: dict[str, str]
    python: str
    logs: Path
    soc: str = "Ascend310"
    calls: itertools.count[int] = field(default_factory=itertools.count)

    def run(
        self, tool: str, *args: str | Path, cwd: Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a tool to its end; `ais_bench` stands for `<its Python> -m ais_bench`."""
        program = [self.python, "-m", "ais_bench"] if tool == "ais_bench" else [self.require(tool)]
        argv = [*program, *map(str, args)]
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**self.env, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS[self.target],
        )
        self._keep(tool, argv, done)
        return done

    def require(self, tool: str) -> str:
        """The tool's path; without it the test fails, or for an inference tool that CANN lacks is skipped."""
        path = shutil.which(tool, path=self.env["PATH"])
        if path is None and tool == BENCHMARK:
            pytest.skip(f"{tool} is not on PATH: CANN of 2022 and later has ais_bench instead")
        if path is None:
            pytest.fail(f"{tool} is not on PATH: source set_env.sh of CANN, or unset ACCEPTANCE_TARGET")
        return path

    def has_ais_bench(self) -> bool:
        """Whether `<python> -m ais_bench --help` works."""
        argv = [self.python, "-m", "ais_bench", "--help"]
        return subprocess.run(argv, env=self.env, capture_output=True, timeout=60).returncode == 0

    def _keep(self, tool: str, argv: list[str], done: subprocess.CompletedProcess[str]) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        test = re.sub(r"[^A-Za-z0-9_.-]+", "_", os.environ.get("PYTEST_CURRENT_TEST", "session").split("::")[-1])
        text = f"{argv}\nexit status {done.returncode}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}\n"
        (self.logs / f"{test}-{next(self.calls)}-{tool}.txt").write_text(text, encoding="utf-8")


def open_host() -> Host:
    """The host that ACCEPTANCE_TARGET asks for."""
    target = "ascend" if os.environ.get("ACCEPTANCE_TARGET") == "ascend" else "simulator"
    logs = Path(os.environ.get("ACCEPTANCE_CONTRACT_LOGS", ROOT / "build" / "contracts" / target))
    if target == "simulator":
        return simulator_host(logs)
    host = Host(target, dict(os.environ), os.environ.get("ACCEPTANCE_AIS_BENCH_PYTHON", "python3"), logs)
    host.soc = os.environ.get("ACCEPTANCE_SOC") or _soc_of(host)
    return host


def simulator_host(logs: Path) -> Host:
    """The simulator in front of PATH; nothing of this process's own orders for it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ASCEND_SIMULATOR")}
    env["PATH"] = f"{SIMULATOR / 'bin'}{os.pathsep}{env.get('PATH', '')}"
    env["PYTHONPATH"] = os.pathsep.join((str(SIMULATOR / "site"), str(SIMULATOR / "site_ais_bench")))
    env["ASCEND_SIMULATOR_PYTHON"] = sys.executable
    return Host("simulator", env, sys.executable, logs)


def _soc_of(host: Host) -> str:
    text = host.run("npu-smi", "info", cwd=Path.cwd()).stdout
    found = re.search(r"^\|\s*\d+\s+(310P\d|310B\d|310|910\w*)\s*\|", text, re.MULTILINE)
    if found is None:
        pytest.fail(f"no chip name in the npu-smi table, set ACCEPTANCE_SOC:\n{text}")
    return f"Ascend{found[1]}"
