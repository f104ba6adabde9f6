"""Frozen dataclasses to plain values of JSON and back, strictly: nothing missing, nothing unknown, no other type.

The annotations are read as text, so that `str | None` and `tuple[float, ...]` work on every Python from 3.8 on.
Understood are int, float, str, bool, None, dataclasses, enumerations, `Literal[…]`, `tuple[X, ...]`, `tuple[X, Y]`,
`dict[str, X]`, unions of these, classes that are texts, and the rules below. NaN and infinities, which JSON has not,
stand there as the texts `nan`, `inf` and `-inf`.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import math
import re
import sys
from typing import Any, Callable, Sequence, TypeVar

T = TypeVar("T")
Reader = Callable[[object, str], Any]
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
LARGEST_FLOAT = sys.float_info.max


class RecordError(ValueError):
    """A value that is not of the type asked for; `path` says where, such as `devices[0].soc`, empty at the top.

    `allowed` are the fields or words that there are, where an unknown one was given.
    """

    def __init__(self, message: str, path: str = "", allowed: Sequence[str] = ()) -> None:
        self.message, self.path, self.allowed = message, path, tuple(allowed)
        super().__init__(f"{message} - at `$.{path}`" if path else message)


@dataclasses.dataclass(frozen=True)
class Rule:
    """A text or a number that must satisfy more than its type; an annotation names it by the name of its variable."""

    base: type
    at_least: float | None = None
    at_most: float | None = None
    more_than: float | None = None
    pattern: str = ""
    not_empty: bool = False

    def fault(self, value: Any) -> str:  # noqa: ANN401 - of `base`
        """What is wrong with a value of the right type, empty when nothing is; NaN satisfies no bound."""
        name = f"Expected `{self.base.__name__}`"
        if self.pattern and not re.fullmatch(self.pattern, value):  # `$` alone lets a line feed through
            return f"{name} matching regex {self.pattern!r}"
        if self.not_empty and not value:
            return f"{name} of length >= 1"
        if self.at_least is not None and not value >= self.at_least:
            return f"{name} >= {self.base(self.at_least)}"
        if self.more_than is not None and not value > self.more_than:
            return f"{name} > {self.base(self.more_than)}"
        if self.at_most is not None and not value <= self.at_most:
            return f"{name} <= {self.base(self.at_most)}"
        return ""


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    """The value as JSON knows it: objects, lists, texts, numbers, true, false and null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value) if isinstance(value, str) else value


def read(kind: type[T], value: object, path: str = "") -> T:
    """A record, or a value of another simple type, from plain values; RecordError names what does not fit, and where.

    `kind` is a class; for a type of the `typing` kind (a tuple of texts) write a dataclass or call `read_as`.
    """
    found: T = _of_class(kind)(value, path)
    return found


def read_as(annotation: str, value: object, path: str = "") -> Any:  # noqa: ANN401 - as annotated
    """A value by an annotation of built-in types, e.g. `tuple[str, ...]`."""
    return _reader(ast.parse(annotation, mode="eval").body, names_in(object))(value, path)


def _named(value: object) -> str:
    """The type of a plain value in JSON's words."""
    names = {dict: "object", list: "array", tuple: "array", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def _expected(name: str, value: object, path: str) -> RecordError:
    return RecordError(f"Expected `{name}`, got `{_named(value)}`", path)


def _boolean(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _expected("bool", value, path)
    return value


def _whole(value: object, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _expected("int", value, path)
    return value


def _number(value: object, path: str) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _expected("float", value, path)
    if isinstance(value, int) and not -LARGEST_FLOAT <= value <= LARGEST_FLOAT:
        raise RecordError("Number out of range", path)
    return float(value)


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _expected("str", value, path)
    return str(value)


def _nothing(value: object, path: str) -> None:
    if value is not None:
        raise _expected("null", value, path)


SIMPLE: dict[type, Reader] = {bool: _boolean, int: _whole, float: _number, str: _text, type(None): _nothing}


def _of_class(kind: Any) -> Reader:  # noqa: ANN401 - a class or a rule
    if kind in SIMPLE:
        return SIMPLE[kind]
    if isinstance(kind, Rule):
        return functools.partial(_by_rule, kind)
    if dataclasses.is_dataclass(kind):
        return functools.partial(_object, kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return functools.partial(_member, kind)
    if isinstance(kind, type) and issubclass(kind, str):
        return lambda value, path: kind(_text(value, path))
    raise TypeError(f"{kind!r} is no type of a record")


def _by_rule(rule: Rule, value: object, path: str) -> Any:  # noqa: ANN401 - of the rule's base
    found = SIMPLE[rule.base](value, path)
    fault = rule.fault(found)
    if fault:
        raise RecordError(fault, path)
    return found


def _member(kind: type[enum.Enum], value: object, path: str) -> enum.Enum:
    try:
        return kind(value)
    except ValueError as error:
        raise RecordError(f"Invalid enum value {value!r}", path) from error


def _object(kind: Any, value: object, path: str) -> Any:  # noqa: ANN401 - a dataclass and its instance
    if not isinstance(value, dict):
        raise _expected("object", value, path)
    readers = _fields(kind)
    unknown = [name for name in value if name not in readers]
    if unknown:
        raise RecordError(f"Object contains unknown field `{unknown[0]}`", path, list(readers))
    given = {}
    for name, (reader, needed) in readers.items():
        if name in value:
            given[name] = reader(value[name], f"{path}.{name}" if path else name)
        elif needed:
            raise RecordError(f"Object missing required field `{name}`", path)
    try:
        return kind(**given)
    except RecordError:
        raise
    except ValueError as error:
        raise RecordError(str(error), path) from error


@functools.lru_cache(maxsize=None)
def _fields(kind: Any) -> dict[str, tuple[Reader, bool]]:  # noqa: ANN401 - a dataclass
    """Field -> how it is read, and whether it must be there."""
    missing = dataclasses.MISSING
    return {
        field.name: (
            _reader(ast.parse(str(field.type), mode="eval").body, names_in(kind)),
            field.default is missing and field.default_factory is missing,
        )
        for field in dataclasses.fields(kind)
    }


def names_in(kind: type) -> dict[str, Any]:
    """What an annotation in any class above may name; `object`, above them all, brings the built-in types."""
    found: dict[str, Any] = {}
    for above in reversed(kind.__mro__):
        found.update(vars(sys.modules[above.__module__]))
    return found


def _reader(node: ast.expr, names: dict[str, Any]) -> Reader:
    if isinstance(node, ast.Name):
        return _of_class(names[node.id])
    if isinstance(node, ast.Constant) and node.value is None:
        return _nothing
    if isinstance(node, ast.BinOp):
        return _union([_reader(side, names) for side in alternatives(node)], _simple_first(node, names))
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return _container(node.value.id, parameters(node), names)
    raise TypeError(f"{ast.dump(node)} is no annotation of a record")


def parameters(node: ast.Subscript) -> list[ast.expr]:
    """What stands in the brackets of an annotation."""
    inside: Any = node.slice
    inside = inside.value if type(inside).__name__ == "Index" else inside  # Python 3.8
    return inside.elts if isinstance(inside, ast.Tuple) else [inside]


def alternatives(node: ast.expr) -> list[ast.expr]:
    """The sides of a union, one for any other annotation."""
    if isinstance(node, ast.BinOp):
        return [*alternatives(node.left), *alternatives(node.right)]
    return [node]


def _simple_first(node: ast.expr, names: dict[str, Any]) -> str:
    """The alternatives in words, for the message."""
    return " | ".join(_word(side, names) for side in alternatives(node))


def _word(side: ast.expr, names: dict[str, Any]) -> str:
    """One alternative; a rule by the type that it takes."""
    if isinstance(side, ast.Constant):
        return "null"
    name = getattr(side, "id", "array")
    rule = names.get(name)
    return rule.base.__name__ if isinstance(rule, Rule) else name


def _union(readers: list[Reader], words: str) -> Reader:
    def read_one(value: object, path: str) -> Any:  # noqa: ANN401 - one of several
        errors = []
        for reader in sorted(readers, key=lambda reader: reader is not _text):  # `nan` is a text where texts may stand
            try:
                return reader(value, path)
            except RecordError as error:
                errors.append(error)
        if value is not None and len(readers) == 2 and "null" in words:
            raise errors[0]
        deepest = max(errors, key=lambda error: len(error.path))
        if len(deepest.path) > len(path):
            raise deepest
        raise _expected(words, value, path)

    return read_one


def _container(name: str, parts: list[ast.expr], names: dict[str, Any]) -> Reader:
    if name == "Literal":
        allowed = tuple(ast.literal_eval(part) for part in parts)
        return functools.partial(_literal, allowed)
    if name == "dict":
        return functools.partial(_dict, _reader(parts[0], names), _reader(parts[1], names))
    if name in ("tuple", "list"):
        endless = name == "list" or (len(parts) == 2 and isinstance(parts[1], ast.Constant))
        readers = [_reader(part, names) for part in (parts[:1] if endless else parts)]
        return functools.partial(_sequence, readers, endless, tuple if name == "tuple" else list)
    raise TypeError(f"{name}[…] is no annotation of a record")


def _literal(allowed: tuple[Any, ...], value: object, path: str) -> Any:  # noqa: ANN401 - one of `allowed`
    if not any(value == one and type(value) is type(one) for one in allowed):
        raise RecordError(f"Invalid enum value {value!r}", path, [str(one) for one in allowed])
    return value


def _dict(key: Reader, item: Reader, value: object, path: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise _expected("object", value, path)
    return {key(name, path): item(entry, f"{path}[...]") for name, entry in value.items()}


def _sequence(readers: list[Reader], endless: bool, kind: Any, value: object, path: str) -> Any:  # noqa: ANN401
    if not isinstance(value, (list, tuple)):
        raise _expected("array", value, path)
    if endless:
        return kind(readers[0](item, f"{path}[{index}]") for index, item in enumerate(value))
    if len(value) != len(readers):
        raise RecordError(f"Expected `array` of length {len(readers)}, got {len(value)}", path)
    return kind(reader(item, f"{path}[{index}]") for index, (reader, item) in enumerate(zip(readers, value)))
