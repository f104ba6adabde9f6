"""What an OM file begins with, whoever wrote it: a second word on whether a real compiler made it."""

from __future__ import annotations

from pathlib import Path

from tools.base.errors import OmError

MAGIC = b"IMOD"
"""`ModelFileHeader.magic`, 0x444F4D49 in little-endian order: what every runtime of CANN asks for."""


def refuse_other_formats(om: Path, *, gate: str) -> None:
    """OmError for a file that no device could load, such as the simulator's own, whatever its tools print."""
    with om.open("rb") as handle:
        found = handle.read(len(MAGIC))
    if found != MAGIC:
        raise OmError(
            "the OM is in no format that a device loads, so no compiler of CANN made it",
            gate=gate,
            where=om,
            measured=repr(found),
            allowed=repr(MAGIC),
            fix="look which `atc` is on PATH",
        )
