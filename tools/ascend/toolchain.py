"""What an OM and its results depend on beside their inputs: compiler, inference tool, driver, or the simulator."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.ascend.target import SIMULATOR, SIMULATOR_PYTHON, Target, TargetKind
from tools.ascend.toolkit import OWN_VARIABLE, cann_version, driver_version
from tools.base import process
from tools.base.errors import OmError
from tools.base.files import scratch_folder, sha256_of
from tools.judge.ids import OM_TOOLKIT
from tools.judge.texts.reading import InferTool
from tools.model.operators import TABLE

GATE = OM_TOOLKIT
PROBE_SECONDS = 120.0
PACKAGES = """
import hashlib, importlib.util, pathlib
for name in ("ais_bench", "aclruntime"):
    spec, digest = importlib.util.find_spec(name), hashlib.sha256()
    places = [] if spec is None else spec.submodule_search_locations or [spec.origin]
    for place in map(pathlib.Path, places):
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        for path in files:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    print(name, digest.hexdigest())
"""
"""Digests of what `python -m ais_bench` runs, taken by its own interpreter: an upgrade need not touch that one."""


def toolchain(target: Target, root: Path, run: str) -> dict[str, str]:
    """Name to version or digest, for keys and evidence; OmError when ais_bench's packages cannot be looked at.

    Where CANN states no version, nobody can tell whether it changed: results are of this `run` alone. npu-smi comes
    with the driver, and stands in for a driver's version that cannot be seen, as in a container.
    """
    described = {"target": str(target.kind), "tool": str(target.infer_tool)}
    if target.kind is TargetKind.SIMULATOR:
        return {**described, "simulator": _simulator_digest(), **_simulator_settings(target.env), **_packages(target)}
    return {
        **described,
        "program": sha256_of(target.program.resolve()),
        **_programs(target.env),
        **_packages(target),
        "cann": cann_version(root, target.env) or f"unknown, run {run}",
        "driver": driver_version(root) or "unknown",
    }


def _programs(env: Mapping[str, str]) -> dict[str, str]:
    """Digests of the vendor's programs on PATH, and of `atc.bin` beside an `atc` that is a script which calls it."""
    found = {name: shutil.which(name, path=env.get("PATH", "")) for name in ("atc", "npu-smi")}
    paths = {name: Path(place).resolve() for name, place in found.items() if place is not None}
    if "atc" in paths:
        paths["atc.bin"] = paths["atc"].with_name("atc.bin")
    return {name: sha256_of(path) for name, path in paths.items() if path.is_file()}


def _packages(target: Target) -> dict[str, str]:
    """Digests of what ais_bench runs, where that is the tool."""
    if target.infer_tool is not InferTool.AIS_BENCH:
        return {}
    with scratch_folder("packages-") as folder:
        argv, logs = [str(target.program), "-c", PACKAGES], folder / "logs"
        done = process.run(argv, cwd=folder, logs=logs, timeout_seconds=PROBE_SECONDS, env=target.env)
    lines = [line.split(" ") for line in done.stdout.splitlines()]
    if done.returncode != 0 or [line[0] for line in lines] != ["ais_bench", "aclruntime"]:
        raise OmError(
            f"the packages of ais_bench cannot be looked at: {done.stderr.strip()[-200:]}",
            gate=GATE,
            where=target.program,
            measured=f"exit code {done.returncode}",
            fix="name an interpreter with both packages with --ais-bench-python",
        )
    return {line[0]: line[1] for line in lines}


def _simulator_settings(env: Mapping[str, str]) -> dict[str, str]:
    """What was ordered of the simulator (chip, flavour, rates, faults), without the places it works in."""
    places = (SIMULATOR_PYTHON, f"{OWN_VARIABLE}_STATE", OWN_VARIABLE)
    return {name: value for name, value in env.items() if name.startswith(OWN_VARIABLE) and name not in places}


def _simulator_digest() -> str:
    """Digest of the simulator's programs and its table: what they make depends on them as on a CANN version."""
    files = sorted(path for path in SIMULATOR.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    lines = [*(f"{path.relative_to(SIMULATOR)} {sha256_of(path)}" for path in files), f"table {sha256_of(TABLE)}"]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
