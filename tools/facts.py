"""Facts about artifacts, kept beside them as JSON: what was found out once need not be found out again."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

Fact = TypeVar("Fact")
FILE = "fact.json"


def save_fact(fact: object, folder: Path) -> None:
    """Keep a frozen result (dataclass, struct, tuple, text or number) as JSON."""
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(fact)))


def load_fact(folder: Path, kind: type[Fact]) -> Fact:
    """Read what save_fact wrote; msgspec.ValidationError when it is of another type."""
    return msgspec.json.decode((folder / FILE).read_bytes(), type=kind)
