"""Where OMs are compiled and run: on Ascend, or on the simulator; never on the simulator by accident."""

from __future__ import annotations

import enum
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tools.ascend import ais_package
from tools.ascend.benchmark import binary_name
from tools.ascend.compiler_python import outside_own_environment
from tools.ascend.toolkit import OWN_VARIABLE, InstalledTool, installed_tool, missing_pieces, no_tool, traces
from tools.base.errors import OmError
from tools.judge.ids import OM_TOOLKIT
from tools.judge.texts.reading import InferTool

GATE = OM_TOOLKIT
SIMULATOR = Path(__file__).resolve().parent / "simulator"
SIMULATOR_BIN, SIMULATOR_SITE = SIMULATOR / "bin", SIMULATOR / "site"
SIMULATOR_AIS_BENCH = SIMULATOR / "site_ais_bench"
SITE_ENDINGS = frozenset(folder.parts[-4:] for folder in (SIMULATOR_SITE, SIMULATOR_AIS_BENCH))
SIMULATOR_PYTHON = f"{OWN_VARIABLE}_PYTHON"
"""The variable that tells the simulator's programs which interpreter to run in."""
AUTO = "auto"


class TargetKind(enum.StrEnum):
    """The two places; one code path serves both."""

    ASCEND = "ascend"
    SIMULATOR = "simulator"


@dataclass(frozen=True)
class Target:
    """Where to compile and run: `env` is the children's environment, `why` says in words how this was chosen.

    `program` is the inference tool itself, for ais_bench the interpreter that runs it; see AisBench for
    `tells_own_batch`.
    """

    kind: TargetKind
    env: Mapping[str, str]
    infer_tool: InferTool
    program: Path
    why: str
    tells_own_batch: bool = True


def choose_target(
    requested: str, infer_tool: str, env: Mapping[str, str], root: Path, *, ais_bench_python: Path | None = None
) -> Target:
    """Choose by the policy: `ascend` never simulates, `auto` simulates only on a host without any trace of Ascend.

    `requested` is auto, ascend or simulator; `infer_tool` auto, benchmark or ais_bench. OmError (gate om.toolkit)
    names every missing piece. The children see the environment as it was before the suite's own was activated.
    """
    if requested not in (AUTO, *TargetKind):
        raise OmError("unknown target", gate=GATE, measured=repr(requested), allowed="auto, ascend or simulator")
    if infer_tool not in (AUTO, *InferTool):
        raise OmError("unknown tool", gate=GATE, measured=repr(infer_tool), allowed="auto, benchmark or ais_bench")
    asked, env = None if infer_tool == AUTO else InferTool(infer_tool), outside_own_environment(env)
    if target_kind(requested, env, root) is TargetKind.SIMULATOR:
        why = "asked for" if requested == TargetKind.SIMULATOR else "no trace of Ascend on this host"
        return _simulator(env, asked, ais_bench_python, why)
    return _ascend(requested, traces(root, env), asked, env, root, ais_bench_python)


def target_kind(requested: str, env: Mapping[str, str], root: Path) -> TargetKind:
    """Which of the two a request means on this host, without looking whether it is complete."""
    if requested == TargetKind.ASCEND or (requested == AUTO and traces(root, env)):
        return TargetKind.ASCEND
    return TargetKind.SIMULATOR


def _ascend(
    requested: str,
    found: tuple[str, ...],
    asked: InferTool | None,
    env: Mapping[str, str],
    root: Path,
    ais_bench_python: Path | None,
) -> Target:
    _refuse_simulator_in(env)
    missing = missing_pieces(root, env, asked, ais_bench_python)
    chosen = None if missing else installed_tool(env, asked, ais_bench_python)
    if chosen is None:
        seen = f"NPU here ({', '.join(found[:4])})" if found else "no trace of Ascend on this host"
        how = "and it is never simulated silently" if requested == AUTO else "and --target ascend never simulates"
        raise OmError(f"{seen}, {how}, but {'; '.join(missing)}", gate=GATE)
    why = "asked for" if requested == TargetKind.ASCEND else f"traces of Ascend: {', '.join(found[:4])}"
    return _target(TargetKind.ASCEND, env, chosen, why)


def _is_simulator(tool: Path) -> bool:
    """Told by the content too, because the simulator of another clone of this repository is one as well."""
    if tool.resolve().is_relative_to(SIMULATOR):
        return True
    with tool.resolve().open("rb") as handle:
        return OWN_VARIABLE.encode() in handle.read(4096)


def _refuse_simulator_in(env: Mapping[str, str]) -> None:
    """A real run must not find the simulator on its path, or what it measures would be called a device's."""
    tools = [shutil.which(name, path=env.get("PATH", "")) for name in ("atc", "npu-smi", "msprof", binary_name())]
    inside = [tool for tool in tools if tool is not None and _is_simulator(Path(tool))]
    sites = [Path(entry).resolve() for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry]
    inside += [str(site) for site in sites if site.is_relative_to(SIMULATOR) or site.parts[-4:] in SITE_ENDINGS]
    inside += [f"variable {name}" for name, value in env.items() if name.startswith(OWN_VARIABLE) and value]
    if inside:
        raise OmError(
            f"the environment leads to the simulator ({', '.join(inside)}), which is no Ascend",
            gate=GATE,
            fix="clear PATH, PYTHONPATH and ASCEND_SIMULATOR, or ask for --target simulator",
        )


def _simulator(env: Mapping[str, str], asked: InferTool | None, ais_bench_python: Path | None, why: str) -> Target:
    """The simulator's programs first on PATH, run by the suite's own Python; an ais_bench of the user's own stays."""
    simulated = dict(env)
    simulated["PATH"] = _joined(SIMULATOR_BIN, env.get("PATH", ""))
    given = ais_package.is_given(env, ais_bench_python)
    own = () if given else (SIMULATOR_AIS_BENCH,)
    simulated["PYTHONPATH"] = _joined(SIMULATOR_SITE, *own, env.get("PYTHONPATH", ""))
    simulated[OWN_VARIABLE] = "1"
    simulated[SIMULATOR_PYTHON] = sys.executable
    chosen = installed_tool(simulated, asked, ais_bench_python)
    if chosen is None:
        if given:
            raise OmError(no_tool(simulated, asked, ais_bench_python), gate=GATE)
        raise OmError(f"the simulator has no {asked or 'inference tool'}", gate=GATE, where=SIMULATOR)
    return _target(TargetKind.SIMULATOR, simulated, chosen, why)


def _target(kind: TargetKind, env: Mapping[str, str], chosen: InstalledTool, why: str) -> Target:
    return Target(kind, MappingProxyType(dict(env)), chosen.tool, chosen.program, why, chosen.tells_own_batch)


def _joined(*parts: Path | str) -> str:
    return os.pathsep.join(str(part) for part in parts if str(part))
