"""Are the files that precision flags of atc name of their kind? A line that the compiler passes over is refused here.

Their forms are those of CANN's public compiler sources and pages: `--keep_dtype` has a node's name or `OpType::Type` in
each line; `--op_precision_mode` has `[ByOpType]` and `[ByNodeName]`, each with lines `name=mode`; `--modify_mixlist` is
JSON, `{"black-list": {"to-add": [types], "to-remove": [types]}, "white-list": …, "gray-list": …}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tools.judge.atc_flags import BY_OPERATOR, KEEP, MIXLIST

IMPLEMENTATIONS = frozenset(
    {"high_precision", "high_performance", "super_performance", "support_out_of_bound_index", "keep_fp16"}
    | {"enable_float_32_execution", "enable_hi_float_32_execution", "norm_class"}
)
SECTIONS = ("[ByOpType]", "[ByNodeName]")
LISTS, CHANGES = ("black-list", "white-list", "gray-list"), ("to-add", "to-remove")
_TYPE, _OF_TYPE = re.compile(r"[A-Z][A-Za-z0-9]*"), "OpType::"


class FileError(ValueError):
    """A file that is none of its kind, in words."""


def problem(flag: str, content: bytes) -> str:
    """Why this is no file for the flag, empty where it is one or nothing is known about its form."""
    try:
        if flag in _CHECKS:
            _CHECKS[flag](content.decode())
    except (FileError, UnicodeDecodeError) as error:
        return str(error)
    return ""


def _check_kept(text: str) -> None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for name in (line[len(_OF_TYPE) :] for line in lines if line.startswith(_OF_TYPE)):
        if not _TYPE.fullmatch(name):
            raise FileError(f"the operator type [{name}] is invalid, it must be in PascalCase")
    if not lines:
        raise FileError("it names no operator")


def _check_implementations(text: str) -> None:
    found = 0
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if not said or line.startswith("#") or said in SECTIONS:
            continue
        name, equals, mode = (word.strip() for word in line.partition("="))
        if not equals or not name:
            raise FileError(f"line {number} is no `operator=mode` and none of {', '.join(SECTIONS)}")
        if mode not in IMPLEMENTATIONS:
            raise FileError(f"line {number}: {mode or 'nothing'} is none of {', '.join(sorted(IMPLEMENTATIONS))}")
        found += 1
    if not found:
        raise FileError("it names no operator")


def _check_mixlist(text: str) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"it is no JSON: {error}") from error
    if not isinstance(document, dict) or not document or not set(document) <= set(LISTS):
        raise FileError(f"it must hold some of {', '.join(LISTS)}")
    for name, changes in document.items():
        if not isinstance(changes, dict) or not set(changes) <= set(CHANGES):
            raise FileError(f"{name} must hold {' and '.join(CHANGES)}")
        for change, types in changes.items():
            if not isinstance(types, list) or not all(_TYPE.fullmatch(str(kind)) for kind in types):
                raise FileError(f"{name}: {change} must be a list of operator types")


_CHECKS: dict[str, Callable[[str], None]] = {
    KEEP: _check_kept,
    BY_OPERATOR: _check_implementations,
    MIXLIST: _check_mixlist,
}
