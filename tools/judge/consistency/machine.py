"""Does the machine fit what was measured on it?"""

from __future__ import annotations

from tools.judge.bundle import Bundle
from tools.judge.layout import FILE


def check_machine(bundle: Bundle) -> None:
    """What the toolchain says of itself fits what stands beside it."""
    machine = bundle.record.machine
    if machine is None:
        return
    said = {"target": bundle.record.target, "soc": machine.soc, "tool": machine.infer_tool}
    for name, value in machine.toolchain.items():
        if name in said:
            bundle.compare(f"{FILE}.machine.toolchain.{name}", value, said[name])
    boards = tuple(board.device for board in machine.boards)
    bundle.compare(f"{FILE}.machine.boards, their devices", boards, machine.devices)
    for place, entry in enumerate(bundle.record.device_throughput):
        for number, run in enumerate(entry.runs):
            where = f"{FILE}.device_throughput[{place}].runs[{number}]"
            bundle.compare(f"{where}.tool", run.tool, machine.infer_tool)
            if run.device not in machine.devices:
                bundle.problems.append(f"{where}.device: device {run.device} is none of the machine's")
