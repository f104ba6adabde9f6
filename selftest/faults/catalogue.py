"""All faults, and the page about them: `make faults` runs every fault and writes docs/faults.md anew."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from selftest.faults import (
    accuracy_faults,
    checkpoint_faults,
    device_faults,
    hostile_faults,
    om_faults,
    onnx_faults,
    perf_faults,
    preprocessing_faults,
    spec_faults,
)
from selftest.faults.fault import Catalogue, Fault
from selftest.faults.spec_faults import REFUSED
from tools.base.files import ROOT
from tools.judge import gates

PAGE = ROOT / "docs" / "faults.md"
MODULES = (
    *(checkpoint_faults, onnx_faults, spec_faults, preprocessing_faults, hostile_faults, om_faults),
    *(accuracy_faults, perf_faults, device_faults),
)
FAULTS: tuple[Fault, ...] = tuple(
    fault
    for module in MODULES
    for catalogue in vars(module).values()
    if isinstance(catalogue, Catalogue)
    for fault in catalogue.faults
)
INTRODUCTION = """# The fault catalogue

A gate that cannot fail is a defect. Each row is a fault that `selftest/faults/` puts into a small but whole acceptance,
the gate that must then be the first to turn red, and the first line that the run printed about it (cut at 160
characters; folders and digests left out). A test fails when a gate of the inventory has no fault, or a fault trips
nothing. Written by `make faults`, which runs all of them.

A gate that says INCONCLUSIVE fails a run on a device too: throughput 1 % under the floor lies within the noise of the
runs, so neither a pass nor a failure could be defended, and the line below says how many runs would settle it.

"""
REFUSALS = """
The rest are mistakes in the spec itself. No gate can see them, because gates are judged by the spec: they are refused
before a run starts, or when the spec is reviewed (`python tools/spec_diff.py OLD.yaml NEW.yaml`, exit status 1).

"""
HEADING = "| fault | gate | message |\n|---|---|---|\n"


def expected() -> dict[str, str]:
    """Every fault's name with the gate, or the door, that must see it; faults by gate, as the inventory has them."""
    order: list[str] = [gate.id for gate in gates.INVENTORY]
    by_gate = sorted(FAULTS, key=lambda fault: order.index(fault.gate.partition("[")[0]))
    return {fault.name: fault.gate for fault in by_gate} | {fault.name: str(fault.door) for fault in REFUSED}


def page(messages: Mapping[str, str], clean_runs: Sequence[str]) -> str:
    """The page in Markdown: a row for each fault with its message, and a line for each clean run."""
    rows = {name: f"| {name} | {gate} | {_code(messages[name])} |\n" for name, gate in expected().items()}
    refused = {fault.name for fault in REFUSED}
    caught = "".join(row for name, row in rows.items() if name not in refused)
    at_the_door = "".join(rows[name] for name in rows if name in refused)
    clean = "".join(f"- {line}\n" for line in clean_runs)
    return (
        f"{INTRODUCTION}{HEADING}{caught}{REFUSALS}{HEADING.replace('gate', 'refused by')}{at_the_door}\n"
        f"{len(rows)} faults, {len(gates.INVENTORY)} gates.\n\n"
        f"## Clean runs\n\nNothing was wrong in these, and no gate said so; they differ in what may differ.\n\n{clean}"
    )


def read_page(text: str) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Name -> (gate, message) of every row, and the clean runs."""
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    rows = {row[0].strip(): (row[1].strip(), _plain(row[2])) for row in cells if len(row) == 3}
    rows.pop("fault", None)
    return rows, [line[2:] for line in text.splitlines() if line.startswith("- ")]


def _code(message: str) -> str:
    """As code, whatever the message holds: in a table a pipe is escaped even there."""
    return "`` " + message.replace("|", "\\|") + " ``"


def _plain(cell: str) -> str:
    return cell.strip().removeprefix("`` ").removesuffix(" ``").replace("\\|", "|")
