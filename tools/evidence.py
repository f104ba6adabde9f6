"""The evidence of a run: what its verdict rests on, written whole at its end."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tools.files import atomic
from tools.judge.results import GateResult, RunVerdict

FILE = "acceptance.json"
SCHEMA = 1


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """One run: its last word, every gate's result, the inputs as the header told them, artifacts found or made."""

    schema: int = SCHEMA
    verdict: RunVerdict
    gates: list[GateResult]
    inputs: list[str]
    artifacts: list[str]


def write_acceptance(folder: Path, acceptance: Acceptance) -> Path:
    """Write `acceptance.json` into the evidence folder, whole or not at all."""
    path = folder / FILE
    with atomic(path) as partial:
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(acceptance), indent=1))
    return path


def read_acceptance(folder: Path) -> Acceptance:
    """Read what write_acceptance wrote; msgspec.ValidationError when it is something else."""
    return msgspec.json.decode((folder / FILE).read_bytes(), type=Acceptance)
