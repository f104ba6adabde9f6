"""Texts of npu-smi: the table of old drivers for 310 cards, the newer one for 310P3, and the two lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.ascend.simulator.cards import Card, driver_26
from tools.ascend.simulator.chips import Chip
from tools.ascend.simulator.faults import Fault, ordered

PROCESS_ID, PROCESS_NAME, PROCESS_MB = 4711, "python3", 1200


@dataclass(frozen=True)
class Layout:
    """One table variant: column widths, the heads' second cells, and how the two value rows end."""

    version: str
    widths: tuple[int, int, int]
    heads: tuple[str, str]
    idle_mb: int
    total_mb: int
    hugepages: bool


LAYOUTS = {
    "Ascend310": Layout(
        version="21.0.2",
        widths=(19, 17, 40),
        heads=("Power(W)          Temp(C)", "AICore(%)         Memory-Usage(MB)"),
        idle_mb=621,
        total_mb=8192,
        hugepages=False,
    ),
    "Ascend310P3": Layout(
        version="22.0.2",
        widths=(19, 17, 54),
        heads=("Power(W)     Temp(C)           Hugepages-Usage(page)", "AICore(%)    Memory-Usage(MB)"),
        idle_mb=1074,
        total_mb=21534,
        hugepages=True,
    ),
}


def table(chip: Chip, *, busy: bool, healthy: bool, working: bool = False) -> str:
    """`npu-smi info`: two rows a chip; the newer layout ends with a process table.

    A `busy` chip works for a process that holds memory, one that is `working` shows nothing but the AI core's figure.
    """
    layout = LAYOUTS[chip.soc]
    inner = sum(layout.widths) + 2
    lines = [
        f"+{'-' * inner}+",
        f"| {f'npu-smi {layout.version}':<34} {f'Version: {layout.version}':<{inner - 37}} |",
        _rule(layout, "-"),
        _row(layout, "NPU     Name", "Health", layout.heads[0]),
        _row(layout, "Chip    Device", "Bus-Id", layout.heads[1]),
        _rule(layout, "="),
    ]
    for device in range(chip.devices):
        lines += _chip_rows(chip, layout, device, busy, working, "OK" if healthy or device else "Alarm")
        lines.append(_rule(layout, "-" if device + 1 < chip.devices else "="))
    if layout.hugepages and not ordered(Fault.SMI_NO_PROCESS_TABLE):
        lines += _processes(busy)
    return cut("".join(f"{line}\n" for line in lines))


def cut(text: str) -> str:
    """The text, or as much of it as ends after the first chip's first row where truncation is ordered."""
    if not ordered(Fault.SMI_TRUNCATED):
        return text
    return text[: text.index("\n", text.index("| 0  ")) + 1]


def _chip_rows(chip: Chip, layout: Layout, device: int, busy: bool, working: bool, health: str) -> list[str]:
    name = chip.soc.removeprefix("Ascend")
    load, used = 87 if busy or working else 0, layout.idle_mb + (PROCESS_MB if busy else 0)
    if layout.hugepages:
        first, second = "15.8         42                0    / 0", f"{load:<12} {used:<4} / {layout.total_mb}"
    else:
        first, second = "12.8              45", f"{load:<17} {used:<4} / {layout.total_mb}"
    return [
        _row(layout, f"0       {name}", health, first),
        _row(layout, f"{device}       {device}", f"0000:{5 + device:02X}:00.0", second),
    ]


def _processes(busy: bool) -> list[str]:
    layout = (25, 17, 26, 21)
    rule = f"+{'+'.join('-' * width for width in layout)}+"
    head = ("NPU     Chip", "Process id", "Process name", "Process memory(MB)")
    row = ("0       0", str(PROCESS_ID), PROCESS_NAME, str(PROCESS_MB))
    cells = f"| {'No running processes found in NPU 0':<90} |"
    return [rule, _cells(layout, head), rule.replace("-", "="), _cells(layout, row) if busy else cells, rule]


def _row(layout: Layout, *cells: str) -> str:
    return _cells(layout.widths, cells)


def _cells(widths: tuple[int, ...], cells: tuple[str, ...]) -> str:
    return "|" + "|".join(f" {cell:<{width - 1}}" for width, cell in zip(widths, cells, strict=True)) + "|"


def _rule(layout: Layout, dash: str) -> str:
    return f"+{'+'.join(dash * width for width in layout.widths)}+"


def cards(shown: Sequence[Card]) -> str:
    """`npu-smi info -l`: the cards and how many chips each carries."""
    npus = sorted({card.npu for card in shown})
    fields: list[tuple[str, int]] = [("Total Count" if driver_26() else "Card Count", len(npus))]
    for npu in npus:
        fields += [("NPU ID", npu), ("Chip Count", sum(card.npu == npu for card in shown))]
    return "".join(f"\t{name:<31}: {value}\n" for name, value in fields)


def mapping(chip: Chip, shown: Sequence[Card]) -> str:
    """`npu-smi info -m`: logical ids by card and chip, with a card's management unit as an extra row.

    With driver 26 the physical ids stand there too.
    """
    name, physical = f"Ascend {chip.soc.removeprefix('Ascend')}", driver_26()
    rows = [("NPU ID", "Chip ID", "Chip Logic ID", *(("Chip Phy-ID",) if physical else ()), "Chip Name")]
    for card in shown:
        numbers = (card.npu, card.chip, card.logical, *((card.physical,) if physical else ()))
        rows.append((*map(str, numbers), name))
        if card.chip == max(other.chip for other in shown if other.npu == card.npu):
            rows.append((str(card.npu), str(card.chip + 1), "-", *(("-",) if physical else ()), "Mcu"))
    return "".join("\t" + "".join(f"{cell:<31}" for cell in row).rstrip() + "\n" for row in rows)


def board(chip: Chip, npu: int, shown: Sequence[Card]) -> str:
    """`npu-smi info -t board`: what tells the card from another one; firmware is NA for a user who is not root."""
    serial = f"SIMULATOR{npu}" if driver_26() else "SIMULATOR"
    fields = (
        *(("NPU ID", str(npu)), ("Product Name", "NA"), ("Model", "NA"), ("Manufacturer", "Huawei")),
        *(("Serial Number", serial), ("Software Version", LAYOUTS[chip.soc].version)),
        *(("Firmware Version", "NA"), ("Chip Count", str(sum(card.npu == npu for card in shown)))),
        ("Faulty Chip Count", "0"),
    )
    return "".join(f"\t{name:<31}: {value}\n" for name, value in fields)
