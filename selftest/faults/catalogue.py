"""All faults, and the page about them: `make faults` runs every fault and writes docs/faults.md anew."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from selftest.faults import (
    accuracy_faults,
    aipp_faults,
    checkpoint_faults,
    device_faults,
    handed_in_faults,
    hostile_faults,
    jpeg_faults,
    om_faults,
    onnx_faults,
    perf_faults,
    port_faults,
    precision_faults,
    preprocessing_faults,
    reference_faults,
    spec_faults,
)
from selftest.faults.fault import Catalogue, Fault
from selftest.faults.spec_faults import REFUSED
from tools.base.files import ROOT
from tools.judge import gates
from tools.judge.ids import GateId

PAGE = ROOT / "docs" / "faults.md"
MODULES = (
    *(checkpoint_faults, onnx_faults, spec_faults, preprocessing_faults, hostile_faults, om_faults),
    *(reference_faults, accuracy_faults, perf_faults, device_faults, port_faults, aipp_faults, handed_in_faults),
    *(precision_faults, jpeg_faults),
)
FAULTS: tuple[Fault, ...] = tuple(
    fault
    for module in MODULES
    for catalogue in vars(module).values()
    if isinstance(catalogue, Catalogue)
    for fault in catalogue.faults
)
INTRODUCTION = """
A gate that cannot fail is a defect. `selftest/faults/` puts each fault into a small but whole acceptance; the gate
named here must then be the first to turn red. A self-test fails when a gate of the inventory has no fault, or a fault
trips nothing. `make faults` runs them all and writes this page; `make test` runs the quickest of each gate. The
messages are the first line that the run printed (cut at 160 characters; folders and digests left out).

A gate that says INCONCLUSIVE fails a run on a device too: throughput 1 % under the floor lies within the noise of the
runs, so neither a pass nor a failure could be defended, and the line below says how many runs would settle it.

"""
REFUSALS = """
## Mistakes in the spec itself

No gate can see them, because gates are judged by the spec: they are refused before a run starts, or when the spec is
reviewed (`python tools/spec_diff.py OLD.yaml NEW.yaml`, exit status 1).

"""
HEADING = "| gate | faults | what the run says of the first |\n|---|---|---|\n"


def expected() -> dict[str, str]:
    """Every fault's name with the gate, or the door, that must see it; faults by gate, as the inventory has them."""
    order = [gate.id for gate in gates.INVENTORY]
    by_gate = sorted(FAULTS, key=lambda fault: order.index(GateId(fault.gate).gate))
    return {fault.name: fault.gate for fault in by_gate} | {fault.name: str(fault.door) for fault in REFUSED}


def by_gate() -> dict[str, list[str]]:
    """Gate (without its batch size) or door -> its faults."""
    found: dict[str, list[str]] = {}
    for name, gate in expected().items():
        found.setdefault(gate.partition("[")[0], []).append(name)
    return found


def shown() -> set[str]:
    """The faults whose message is on the page: the first of each gate and door."""
    return {names[0] for names in by_gate().values()}


def page(messages: Mapping[str, str], clean_runs: Sequence[str]) -> str:
    """The page in Markdown: the result, a row for each gate with its faults, and the clean runs."""
    doors = {str(fault.door) for fault in REFUSED}
    rows = {
        gate: f"| {gate} | {'; '.join(map(_escaped, names))} | {_code(messages[names[0]])} |\n"
        for gate, names in by_gate().items()
    }
    gates_seen = "".join(row for gate, row in rows.items() if gate not in doors)
    doors_seen = "".join(row for gate, row in rows.items() if gate in doors)
    clean, many = (
        sum(line.count(";") + 1 for line in clean_runs),
        f"{len(expected())} faults for {len(gates.INVENTORY)}",
    )
    return (
        f"# The fault catalogue\n\n**{many} gates: each was caught, by the gate named for it first. No false alarm in "
        f"{clean} clean runs.**\n"
        f"{INTRODUCTION}{HEADING}{gates_seen}{REFUSALS}{HEADING.replace('gate', 'refused by')}{doors_seen}\n"
        f"## Clean runs\n\nNothing was wrong in these, and no gate said so; they differ in what may differ.\n\n"
        + "".join(f"- {line}\n" for line in clean_runs)
    )


def clean_lines(runs: Sequence[tuple[str, str]]) -> list[str]:
    """Clean runs, as (what differs, how it ended), for the page: a line for each ending."""
    endings = dict.fromkeys(ending for _, ending in runs)
    return [f"{ending}: {'; '.join(differs for differs, own in runs if own == ending)}" for ending in endings]


def read_page(text: str) -> tuple[dict[str, str], list[str]]:
    """Fault -> message of every fault that is shown, and the lines of the clean runs."""
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    rows = {row[0].strip(): _plain(row[2]) for row in cells if len(row) == 3}
    first = {gate: names[0] for gate, names in by_gate().items()}
    messages = {first[gate]: message for gate, message in rows.items() if gate in first}
    return messages, [line[2:] for line in text.splitlines() if line.startswith("- ")]


def _code(message: str) -> str:
    """As code, whatever the message holds: in a table a pipe is escaped even there."""
    return f"`` {_escaped(message)} ``"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _plain(cell: str) -> str:
    return cell.strip().removeprefix("`` ").removesuffix(" ``").replace("\\|", "|")
