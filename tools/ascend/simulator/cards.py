"""The cards of the simulated host: their numbers, which of them a process sees, and which other people use.

Standard library only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from tools.ascend.simulator.chips import Chip
from tools.ascend.simulator.faults import refuse

DRIVER_26 = "26"
LARGEST = 99


@dataclass(frozen=True)
class Card:
    """One chip as npu-smi calls it, with the driver's logical number and the host's physical one."""

    npu: int
    chip: int
    logical: int
    physical: int


def driver_26() -> bool:
    """Whether npu-smi prints the tables of driver 26, of one chip a card: ASCEND_SIMULATOR_DRIVER."""
    asked = os.environ.get("ASCEND_SIMULATOR_DRIVER", "")
    if asked not in ("", DRIVER_26):
        refuse(f"ASCEND_SIMULATOR_DRIVER is {asked!r}, it must be empty or {DRIVER_26}")
    return asked == DRIVER_26


def cards(chip: Chip) -> tuple[Card, ...]:
    """The chips that npu-smi shows, in its order: all of one card, with driver 26 one a card.

    ASCEND_SIMULATOR_CONTAINER lists the physical numbers that a container is given, in the order of its logical ones.
    """
    if not driver_26():
        if os.environ.get("ASCEND_SIMULATOR_CONTAINER"):
            refuse("ASCEND_SIMULATOR_CONTAINER needs ASCEND_SIMULATOR_DRIVER=26")
        return tuple(Card(0, number, number, number) for number in range(chip.devices))
    physical = _numbers("ASCEND_SIMULATOR_CONTAINER") or tuple(range(chip.devices))
    return tuple(
        sorted((Card(npu, 0, logical, npu) for logical, npu in enumerate(physical)), key=lambda card: card.npu)
    )


def used_by_others() -> tuple[int, ...]:
    """NPU ids of cards on which a process of somebody else runs: ASCEND_SIMULATOR_BUSY, with driver 26."""
    found = _numbers("ASCEND_SIMULATOR_BUSY")
    if found and not driver_26():
        refuse("ASCEND_SIMULATOR_BUSY needs ASCEND_SIMULATOR_DRIVER=26")
    return found


def devices(chip: Chip) -> tuple[Card, ...]:
    """The cards by the numbers that a tool takes: what ASCEND_RT_VISIBLE_DEVICES leaves of the logical ones.

    As the driver's library does, reading stops at the first entry that is no number, not above the one before it, or of
    no card.
    """
    logical = sorted(cards(chip), key=lambda card: card.logical)
    asked = os.environ.get("ASCEND_RT_VISIBLE_DEVICES", "")
    if not asked:
        return tuple(logical)
    seen: list[int] = []
    for word in asked.split(","):
        number = int(word) if word.isascii() and word.isdigit() else -1
        if not (seen[-1] if seen else -1) < number < len(logical):
            break
        seen.append(number)
    return tuple(logical[number] for number in seen)


def _numbers(name: str) -> tuple[int, ...]:
    """A comma list of different small numbers, empty where the variable is not set."""
    text = os.environ.get(name, "")
    words = text.split(",") if text else []
    numbers = tuple(int(word) for word in words if word.isascii() and word.isdigit() and int(word) <= LARGEST)
    if len(set(numbers)) < len(words):
        refuse(f"{name} is {text!r}, it must be a comma list of different numbers up to {LARGEST}")
    return numbers
