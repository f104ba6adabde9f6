"""What `npu-smi info` says: which chips there are, whether they are healthy, and whether anybody uses them.

The table has two rows a chip. Its columns differ by chip and driver (310, 310B, 310P, 910, 910B, A3, 950; drivers 20.2
to 26) and will differ again, so every figure is found by the words of its header, never by position or count. A row
that cannot be read is the trouble of its chip alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tools.base.errors import SuiteError

MEMORY_HEADROOM_MB = 512
"""What an idle chip may use above what it used when it was seen idle: above the spread, far below a model's buffers."""
MAP = ("npu-smi", "info", "-m")
"""The question for the chips' numbers."""
IDLE_SAMPLES = 3
"""Tables that must show a device idle: the AI core figure is instantaneous."""
MOST_LAGGING = 5
"""Tables at most, taken a second apart from the end of the suite's own run, in which the AI core figure may still be
that of this run: the driver averages over about a second and prints the last average."""

_LABEL = re.compile(r"NPU ID|NPU Util\(%\)|Process id in container|Process (?:id|name|memory\(MB\))|Chip Phy-ID|\S+")
_VALUE = re.compile(r"\S+\s*/\s*\S+|\S+")
_PAIR = re.compile(r"(\d{1,12})\s*/\s*(\d{1,12})")
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)
_NO_PROCESS = re.compile(r"No running processes found in NPU\s+(\d{1,12})")
_DEVICE_BUSY = re.compile(r"ret is (-8005|-8020)")
NPU, CHIP, PHYSICAL = ("NPU", "NPU ID"), ("Chip", "Chip ID"), ("Phy-ID", "Chip Phy-ID")
LOAD, MEMORY = ("AICore(%)", "NPU Util(%)"), ("HBM-Usage(MB)", "Memory-Usage(MB)")
UNKNOWN = -1
"""In place of a number that cannot be read; the chip's `trouble` says so."""


class NpuSmiError(SuiteError):
    """npu-smi is missing, could not talk to the device, or printed no table that can be read."""


@dataclass(frozen=True)
class Process:
    """A process on a chip; the name is empty where a container hides it, numbers are None where the cell says NA."""

    pid: int | None
    name: str
    memory_mb: int | None

    def __str__(self) -> str:
        pid, memory = "NA" if self.pid is None else self.pid, "NA" if self.memory_mb is None else self.memory_mb
        return f"process {pid} {self.name}".rstrip() + f" holds {memory} MB"


@dataclass(frozen=True)
class Chip:
    """One chip. `device` is the logical id that `-device_id` and `--device` take, `physical` the host's number where
    the table states one; the NPU id is neither.

    Tables without a Device column number the chips in the order of the table, which tools/judge/device_numbers.py
    corrects by npu-smi's map; `bus_id` is its cell as it stands there.
    `processes` is None when the output says nothing about processes of this NPU (old drivers, most containers).
    `trouble` names what of its rows cannot be read, empty for a chip that can be used.
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
    physical: int | None = None
    trouble: str = ""
    bus_id: str = field(default="", compare=False)

    @property
    def healthy(self) -> bool:
        """Health is OK; Warning, Alarm, Critical and UNKNOWN are not."""
        return self.health == "OK"


def busy_reasons(chip: Chip, idle_mb: int | None = None) -> tuple[str, ...]:
    """Why nothing may be measured on this chip: it is not healthy, a process holds it, its AI core works, or it holds
    clearly more memory than `idle_mb`, what this very chip held when it was seen idle (None where it never was)."""
    found = [] if chip.healthy else [f"its health is {chip.health}"]
    found += map(str, chip.processes or ())
    if chip.aicore_percent > 0:
        found.append(f"AI core at {chip.aicore_percent} %")
    if idle_mb is not None and chip.memory_used_mb > idle_mb + MEMORY_HEADROOM_MB:
        allowed = idle_mb + MEMORY_HEADROOM_MB
        found.append(f"{chip.memory_used_mb} MB of {chip.memory_total_mb} MB in use, idle is at most {allowed} MB")
    return tuple(found)


def idle_memory_mb(chips: Sequence[Chip]) -> dict[int, int]:
    """What each device held in a table that shows it idle; figures of other chips, even of cousins, say nothing."""
    seen = (chip for chip in chips if chip.device != UNKNOWN and not chip.trouble and not busy_reasons(chip))
    return {chip.device: chip.memory_used_mb for chip in seen}


def busy_over(
    samples: Sequence[Sequence[Chip]], device: int, *, lagging: int, idle_mb: int | None = None
) -> tuple[str, ...]:
    """Why a device was busy over several tables, each reason once; NpuSmiError when it does not exist.

    The first `lagging` at most do not count while nothing but the AI core speaks against the device: after a run of
    one's own the figure lags. One that stays is a reason, and so is one that comes back.
    """
    found = [busy_reasons(chip_of(chips, device), idle_mb) for chips in samples]
    counted = found[lag(samples, device, lagging=lagging, idle_mb=idle_mb) :] or found[-1:]
    return tuple(dict.fromkeys(reason for reasons in counted for reason in reasons))


def lag(samples: Sequence[Sequence[Chip]], device: int, *, lagging: int, idle_mb: int | None = None) -> int:
    """How many tables at the beginning, of `lagging` at most, show nothing but a working AI core."""
    number = 0
    for chips in samples[:lagging]:
        chip = chip_of(chips, device)
        if not chip.aicore_percent or busy_reasons(replace(chip, aicore_percent=0), idle_mb):
            break
        number += 1
    return number


def chip_of(chips: Sequence[Chip], device: int) -> Chip:
    """The chip that the tools call `device`; NpuSmiError when there is none, or its rows cannot be read."""
    for chip in chips:
        if chip.device == device and chip.trouble:
            raise NpuSmiError(f"device {device}: {chip.trouble}", where="npu-smi info")
        if chip.device == device:
            return chip
    unread = "; ".join(chip.trouble for chip in chips if chip.device == UNKNOWN and chip.trouble)
    raise NpuSmiError(
        f"no such device{f'; {unread}' if unread else ''}",
        where="npu-smi info",
        measured=device,
        allowed=[chip.device for chip in chips if chip.device != UNKNOWN],
        fix="name devices of this machine with --device",
    )


def parse_info(text: str) -> tuple[Chip, ...]:
    """The chips of a `npu-smi info` table in its order, any layout; NpuSmiError where no table can be told."""
    refuse_known_failures(text)
    table = _Table()
    for number, line in enumerate(text.replace("\r", "\n").split("\n"), start=1):
        stripped = line.strip()
        if stripped.startswith("|") and stripped.endswith("|") and len(stripped) > 1:
            table.row([cell.strip() for cell in stripped[1:-1].split("|")], number)
        elif stripped.startswith("|"):
            table.broken(stripped, number)
    return table.finish()


def refuse_known_failures(text: str) -> None:
    """NpuSmiError for what npu-smi prints instead of a table."""
    if match := _DEVICE_BUSY.search(text):
        raise NpuSmiError(
            f"npu-smi could not open the device: ret is {match[1]}",
            fix="another container most likely holds the device: end it, or hand this container its own device",
        )
    if "initialize failed" in text or "initialized failed" in text:
        raise NpuSmiError(f"npu-smi could not start: {text.strip()[:500]}")
    if not text.strip():
        raise NpuSmiError("npu-smi printed nothing")


class _Unreadable(Exception):
    """A row that does not fit its header; the message says which."""


class _Header:
    """The words of a header row, cell by cell."""

    def __init__(self, cells: Sequence[str]) -> None:
        self._labels: list[list[str]] = [_LABEL.findall(cell) for cell in cells]
        self.words = [label for labels in self._labels for label in labels]

    def names(self, *labels: str) -> bool:
        """Whether it has any of these columns."""
        return any(label in self.words for label in labels)

    def read(self, cells: Sequence[str], number: int, *, short: bool = False) -> dict[str, str]:
        """The values of a row by their labels: a cell under one label is its value, whatever it holds.

        With `short`, cells without a label are passed over: of a process it is enough to know that it is there.
        """
        if len(cells) != len(self._labels) and not (short and len(cells) > len(self._labels)):
            raise _unreadable(cells, number)
        found: dict[str, str] = {}
        for labels, cell in zip(self._labels, cells):
            values = [cell] if len(labels) == 1 else _VALUE.findall(cell)
            if len(values) != len(labels):
                raise _unreadable(cells, number)
            found.update(zip(labels, values))
        return found


class _Table:
    """Rows of the table as they come: headers say which columns follow, then two rows make a chip."""

    def __init__(self) -> None:
        self.chips: list[Chip] = []
        self.first_header: _Header | None = None
        self.second_header: _Header | None = None
        self.process_header: _Header | None = None
        self.first: tuple[dict[str, str], str] | None = None
        self.processes: dict[tuple[int, int], list[Process]] = {}
        self.idle_npus: set[int] = set()
        self.process_troubles: dict[int, str] = {}

    def row(self, cells: list[str], number: int) -> None:
        """Take a row between bars."""
        header = _Header(cells)
        if header.names("Process id"):
            self.process_header = header
        elif header.names("Name") and header.names("Health"):
            self.first_header, self.process_header = header, None
        elif header.names("Bus-Id"):
            self.second_header = header
        elif self.process_header is not None:
            self._process(self.process_header, cells, number)
        elif self.second_header is not None:
            self._half_chip(cells, number)

    def broken(self, line: str, number: int) -> None:
        """A row whose end is missing: of the chip that it belongs to nothing can be said."""
        if self.process_header is None and self.second_header is not None:
            self._half_chip([line.strip("| ")], number)

    def finish(self) -> tuple[Chip, ...]:
        """The chips, each with its processes."""
        if self.first is not None:
            raise NpuSmiError(f"the npu-smi table is cut short after the first row of NPU {self._npu(self.first[0])}")
        if not self.chips:
            raise NpuSmiError("npu-smi printed no table of chips")
        listed = [chip for chip in self.chips if not chip.trouble]
        known = {(chip.npu_id, chip.chip_id) for chip in listed}
        whole = len(listed) == len(self.chips)
        stray = sorted(self.processes.keys() - known)
        if stray and whole:
            raise NpuSmiError(f"npu-smi lists a process on NPU {stray[0][0]} chip {stray[0][1]}, which is not listed")
        devices = [chip.device for chip in self.chips if chip.device != UNKNOWN]
        if len(set(devices)) < len(devices) or len(known) < len(listed):
            raise NpuSmiError(f"npu-smi lists a chip twice: devices {devices}")
        return tuple(map(self._with_processes, self.chips))

    def _with_processes(self, chip: Chip) -> Chip:
        trouble = chip.trouble or self.process_troubles.get(chip.npu_id, "")
        mentioned = chip.npu_id in self.idle_npus or any(npu == chip.npu_id for npu, _ in self.processes)
        of_chip = tuple(self.processes.get((chip.npu_id, chip.chip_id), ()))
        return replace(chip, processes=of_chip if mentioned else None, trouble=trouble)

    def _half_chip(self, cells: list[str], number: int) -> None:
        if self.first is None:
            values, trouble = self._read(self.first_header, cells, number)
            unnumbered = not trouble and self._npu(values) == UNKNOWN
            self.first = values, str(_unreadable(cells, number)) if unnumbered else trouble
            return
        (first, trouble), self.first = self.first, None
        second, more = self._read(self.second_header, cells, number)
        values = {**second, **first}
        chip = Chip(UNKNOWN, UNKNOWN, len(self.chips), "", "", 0, 0, 0, None)
        trouble = trouble or more
        try:
            chip = chip if trouble else self._chip(values, cells, number)
        except _Unreadable as error:
            trouble = str(error)
        self.chips.append(self._as_known(chip, values, trouble) if trouble else chip)

    def _read(self, header: _Header | None, cells: list[str], number: int) -> tuple[dict[str, str], str]:
        """The values of a row, and what cannot be read of it."""
        try:
            return (header or _Header(())).read(cells, number), ""
        except _Unreadable as error:
            return {}, str(error)

    def _as_known(self, chip: Chip, values: Mapping[str, str], trouble: str) -> Chip:
        """A chip that cannot be used, with as many of its numbers as its rows state."""
        device, chip_id = _number(values.get("Device")), _number(_first(values, CHIP))
        by_place = self.second_header is None or not self.second_header.names("Device")
        return replace(
            chip,
            npu_id=self._npu(values),
            chip_id=UNKNOWN if chip_id is None else chip_id,
            device=(len(self.chips) if by_place else UNKNOWN) if device is None else device,
            name=values.get("Name", ""),
            trouble=trouble,
        )

    def _npu(self, values: Mapping[str, str]) -> int:
        found = _number(_first(values, NPU))
        return UNKNOWN if found is None else found

    def _chip(self, values: Mapping[str, str], cells: list[str], number: int) -> Chip:
        used, total = self._memory(values, cells, number)
        alone = self.second_header is None or not self.second_header.names(*CHIP)
        numbered = "Device" in values
        return Chip(
            npu_id=_whole(_first(values, NPU), cells, number),
            chip_id=0 if alone else _whole(_first(values, CHIP), cells, number),  # 950: a card is a chip
            device=_whole(values["Device"], cells, number) if numbered else len(self.chips),
            name=values["Name"],
            health=values["Health"],
            aicore_percent=_whole(_first(values, LOAD), cells, number),
            memory_used_mb=used,
            memory_total_mb=total,
            processes=None,
            physical=_number(_first(values, PHYSICAL)),
            bus_id=values.get("Bus-Id", ""),
        )

    def _memory(self, values: Mapping[str, str], cells: list[str], number: int) -> tuple[int, int]:
        """Used and total of the chip's own memory: HBM where it has one, for the other is the host's or 0 / 0 there."""
        pairs = [_PAIR.fullmatch(values[label]) for label in MEMORY if label in values]
        if not pairs or pairs[0] is None:
            raise _unreadable(cells, number)
        return int(pairs[0][1]), int(pairs[0][2])

    def _process(self, header: _Header, cells: list[str], number: int) -> None:
        if match := _NO_PROCESS.search(cells[0]):
            self.idle_npus.add(int(match[1]))
            return
        try:
            values = header.read(cells, number, short=True)
            chip = 0 if not header.names(*CHIP) else _whole(_first(values, CHIP), cells, number)
            where = _whole(_first(values, NPU), cells, number), chip
        except _Unreadable as error:
            self._process_trouble(cells, str(error))
            return
        memory = _number(values.get("Process memory(MB)"))
        found = Process(_number(values["Process id"]), values.get("Process name", ""), memory)
        self.processes.setdefault(where, []).append(found)

    def _process_trouble(self, cells: list[str], trouble: str) -> None:
        """A process that cannot be read is the trouble of its NPU, or of all where not even that can be told."""
        npu = _number(cells[0].split()[0] if cells[0] else None)
        if npu is None or npu not in {chip.npu_id for chip in self.chips}:
            raise NpuSmiError(trouble)
        self.process_troubles[npu] = trouble


def _first(values: Mapping[str, str], labels: Sequence[str]) -> str | None:
    """The value under the first of several labels that a table has."""
    return next((values[label] for label in labels if label in values), None)


def _number(word: str | None) -> int | None:
    """A plain number, None for anything else (NA, a dash)."""
    return int(word) if word is not None and _NUMBER.fullmatch(word) else None


def _whole(word: str | None, cells: Sequence[str], number: int) -> int:
    found = _number(word)
    if found is None:
        raise _unreadable(cells, number)
    return found


def _unreadable(cells: Sequence[str], number: int) -> _Unreadable:
    return _Unreadable(f"line {number} of the npu-smi table cannot be read: {' | '.join(cells)[:200]}")
