"""What every simulated tool says about itself; stdout keeps the vendor's shape, so this goes to stderr."""

from __future__ import annotations

import os
import sys

from tools.ascend.simulator.faults import check_orders, refuse

SLOG = """\
[INFO] GE({pid},{tool}):2026-03-01-15:59:07.739.100 [gelib.cc:120]{pid} Initialize: start
[ERROR] GE({pid},{tool}):2026-03-01-15:59:07.739.753 [host_cpu_engine.cc:288]{pid} LoadLib: DlOpen failed
[EVENT] PROFILING({pid},{tool}):2026-03-01-15:59:07.751.041 ok"""
SILENT = "npu-smi"


def announce(tool: str) -> None:
    """Print that this is a simulation (no device, invented timings) and refuse orders of unknown faults.

    ASCEND_SIMULATOR_SLOG=1 mixes lines of the libraries' own log into stdout, as they come where nothing stops them.
    """
    print(f"[SIMULATOR] {tool}: a simulation, no Ascend device was used and every time is invented", file=sys.stderr)
    sys.stderr.flush()
    check_orders()
    noise = os.environ.get("ASCEND_SIMULATOR_SLOG", "")
    if noise not in ("", "1"):
        refuse(f"ASCEND_SIMULATOR_SLOG is {noise!r}, it must be empty or 1")
    if noise and tool != SILENT:
        print(SLOG.format(pid=os.getpid(), tool=tool), flush=True)
