"""The tables of npu-smi from driver 26 on: a card a chip, and a fifth column in the table of processes.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tools.ascend.simulator.cards import Card
from tools.ascend.simulator.chips import Chip
from tools.ascend.simulator.faults import Fault, ordered

VERSION = "26.0.rc1"
IDLE_MB, TOTAL_MB = 3390, 65536
PROCESS_ID, PROCESS_NAME, PROCESS_MB = 48213, "python3.11", 4120
WIDTHS, PROCESS_WIDTHS = (27, 15, 70), (25, 15, 20, 23, 27)


def table(chip: Chip, cards: Sequence[Card], *, busy: Collection[int], working: bool, healthy: bool) -> str:
    """`npu-smi info` of these cards: the NPUs `busy` have a process; where `working`, all AI cores work without."""
    whole = sum(WIDTHS) + 2
    lines = [
        f"+{'-' * whole}+",
        f"| {f'npu-smi {VERSION}':<32} {f'Version: {VERSION}':<{whole - 35}} |",
        _rule(WIDTHS, "-"),
        _cells(WIDTHS, "NPU   Name", "Health", "Power(W)             Temp(C)                 Hugepages-Usage(page)"),
        _cells(WIDTHS, "Chip", "Bus-Id", "AICore(%)            Memory-Usage(MB)        HBM-Usage(MB)"),
        _rule(WIDTHS, "="),
    ]
    for place, card in enumerate(cards):
        used = card.npu in busy
        load, memory = 87 if used or working else 0, IDLE_MB + (PROCESS_MB if used else 0)
        health = "OK" if healthy or place else "Alarm"
        lines += [
            _cells(WIDTHS, f"{card.npu:<5} {chip.soc[6:]}", health, f"{'91.2':<20} {'41':<23} 0    / 0"),
            _cells(WIDTHS, f"{card.chip}", f"0000:{card.npu:02X}:00.0", _load(load, memory)),
            _rule(WIDTHS, "="),
        ]
    lines += [] if ordered(Fault.SMI_NO_PROCESS_TABLE) else _processes(cards, busy)
    return "".join(f"{line}\n" for line in lines)


def _load(percent: int, used_mb: int) -> str:
    return f"{percent:<20} {'0    / 0':<23} {used_mb:<4} / {TOTAL_MB}"


def _processes(cards: Sequence[Card], busy: Collection[int]) -> list[str]:
    """The second table; the process of somebody else has no number in this container."""
    head = ("NPU     Chip", "Process id", "Process name", "Process memory(MB)", "Process id in container")
    lines = [_rule(PROCESS_WIDTHS, "-"), _cells(PROCESS_WIDTHS, *head), _rule(PROCESS_WIDTHS, "=")]
    for card in cards:
        row = (f"{card.npu:<7} {card.chip}", str(PROCESS_ID), PROCESS_NAME, str(PROCESS_MB), "NA")
        none = _cells((sum(PROCESS_WIDTHS) + 4,), f"No running processes found in NPU {card.npu}")
        lines += [_cells(PROCESS_WIDTHS, *row) if card.npu in busy else none, _rule(PROCESS_WIDTHS, "=")]
    return lines


def _cells(widths: Sequence[int], *cells: str) -> str:
    return "|" + "|".join(f" {cell:<{width - 1}}" for width, cell in zip(widths, cells, strict=True)) + "|"


def _rule(widths: Sequence[int], dash: str) -> str:
    return f"+{'+'.join(dash * width for width in widths)}+"
