"""The machine a run is on: its target, the chips it may use, and the versions that its results depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.npu_smi import Chip, NpuSmiError, chip_of, query
from tools.ascend.soc import normalise_soc, soc_mismatch
from tools.ascend.target import SIMULATOR, SIMULATOR_PYTHON, Target, TargetKind
from tools.ascend.toolkit import OWN_VARIABLE, cann_version, driver_version
from tools.errors import OmError, SuiteError
from tools.files import sha256_of

GATE = "om.device"
SIMULATOR_SAYS = "[SIMULATOR]"


@dataclass(frozen=True)
class Machine:
    """Where OMs are compiled and run: `soc` as atc spells it, the devices by the number that the tools take, and
    `toolchain`, all that identifies compiler and driver (name to version), for keys and evidence."""

    target: Target
    soc: str
    devices: tuple[int, ...]
    toolchain: dict[str, str]

    @property
    def simulated(self) -> bool:
        """True when the simulator stands in for the device."""
        return self.target.kind is TargetKind.SIMULATOR


def describe_machine(target: Target, *, soc: str | None, devices: Sequence[int], root: Path, logs: Path) -> Machine:
    """Ask npu-smi for the devices; OmError (gate om.device) when one is absent, unhealthy or of another chip.

    `soc` None takes the chip from the device; `root` is where driver and toolkit files are looked for (`/`).
    """
    asked = None
    try:
        asked = normalise_soc(soc) if soc else None
        chips = query(target.env, logs)
        used = tuple(chip_of(chips, device) for device in devices)
        names = {normalise_soc(chip.name) for chip in used}
    except NpuSmiError as error:
        raise OmError(str(error), gate=GATE) from error
    except SuiteError as error:
        what = "npu-smi shows" if asked or not soc else "--soc or the spec asks for"
        raise OmError(f"{what} a chip of unknown kind: {error}", gate=GATE) from error
    problems = [f"device {chip.device} is {chip.health}" for chip in used if not chip.healthy]
    if target.kind is TargetKind.ASCEND and SIMULATOR_SAYS in (logs / "stderr.txt").read_text(errors="replace"):
        problems.append("npu-smi is the simulator's, which is no device")
    problems += [f"devices are of several kinds: {', '.join(sorted(names))}"] if len(names) > 1 else []
    problems += [reason for name in sorted(names) if asked and (reason := soc_mismatch(asked, name))]
    if problems or not names:
        raise OmError("; ".join(problems) or "no device was named", gate=GATE, fix="see `npu-smi info`")
    chip = asked or min(names)
    return Machine(target, chip, tuple(devices), _toolchain(target, chip, used, root))


def _toolchain(target: Target, soc: str, chips: Sequence[Chip], root: Path) -> dict[str, str]:
    described = {"target": str(target.kind), "soc": soc, "tool": str(target.infer_tool)}
    if target.kind is TargetKind.SIMULATOR:
        return {**described, "simulator": _simulator_digest(), **_simulator_settings(target.env)}
    known = {"cann": cann_version(root, target.env), "driver": driver_version(root)}
    program = {"program": sha256_of(target.program.resolve())}
    versions = {name: version or "unknown" for name, version in known.items()}
    return {**described, **program, **versions, "chip": chips[0].name}


def _simulator_settings(env: Mapping[str, str]) -> dict[str, str]:
    """What was ordered of the simulator (chip, flavour, rates, faults), without the places it works in."""
    places = (SIMULATOR_PYTHON, f"{OWN_VARIABLE}_STATE", OWN_VARIABLE)
    return {name: value for name, value in env.items() if name.startswith(OWN_VARIABLE) and name not in places}


def _simulator_digest() -> str:
    """Digest of the simulator's programs: what they make depends on them as on a CANN version."""
    files = sorted(path for path in SIMULATOR.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    lines = (f"{path.relative_to(SIMULATOR)} {sha256_of(path)}" for path in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
