"""What every simulated tool says about itself; stdout keeps the vendor's shape, so this goes to stderr."""

from __future__ import annotations

import sys

from tools.ascend.simulator.faults import check_orders


def announce(tool: str) -> None:
    """Print that this is a simulation (no device, invented timings) and refuse orders of unknown faults."""
    print(f"[SIMULATOR] {tool}: a simulation, no Ascend device was used and every time is invented", file=sys.stderr)
    sys.stderr.flush()
    check_orders()
