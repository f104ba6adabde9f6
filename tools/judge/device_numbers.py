"""Which chip of npu-smi a device of the inference tools is: their numbers are not the same.

The host's physical number, the driver's logical one (which begins at 0 in every container), the NPU and chip by which
npu-smi is asked, and the number that a tool takes, which ASCEND_RT_VISIBLE_DEVICES counts anew over logical ones: only
`npu-smi info -m` and that variable tell which belong together. npu-smi itself does not heed the variable.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Tuple

from tools.judge.npu_smi import UNKNOWN, Chip, NpuSmiError

VISIBLE = "ASCEND_RT_VISIBLE_DEVICES"
MANAGEMENT_UNIT = "mcu"
MOST_NAMED = 16
"""Devices that a message names at most."""
Key = Tuple[int, int]
"""NPU id and chip id, by which every table and list of npu-smi names a chip."""
_LIST = re.compile(r"[0-9]{1,5}(?:,[0-9]{1,5})*")
_NUMBER = re.compile(r"[0-9]{1,9}")
_COLUMN = re.compile(r"NPU ID|Slot ID|Chip ID|Chip Logic(?:al)? ID|Chip Phy(?:sical)?[- ]?ID|Chip Name|\S+")
_NPU, _CHIP, _NAME = "NPU ID", "Chip ID", "Chip Name"


@dataclass(frozen=True)
class Seat:
    """A chip by all its numbers but that of the tools: `npu` and `chip` as npu-smi is asked, the driver's `logical`
    number, and the host's `physical` one, None where npu-smi does not say it."""

    npu: int
    chip: int
    logical: int
    physical: int | None

    @property
    def key(self) -> Key:
        """What npu-smi calls it."""
        return self.npu, self.chip

    def named(self, device: int) -> str:
        """The device by the tools' number, and by the others where they do not coincide with it."""
        if (self.key, self.logical) == ((device, 0), device) and self.physical in (None, device):
            return f"device {device}"
        logical = "" if self.logical == device else f", logical {self.logical}"
        physical = "" if self.physical is None else f", physical {self.physical}"
        return f"device {device} (NPU {self.npu} chip {self.chip}{logical}{physical})"


@dataclass(frozen=True)
class Numbering:
    """The seat of each device by the number that the tools take; chips that they cannot see have none."""

    seats: dict[int, Seat]

    def named(self, device: int) -> str:
        """How messages call a device, which may be one that is not there."""
        return self.seats[device].named(device) if device in self.seats else f"device {device}"

    def of_tools(self, chips: Sequence[Chip]) -> tuple[Chip, ...]:
        """The chips of a table by the numbers that the tools take, UNKNOWN for those that they cannot see."""
        devices = {seat.key: device for device, seat in self.seats.items()}
        keys = _keys(chips, devices)
        return tuple(
            replace(chip, device=devices[keys[place]] if place in keys else UNKNOWN) for place, chip in enumerate(chips)
        )

    def require(self, device: int, chips: Sequence[Chip]) -> Seat:
        """The seat of a device; NpuSmiError, which says what the devices are, where there is none of this number."""
        if device in self.seats:
            return self.seats[device]
        unread = [chip.trouble for chip in self.of_tools(chips) if chip.trouble and chip.device == UNKNOWN]
        known = [seat.named(number) for number, seat in sorted(self.seats.items())]
        more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
        raise NpuSmiError(
            "; ".join(["no such device", *unread]),
            where="npu-smi info",
            measured=device,
            allowed=sorted(self.seats),
            fix=f"name devices of this machine with --device, by the tools' numbers: "
            f"{', '.join(known[:MOST_NAMED])}{more}",
        )


def number_devices(chips: Sequence[Chip], map_text: str, visible: str) -> Numbering:
    """Which chip of the table each device is.

    `map_text` is what `npu-smi info -m` printed, empty where it cannot be asked; `visible` the value of
    ASCEND_RT_VISIBLE_DEVICES, empty where it is not set. The logical number of a chip is the map's, and where the map
    states none the table's own (its Device column, or its order). NpuSmiError where the variable is malformed or names
    a chip that is not there.
    """
    listed = read_map(map_text)
    seats = _seats(chips, listed)
    if not visible:
        return Numbering(seats)
    return Numbering(dict(enumerate(seats[number] for number in _visible(visible, seats))))


@dataclass(frozen=True)
class MapRow:
    """What the map says of a chip, None for a number that it does not state."""

    logical: int | None
    physical: int | None


def read_map(text: str) -> dict[Key, MapRow]:
    """The chips of `npu-smi info -m`, found by the words of its header; management units (Mcu) are none.

    A name may hold spaces, everything else is one word. A row that states no NPU or chip is passed over (an NPU that is
    not available has the id -1). NpuSmiError where a chip is listed twice.
    """
    header: list[str] = []
    found: dict[Key, MapRow] = {}
    for line in text.replace("\r", "\n").split("\n"):
        columns = _COLUMN.findall(line)
        if _NPU in columns and _CHIP in columns:
            header = columns
            continue
        values = _values(header, line.split())
        npu, chip = _number(values.get(_NPU)), _number(values.get(_CHIP))
        if npu is None or chip is None or values.get(_NAME, "").lower() == MANAGEMENT_UNIT:
            continue
        if (npu, chip) in found:
            raise NpuSmiError(f"npu-smi lists NPU {npu} chip {chip} twice", where="npu-smi info -m")
        found[npu, chip] = MapRow(_of(values, "Chip Logic"), _of(values, "Chip Phy"))
    return found


def _values(header: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    """The words of a row by the columns of its header, none of a short row; the name takes all that are too many."""
    surplus = len(words) - len(header)
    if not header or surplus < 0 or (surplus and _NAME not in header):
        return {}
    place = header.index(_NAME) if _NAME in header else 0
    name = " ".join(words[place : place + surplus + 1])
    return dict(zip(header, [*words[:place], name, *words[place + surplus + 1 :]]))


def _of(values: dict[str, str], beginning: str) -> int | None:
    return next((_number(value) for name, value in values.items() if name.startswith(beginning)), None)


def _number(word: str | None) -> int | None:
    return int(word) if word is not None and _NUMBER.fullmatch(word) else None


def _keys(chips: Sequence[Chip], known: Collection[Key]) -> dict[int, Key]:
    """Which of the known chips each row of a table is, by its place there.

    A row of which the chip id cannot be read is the only one of its NPU that no other row is.
    """
    keys = {place: (chip.npu_id, chip.chip_id) for place, chip in enumerate(chips)}
    found = {place: key for place, key in keys.items() if key in known}
    for place, chip in enumerate(chips):
        left = [key for key in known if key[0] == chip.npu_id and key not in found.values()]
        if chip.trouble and chip.chip_id == UNKNOWN and place not in found and len(left) == 1:
            found[place] = left[0]
    return found


def _seats(chips: Sequence[Chip], listed: dict[Key, MapRow]) -> dict[int, Seat]:
    """The seats by logical number; a chip of which the map should state one and does not has none."""
    keys = _keys(chips, listed)
    mapped = any(listed[key].logical is not None for key in keys.values())
    seats: dict[int, Seat] = {}
    for place, chip in enumerate(chips):
        row = listed[keys[place]] if place in keys else MapRow(None, None)
        logical = row.logical if mapped else chip.device
        if logical is None or logical == UNKNOWN:
            continue
        if logical in seats:
            raise NpuSmiError(f"npu-smi gives two chips the logical number {logical}", where="npu-smi info -m")
        npu, chip_id = keys.get(place, (chip.npu_id, chip.chip_id))
        seats[logical] = Seat(npu, chip_id, logical, chip.physical if row.physical is None else row.physical)
    return dict(sorted(seats.items()))


def _visible(text: str, there: Collection[int]) -> list[int]:
    """The logical numbers that the variable lists, by CANN's rules: separated by commas alone, and ascending.

    CANN stops without a word at the first one that breaks them, and leaves the rest invisible.
    """
    numbers = [int(word) for word in text.split(",")] if _LIST.fullmatch(text) else []
    ascending = all(one < next_one for one, next_one in zip(numbers, numbers[1:]))
    absent = [number for number in numbers if number not in there]
    if numbers and ascending and not absent:
        return numbers
    what = "is no list of logical numbers" if not numbers else "does not ascend"
    what = f"names the logical number {absent[0]}, which no chip has" if numbers and ascending else what
    raise NpuSmiError(
        f"{VISIBLE} {what}: CANN stops reading there, and sees fewer devices",
        measured=repr(text[:100]),
        allowed=f"some of {sorted(there)[:MOST_NAMED]}, each once, ascending, with commas and no spaces between",
        fix="correct it or unset it; --device then counts the devices that it lists from 0",
    )
