"""Which of the two generations of ais_bench is simulated."""

from __future__ import annotations

import enum
import os

import aclruntime  # noqa: F401  puts the repository root on the path

from tools.ascend.simulator.faults import refuse


class Flavour(enum.StrEnum):
    """TOOLS is 2023's v0.0.2, AIT its successor with a path policy and other exit codes."""

    TOOLS = "tools"
    AIT = "ait"


def flavour() -> Flavour:
    """The one that ASCEND_SIMULATOR_AIS_BENCH names, TOOLS by default."""
    name = os.environ.get("ASCEND_SIMULATOR_AIS_BENCH", Flavour.TOOLS)
    if name not in list(Flavour):
        refuse(f"ASCEND_SIMULATOR_AIS_BENCH is {name!r}, known: {', '.join(Flavour)}")
    return Flavour(name)
