"""The files that precision flags of atc name: which operators keep float32, and which get another implementation.

Their forms are those of CANN's public compiler sources and pages: `--keep_dtype` has a node's name or `OpType::Type` in
each line; `--op_precision_mode` has `[ByOpType]` and `[ByNodeName]`, each with lines `name=mode`; `--modify_mixlist` is
JSON, `{"black-list": {"to-add": [types], "to-remove": [types]}, "white-list": …, "gray-list": …}`. The compiler passes
over lines of the second that it does not understand, with a warning in a log; here they are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from tools.judge.atc_flags import BY_OPERATOR, KEEP, MIXLIST

MOST_BYTES = 1024 * 1024
IMPLEMENTATIONS = frozenset(
    {"high_precision", "high_performance", "super_performance", "support_out_of_bound_index", "keep_fp16"}
    | {"enable_float_32_execution", "enable_hi_float_32_execution", "norm_class"}
)
SECTIONS = ("[ByOpType]", "[ByNodeName]")
LISTS, CHANGES = ("black-list", "white-list", "gray-list"), ("to-add", "to-remove")
_TYPE, _OF_TYPE = re.compile(r"[A-Z][A-Za-z0-9]*"), "OpType::"


class FileError(ValueError):
    """A file that is none of its kind, in words."""


@dataclass(frozen=True)
class Operators:
    """Operators by the names of their nodes, and by their types in CANN."""

    names: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()


NONE = Operators()


def kept(text: str) -> Operators:
    """What `--keep_dtype` lists; FileError for a type that is none, or where nothing is listed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    types = [line[len(_OF_TYPE) :] for line in lines if line.startswith(_OF_TYPE)]
    for name in types:
        if not _TYPE.fullmatch(name):
            raise FileError(f"the operator type [{name}] is invalid, it must be in PascalCase")
    if not lines:
        raise FileError("it names no operator")
    return Operators(frozenset(line for line in lines if not line.startswith(_OF_TYPE)), frozenset(types))


def implementations(text: str) -> dict[str, str]:
    """What `--op_precision_mode` says, mode by operator; FileError for a line that the compiler would pass over."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if not said or line.startswith("#") or said in SECTIONS:
            continue
        name, equals, mode = (word.strip() for word in line.partition("="))
        if not equals or not name:
            raise FileError(f"line {number} is no `operator=mode` and none of {', '.join(SECTIONS)}")
        if mode not in IMPLEMENTATIONS:
            raise FileError(f"line {number}: {mode or 'nothing'} is none of {', '.join(sorted(IMPLEMENTATIONS))}")
        found[name] = mode
    if not found:
        raise FileError("it names no operator")
    return found


def blacklisted(text: str) -> Operators:
    """The types that `--modify_mixlist` keeps in float32; FileError for what is no such document."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise FileError(f"it is no JSON: {error}") from error
    if not isinstance(document, dict) or not document or not set(document) <= set(LISTS):
        raise FileError(f"it must hold some of {', '.join(LISTS)}")
    for name, changes in document.items():
        if not isinstance(changes, dict) or not set(changes) <= set(CHANGES):
            raise FileError(f"{name} must hold {' and '.join(CHANGES)}")
        for change, types in changes.items():
            if not isinstance(types, list) or not all(
                isinstance(kind, str) and _TYPE.fullmatch(kind) for kind in types
            ):
                raise FileError(f"{name}: {change} must be a list of operator types")
    return Operators(types=frozenset(document.get("black-list", {}).get("to-add", ())))


READERS: dict[str, Callable[[str], object]] = {
    KEEP: kept,
    BY_OPERATOR: implementations,
    MIXLIST: blacklisted,
}


def problem(flag: str, content: bytes) -> str:
    """Why this is no file for the flag, empty where it is one or nothing is known about its form."""
    if len(content) > MOST_BYTES:
        return f"it has {len(content)} bytes, at most {MOST_BYTES} are read"
    try:
        if flag in READERS:
            READERS[flag](content.decode())
    except (FileError, UnicodeDecodeError) as error:
        return str(error)
    return ""
