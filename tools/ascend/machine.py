"""The machine a run is on: its target, the chips it may use, and the versions that its results depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.board import member_of_family, read_board
from tools.ascend.npu_smi import query, query_map
from tools.ascend.target import Target, TargetKind
from tools.ascend.toolchain import toolchain
from tools.ascend.toolkit import driver_version
from tools.base.errors import OmError, SuiteError
from tools.judge.device_numbers import VISIBLE, Numbering, Seat, number_devices
from tools.judge.ids import OM_DEVICE
from tools.judge.logs import MAP_LOGS
from tools.judge.machine_records import BoardRecord
from tools.judge.npu_smi import Chip, NpuSmiError, chip_of, idle_memory_mb
from tools.judge.soc import FAMILIES, normalise_soc, soc_mismatch

GATE = OM_DEVICE
SIMULATOR_SAYS = "[SIMULATOR]"


@dataclass(frozen=True)
class Machine:
    """Where OMs are compiled and run: `soc` as atc spells it, the devices by the number that the tools take, their
    `boards`, and `toolchain`, all that identifies compiler and driver (name to version).

    `numbering` tells which chips of npu-smi the devices are, by its map and by `visible`, the value of
    ASCEND_RT_VISIBLE_DEVICES (empty: not set). `run` names this run; `idle_memory_mb` is what the devices held that
    were idle when it began.
    """

    target: Target
    soc: str
    devices: tuple[int, ...]
    toolchain: dict[str, str]
    idle_memory_mb: dict[int, int]
    numbering: Numbering
    visible: str = ""
    boards: tuple[BoardRecord, ...] = ()
    run: str = ""

    @property
    def about(self) -> dict[str, str]:
        """What results of this machine depend on, for keys: of a board that nobody can name they are of this run."""
        boards = {f"board {board.device}": str(board) for board in self.boards}
        unknown = not all(board.known for board in self.boards)
        return {**self.toolchain, **boards, **({"board": f"unknown, run {self.run}"} if unknown else {})}

    @property
    def simulated(self) -> bool:
        """True when the simulator stands in for the device."""
        return self.target.kind is TargetKind.SIMULATOR


def describe_machine(
    target: Target, *, soc: str | None, devices: Sequence[int], root: Path, logs: Path, run: str
) -> Machine:
    """Ask npu-smi for the devices; OmError (gate om.device) when one is absent, unhealthy or of another chip.

    `soc` None takes the chip from the device; `root` is where driver and toolkit files are looked for (`/`), `run`
    names this run.
    """
    asked, visible = None, target.env.get(VISIBLE, "")
    try:
        asked = normalise_soc(soc) if soc else None
        chips = query(target.env, logs)
        numbering = number_devices(chips, query_map(target.env, logs / MAP_LOGS), visible)
        seats = tuple(numbering.require(device, chips) for device in devices)
        chips = numbering.of_tools(chips)
        used = tuple(chip_of(chips, device) for device in devices)
        names = {_soc(target, chip, logs) for chip in used}
    except NpuSmiError as error:
        raise OmError(str(error), gate=GATE) from error
    except SuiteError as error:
        what = "npu-smi shows" if asked or not soc else "--soc or the port asks for"
        raise OmError(f"{what} a chip of unknown kind: {error}", gate=GATE) from error
    disguised = target.kind is TargetKind.ASCEND and SIMULATOR_SAYS in (logs / "stderr.txt").read_text(errors="replace")
    problems = [f"{numbering.named(chip.device)} is {chip.health}" for chip in used if not chip.healthy]
    problems += ["npu-smi is the simulator's, which is no device"] if disguised else []
    problems += _soc_problems(names, asked)
    if problems or not names:
        raise OmError("; ".join(problems) or "no device was named", gate=GATE, fix="see `npu-smi info`")
    name, known = asked or min(names), toolchain(target, root, run)
    on_device = {"chip": used[0].name} if target.kind is TargetKind.ASCEND else {}
    boards = _boards(target, root, logs, used, seats)
    about = {**known, **on_device, "soc": name}
    return Machine(target, name, tuple(devices), about, idle_memory_mb(chips), numbering, visible, boards, run)


def _soc_problems(names: set[str], asked: str | None) -> list[str]:
    """What speaks against the chips by their names, and by that of the chip `asked` for."""
    several = [f"devices are of several kinds: {', '.join(sorted(names))}"] if len(names) > 1 else []
    if asked:
        return [*several, *(reason for name in sorted(names) if (reason := soc_mismatch(asked, name)))]
    return [*several, *(_family(name) for name in sorted(names) if name in FAMILIES)]


def _boards(
    target: Target, root: Path, logs: Path, chips: Sequence[Chip], seats: Sequence[Seat]
) -> tuple[BoardRecord, ...]:
    driver = driver_version(root) if target.kind is TargetKind.ASCEND else None
    return tuple(
        read_board(target.env, chip, seat, logs / f"board{chip.device}", driver=driver)
        for chip, seat in zip(chips, seats, strict=True)
    )


def _soc(target: Target, chip: Chip, logs: Path) -> str:
    """The name that atc takes; of A3 and 950 boards the table shows the family alone, and the board the rest."""
    name = normalise_soc(chip.name)
    member = member_of_family(target.env, chip, logs / f"member{chip.device}") if name in FAMILIES else ""
    return f"{name}_{member}" if member else name


def _family(name: str) -> str:
    """What to do where npu-smi shows no more than the family."""
    return (
        f"npu-smi shows the family {name} alone, which atc does not take: name the chip, --soc {FAMILIES[name]} (say)"
    )
