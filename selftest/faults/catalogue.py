"""All faults, and the table of them: `python -m selftest.faults.catalogue` writes docs/faults.md anew."""

from __future__ import annotations

from selftest.faults import (
    accuracy_faults,
    checkpoint_faults,
    device_faults,
    om_faults,
    onnx_faults,
    perf_faults,
    preprocessing_faults,
)
from selftest.faults.fault import Catalogue, Fault
from tools import gates
from tools.files import atomic
from tools.spec import ROOT

PAGE = ROOT / "docs" / "faults.md"
MODULES = (
    *(checkpoint_faults, onnx_faults, preprocessing_faults, om_faults),
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
and the gate that must then be the first to turn red. A test fails when a gate of the inventory has no fault, or a fault
trips nothing. Written by `python -m selftest.faults.catalogue`.

"""


def page() -> str:
    """The page in Markdown: faults by gate, in the order of the inventory."""
    order = [gate.id for gate in gates.INVENTORY]
    rows = sorted(FAULTS, key=lambda fault: order.index(fault.gate.partition("[")[0]))
    lines = ["| gate | fault |", "|---|---|", *(f"| `{fault.gate}` | {fault.name} |" for fault in rows)]
    return INTRODUCTION + "\n".join(lines) + f"\n\n{len(rows)} faults, {len(order)} gates.\n"


if __name__ == "__main__":
    with atomic(PAGE) as partial:
        partial.write_text(page(), encoding="utf-8")
