"""Facts about artifacts, kept beside them as JSON: what was found out once need not be found out again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import msgspec

Fact = TypeVar("Fact")
FILE = "fact.json"


def save_fact(fact: object, folder: Path) -> None:
    """Keep a frozen result (dataclass, struct, tuple, text or number) as JSON, NaN and infinities included."""
    (folder / FILE).write_text(json.dumps(msgspec.to_builtins(fact), indent=1), encoding="utf-8")


def load_fact(folder: Path, kind: type[Fact]) -> Fact:
    """Read what save_fact wrote; msgspec.ValidationError when it is of another type."""
    return msgspec.convert(json.loads((folder / FILE).read_text(encoding="utf-8")), kind)
