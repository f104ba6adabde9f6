"""A record's type as JSON Schema, from the annotations by which tools/judge/records.py reads it."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
from typing import Any

from tools.judge.records import NOT_FINITE, alternatives, names_in, parameters

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER = "Number"
SIMPLE = {
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "float": {"$ref": f"#/$defs/{NUMBER}"},
    "str": {"type": "string"},
}


def json_schema(kind: type) -> dict[str, Any]:
    """The schema of a dataclass: every field is required, none may be added, a float may be NaN or infinite as a text.

    TypeError for an annotation that no record has.
    """
    found: dict[str, Any] = {
        NUMBER: {
            "description": "A float; what JSON has no number for is a text.",
            "anyOf": [{"type": "number"}, {"enum": list(NOT_FINITE)}],
        }
    }
    root = _reference(kind, found)
    return {"$schema": DIALECT, **root, "$defs": dict(sorted(found.items()))}


def _reference(kind: type, found: dict[str, Any]) -> dict[str, Any]:
    """Where the schema of a class stands in `found`, into which it is put first; texts of any class are plain."""
    if dataclasses.is_dataclass(kind) or issubclass(kind, enum.Enum):
        if kind.__name__ not in found:
            found[kind.__name__] = {}  # taken, whatever the fields lead to
            found[kind.__name__] = _object(kind, found) if dataclasses.is_dataclass(kind) else _members(kind)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if issubclass(kind, str):
        return SIMPLE["str"]
    raise TypeError(f"{kind!r} is no type of a record")


def _object(kind: type, found: dict[str, Any]) -> dict[str, Any]:
    names = names_in(kind)
    fields: list[dataclasses.Field[Any]] = list(dataclasses.fields(kind))
    return {
        "description": inspect.getdoc(kind),
        "type": "object",
        "properties": {
            field.name: _schema(ast.parse(str(field.type), mode="eval").body, names, found) for field in fields
        },
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def _members(kind: type[enum.Enum]) -> dict[str, Any]:
    return {"description": inspect.getdoc(kind), "enum": [member.value for member in kind]}


def _schema(node: ast.expr, names: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    if isinstance(node, ast.BinOp):
        return {"anyOf": [_schema(side, names, found) for side in alternatives(node)]}
    if isinstance(node, ast.Constant) and node.value is None:
        return {"type": "null"}
    if isinstance(node, ast.Name):
        return SIMPLE.get(node.id) or _reference(names[node.id], found)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inside = parameters(node)
        kinds = [_schema(part, names, found) for part in inside if not _endless(part)]
        if node.value.id == "dict":
            return {"type": "object", "additionalProperties": kinds[1]}
        if node.value.id == "tuple" and _endless(inside[-1]):
            return {"type": "array", "items": kinds[0]}
    raise TypeError(f"{ast.dump(node)} is no annotation of a record")


def _endless(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
