"""The lists of operators that keep float32: the files of --keep_dtype and --modify_mixlist, as atc reads them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.simulator.atc_error import invalid

OF_TYPE = "OpType::"


@dataclass(frozen=True)
class Operators:
    """Operators by the names of their nodes, and by their types in CANN."""

    names: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()


NONE = Operators()


def kept(path: str) -> Operators:
    """The lines of --keep_dtype: a node's name, or `OpType::` and a type; AtcError for a type that is none."""
    lines = [line.strip() for line in _text("keep_dtype", path).splitlines() if line.strip()]
    types = [line.removeprefix(OF_TYPE) for line in lines if line.startswith(OF_TYPE)]
    for name in types:
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
            reason = f"The operator type [{name}] in the config file is invalid. It must be in PascalCase."
            raise invalid("keep_dtype", path, reason, "E10003")
    return Operators(frozenset(line for line in lines if not line.startswith(OF_TYPE)), frozenset(types))


def blacklisted(path: str) -> Operators:
    """The types that --modify_mixlist adds to the black-list; AtcError for what is no such document."""
    try:
        types = json.loads(_text("modify_mixlist", path)).get("black-list", {}).get("to-add", [])
        return Operators(types=frozenset(map(str, types)))
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise invalid("modify_mixlist", path, "It is no mixlist in JSON.", "E10003") from error


def _text(flag: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise invalid(flag, path, "The file cannot be read.", "E10003") from error
