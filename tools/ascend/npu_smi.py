"""What `npu-smi info` says: which chips there are, whether they are healthy, and whether anybody uses them.

The table has two rows a chip; columns differ by chip and driver (310, 310P3, 910A/B, A3), so they are found by the
header and not by position. Layouts and the idle figures are those of public transcripts of drivers 20.2 to 26.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools.base import process
from tools.base.errors import SuiteError

IDLE_MEMORY_MB = {"310P": 1643, "310": 2621, "910": 3500}
"""Largest memory use seen on an idle chip by name prefix, longest prefix first (public npu-smi tables)."""
MEMORY_HEADROOM_MB = 512
"""What an idle chip may use above IDLE_MEMORY_MB: far below any model's buffers, above the spread of idle chips."""
UNKNOWN_CHIP_IDLE_SHARE = 0.33
"""For chips without an idle figure: no idle chip in the public tables uses more than a third of its memory."""
QUERY_SECONDS = 60.0

_PAIR = re.compile(r"(\d+)\s*/\s*(\d+)")
_NO_PROCESS = re.compile(r"No running processes found in NPU\s+(\d+)")
_DEVICE_BUSY = re.compile(r"ret is (-8005|-8020)")


class NpuSmiError(SuiteError):
    """npu-smi is missing, could not talk to the device, or printed no table that can be read."""


@dataclass(frozen=True)
class Process:
    """A process on a chip; the name is empty where a container hides it."""

    pid: int
    name: str
    memory_mb: int


@dataclass(frozen=True)
class Chip:
    """One chip. `device` is the logical id that `-device_id` and `--device` take, not the NPU id.

    Tables without a Device column (910A/B) number the chips in the order of the table. `bus_id` is the cell as it
    stands there. `processes` is None when the
    output says nothing about processes of this NPU (old drivers, most containers).
    """

    npu_id: int
    chip_id: int
    device: int
    name: str
    health: str
    aicore_percent: int
    memory_used_mb: int
    memory_total_mb: int
    processes: tuple[Process, ...] | None
    bus_id: str = field(default="", compare=False)

    @property
    def healthy(self) -> bool:
        """Health is OK; Warning, Alarm, Critical and UNKNOWN are not."""
        return self.health == "OK"


def busy_reasons(chip: Chip) -> tuple[str, ...]:
    """Why nothing may be measured on this chip: it is not healthy, a process holds it, its AI core works, or its memory
    is clearly above the idle level."""
    found = [] if chip.healthy else [f"its health is {chip.health}"]
    found += [
        f"process {process.pid} {process.name}".rstrip() + f" holds {process.memory_mb} MB"
        for process in chip.processes or ()
    ]
    if chip.aicore_percent > 0:
        found.append(f"AI core at {chip.aicore_percent} %")
    allowed = idle_memory_mb(chip)
    if chip.memory_used_mb > allowed:
        found.append(f"{chip.memory_used_mb} MB of {chip.memory_total_mb} MB in use, idle is at most {allowed} MB")
    return tuple(found)


def idle_memory_mb(chip: Chip) -> int:
    """The memory that an idle chip of this name may show as used."""
    name = chip.name.removeprefix("Ascend")
    for prefix, idle_mb in IDLE_MEMORY_MB.items():
        if name.startswith(prefix):
            return idle_mb + MEMORY_HEADROOM_MB
    return int(chip.memory_total_mb * UNKNOWN_CHIP_IDLE_SHARE)


def query(env: Mapping[str, str], logs: Path, *, timeout_seconds: float = QUERY_SECONDS) -> tuple[Chip, ...]:
    """Run `npu-smi info` and read it; the output is kept in `logs`. Not to be called from several threads at once."""
    argv = ["npu-smi", "info"]
    try:
        logs.mkdir(parents=True, exist_ok=True)
        done = process.run(argv, cwd=logs, logs=logs, timeout_seconds=timeout_seconds, env=env)
    except FileNotFoundError as error:
        raise NpuSmiError(
            "`npu-smi` is not on PATH", fix="install the Ascend driver, or add /usr/local/sbin to PATH"
        ) from error
    except OSError as error:
        raise NpuSmiError(f"`npu-smi info` cannot be run: {error.strerror}", where=logs) from error
    if done.timed_out:
        raise NpuSmiError(f"`npu-smi info` did not end within {timeout_seconds:g} s: {done.tail}", where=logs)
    text = f"{done.stdout}\n{done.stderr}"
    _refuse_known_failures(text)
    if done.returncode:
        raise NpuSmiError(f"`npu-smi info` ended with exit code {done.returncode}: {done.tail}", where=logs)
    return parse_info(done.stdout)


def watch(
    env: Mapping[str, str], logs: Path, devices: Sequence[int], *, samples: int = 3, pause_seconds: float = 1.0
) -> dict[int, tuple[str, ...]]:
    """Reasons why each of `devices` is busy, over several samples because the AI core figure is instantaneous.

    NpuSmiError when a device does not exist.
    """
    found: dict[int, dict[str, None]] = {device: {} for device in devices}
    for sample in range(samples):
        if sample:
            time.sleep(pause_seconds)
        chips = query(env, logs / f"sample{sample}")
        for device in devices:
            found[device].update(dict.fromkeys(busy_reasons(chip_of(chips, device))))
    return {device: tuple(reasons) for device, reasons in found.items()}


def chip_of(chips: Sequence[Chip], device: int) -> Chip:
    """The chip that the tools call `device`; NpuSmiError when there is none."""
    for chip in chips:
        if chip.device == device:
            return chip
    raise NpuSmiError(
        "no such device",
        where="npu-smi info",
        measured=device,
        allowed=[chip.device for chip in chips],
        fix="name devices of this machine with --device",
    )


def parse_info(text: str) -> tuple[Chip, ...]:
    """The chips of a `npu-smi info` table in its order, any layout; NpuSmiError names the line it cannot read."""
    _refuse_known_failures(text)
    table = _Table()
    for number, line in enumerate(text.replace("\r", "\n").split("\n"), start=1):
        stripped = line.strip()
        if stripped.startswith("|") and stripped.endswith("|"):
            table.row([cell.strip() for cell in stripped[1:-1].split("|")], number)
    return table.finish()


def _refuse_known_failures(text: str) -> None:
    if match := _DEVICE_BUSY.search(text):
        raise NpuSmiError(
            f"npu-smi could not open the device: ret is {match[1]}",
            fix="another container most likely holds the device: end it, or hand this container its own device",
        )
    if "initialize failed" in text or "initialized failed" in text:
        raise NpuSmiError(f"npu-smi could not start: {text.strip()[:500]}")
    if not text.strip():
        raise NpuSmiError("npu-smi printed nothing")


class _Table:
    """Rows of the table as they come: a header says which columns follow, then two rows make a chip."""

    def __init__(self) -> None:
        self.chips: list[Chip] = []
        self.seen_header = False
        self.has_device_column = False
        self.has_hbm_column = False
        self.in_processes = False
        self.first: tuple[int, str, str] | None = None
        self.processes: dict[tuple[int, int], list[Process]] = {}
        self.idle_npus: set[int] = set()

    def row(self, cells: list[str], number: int) -> None:
        if cells[0].startswith("NPU") and len(cells) > 1:
            self.in_processes = "Process id" in cells[1]
        elif cells[0].startswith("Chip"):
            self.seen_header = True
            self.has_device_column = len(cells[0].split()) > 1
            self.has_hbm_column = "HBM-Usage" in cells[-1]
        elif self.in_processes:
            self._process(cells, number)
        elif self.seen_header:
            self._half_chip(cells, number)

    def finish(self) -> tuple[Chip, ...]:
        if self.first is not None:
            raise NpuSmiError(f"the npu-smi table is cut short after the first row of NPU {self.first[0]}")
        if not self.chips:
            raise NpuSmiError("npu-smi printed no table of chips")
        known = {(chip.npu_id, chip.chip_id) for chip in self.chips}
        stray = sorted(self.processes.keys() - known)
        if stray:
            raise NpuSmiError(f"npu-smi lists a process on NPU {stray[0][0]} chip {stray[0][1]}, which is not listed")
        devices = [chip.device for chip in self.chips]
        if len(set(devices)) < len(devices) or len(known) < len(devices):
            raise NpuSmiError(f"npu-smi lists a chip twice: devices {devices}")
        return tuple(replace(chip, processes=self._processes_of(chip)) for chip in self.chips)

    def _processes_of(self, chip: Chip) -> tuple[Process, ...] | None:
        mentioned = chip.npu_id in self.idle_npus or any(npu == chip.npu_id for npu, _ in self.processes)
        return tuple(self.processes.get((chip.npu_id, chip.chip_id), ())) if mentioned else None

    def _half_chip(self, cells: list[str], number: int) -> None:
        if len(cells) != 3:
            raise _unreadable(cells, number)
        words = cells[0].split()
        if self.first is None:
            if len(words) != 2:
                raise _unreadable(cells, number)
            self.first = (_whole(words[0], cells, number), words[1], cells[1])
            return
        if len(words) != 1 + self.has_device_column:
            raise _unreadable(cells, number)
        npu_id, name, health = self.first
        self.first = None
        pairs = _PAIR.findall(cells[2])
        if len(pairs) < 1 + self.has_hbm_column:
            raise _unreadable(cells, number)
        used, total = pairs[-1]
        self.chips.append(
            Chip(
                npu_id=npu_id,
                chip_id=_whole(words[0], cells, number),
                device=_whole(words[1], cells, number) if self.has_device_column else len(self.chips),
                name=name,
                health=health,
                aicore_percent=_whole(cells[2].split()[0], cells, number),
                memory_used_mb=_whole(used, cells, number),
                memory_total_mb=_whole(total, cells, number),
                processes=None,
                bus_id=cells[1],
            )
        )

    def _process(self, cells: list[str], number: int) -> None:
        if match := _NO_PROCESS.search(cells[0]):
            self.idle_npus.add(_whole(match[1], cells, number))
            return
        words = cells[0].split()
        if len(cells) != 4 or len(words) != 2:
            raise _unreadable(cells, number)
        where = (_whole(words[0], cells, number), _whole(words[1], cells, number))
        found = Process(_whole(cells[1], cells, number), cells[2], _whole(cells[3], cells, number))
        self.processes.setdefault(where, []).append(found)


def _whole(word: str, cells: list[str], number: int) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 12):
        raise _unreadable(cells, number)
    return int(word)


def _unreadable(cells: list[str], number: int) -> NpuSmiError:
    return NpuSmiError(f"line {number} of the npu-smi table cannot be read: {' | '.join(cells)[:200]}")
