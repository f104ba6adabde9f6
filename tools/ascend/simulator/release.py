"""Which CANN release the simulated atc speaks as: ASCEND_SIMULATOR_CANN, by default the last of the older form."""

from __future__ import annotations

import os

from tools.ascend.simulator.faults import refuse

VARIABLE = "ASCEND_SIMULATOR_CANN"
DEFAULT = "8.1"
RELEASES = ("7.0", "8.0", "8.1", "8.5", "9.0", "9.1")
"""Those whose sources or texts were seen; nobody knows how 8.2 and 8.3 write."""
FIRST_TITLED = (8, 5)


def release() -> str:
    """The release as its version is written."""
    name = os.environ.get(VARIABLE, DEFAULT)
    if name not in RELEASES:
        refuse(f"{VARIABLE} is {name!r}, known: {', '.join(RELEASES)}")
    return name


def speaks_titled() -> bool:
    """Whether messages are of the form of 8.5 and later: stamp and title before the code, no brackets."""
    return tuple(map(int, release().split("."))) >= FIRST_TITLED
