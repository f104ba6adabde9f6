"""The simulated npu-smi: `info`, `info -l`, `info -m`, `info -t board -i 0` in the layouts of fact sheet section 4.

Standard library only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from tools.ascend.simulator import npu_smi_driver26, npu_smi_tables
from tools.ascend.simulator.cards import Card, cards, driver_26, used_by_others
from tools.ascend.simulator.chips import Chip, present_chip
from tools.ascend.simulator.console import announce
from tools.ascend.simulator.faults import Fault, forget_use, hang_or_die, ordered, was_used

DCMI_FAILED = "dcmi module initialize failed. ret is -8005"
USAGE = "Usage: npu-smi info [-l | -m | -t board -i 0]"
EXIT_FAILED = 255


def main(argv: Sequence[str]) -> int:
    """Print the table or list asked for; exit status 255 where the driver cannot be reached or the words are wrong."""
    announce("npu-smi")
    hang_or_die(Fault.SMI_HANG)
    if ordered(Fault.SMI_DCMI_FAILED):
        print(DCMI_FAILED)
        return EXIT_FAILED
    chip = present_chip()
    shown = cards(chip)
    boards = [["info", "-t", "board", "-i", str(card.npu)] for card in shown]
    if list(argv) == ["info"]:
        print(_table(chip, shown), end="")
    elif list(argv) == ["info", "-l"]:
        print(npu_smi_tables.cards(shown), end="")
    elif list(argv) == ["info", "-m"]:
        print(npu_smi_tables.mapping(chip, shown), end="")
    elif list(argv) in boards:
        print(npu_smi_tables.board(chip, int(argv[-1]), shown), end="")
    else:
        print(USAGE)
        return EXIT_FAILED
    return 0


def _table(chip: Chip, shown: Sequence[Card]) -> str:
    busy, healthy, working = _busy(), _healthy(), _working()
    others = used_by_others()
    if not driver_26():
        return npu_smi_tables.table(chip, busy=busy, healthy=healthy, working=working)
    used = [card.npu for card in shown if busy or card.npu in others]
    return npu_smi_tables.cut(npu_smi_driver26.table(chip, shown, busy=used, working=working, healthy=healthy))


def _busy() -> bool:
    return ordered(Fault.DEVICE_BUSY) or (ordered(Fault.DEVICE_BUSY_HALF_WAY) and was_used())


def _working() -> bool:
    """Whether the AI core alone works: it does so for one table where the figure lags."""
    if ordered(Fault.DEVICE_AICORE_LAGS) and was_used():
        forget_use()
        return True
    return ordered(Fault.DEVICE_AICORE_STAYS) and was_used()


def _healthy() -> bool:
    return not (ordered(Fault.DEVICE_UNHEALTHY) or (ordered(Fault.DEVICE_UNHEALTHY_HALF_WAY) and was_used()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
