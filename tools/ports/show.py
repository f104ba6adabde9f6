"""A resolved port as text that reads like YAML, each value with the file and line that it was read from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import yaml

from tools.judge import records
from tools.judge.numbers import Number
from tools.ports.document import child
from tools.ports.origins import Origins, Shared
from tools.ports.spec import Port

INDENT = 2
WORDS = ("source", "reason")
"""Texts of a number; they stand below it, one a line."""
PRINTED_WIDTH, LEAST_WIDTH, LEAST_ORIGIN = 120, 66, 20


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of text, and where its value was read; empty for a line that only leads to others."""

    text: str
    origin: str = ""


Path = tuple[str, ...]


def shown(port: Port, width: int | None) -> str:
    """The whole port. A text longer than `width` is cut and ends in an ellipsis; None cuts nothing."""
    lines = list(_record(port.spec, port.tree, (), 0, Origins(port)))
    aligned = _column(lines, width)
    return "\n".join(_joined(line, aligned, width) for line in lines)


def _column(lines: list[Line], width: int | None) -> int:
    """Where the origins begin: so that the longest fits into the width, unless it would leave no room for values."""
    longest = max(len(line.origin) for line in lines)
    return max((width or PRINTED_WIDTH) - longest - len("# "), LEAST_WIDTH)


def _joined(line: Line, column: int, width: int | None) -> str:
    """Value and origin. Of a text that is cut the end is lost, of an origin the folders."""
    text, origin = line.text, line.origin
    if width is not None:
        text, room = _cut(text, column - 1 if origin else width), max(width - column - len("# "), LEAST_ORIGIN)
        origin = origin if len(origin) <= room else f"…{origin[1 - room :]}"
    if not origin:
        return text.rstrip()
    return f"{text.ljust(column)}{'' if len(text) < column else '  '}# {origin}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _record(value: object, node: yaml.Node | None, path: Path, depth: int, origins: Origins) -> Iterator[Line]:
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        found = child(node, field.name)
        yield from _value(field.name, getattr(value, field.name), found, (*path, field.name), depth, origins)


def _value(
    name: str, value: object, node: yaml.Node | None, path: Path, depth: int, origins: Origins
) -> Iterator[Line]:
    lead = f"{' ' * INDENT * depth}{name}:"
    if isinstance(value, Number):
        yield from _number(lead, value, node, path, origins)
    elif dataclasses.is_dataclass(value):
        yield Line(lead)
        yield from _record(value, node, path, depth + 1, origins)
    elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        yield Line(lead)
        yield from _items(value, node, path, depth + 1, origins)
    elif isinstance(value, dict) and value:
        yield Line(lead)
        for key, item in value.items():
            found = child(node, key)
            yield from _value(key, item, found, (*path, key), depth + 1, origins)
    else:
        yield Line(f"{lead} {_plain(value, node)}", origins.of(node, path))
        yield from _instead(origins.overridden(path), lead)


def _items(
    values: tuple[object, ...], node: yaml.Node | None, path: Path, depth: int, origins: Origins
) -> Iterator[Line]:
    """Entries of a list, each with a dash before its first field."""
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [None] * len(values)
    for value, item in zip(values, nodes, strict=True):
        first, *rest = _record(value, item, (*path, ""), depth + 1, origins)
        dash = " " * INDENT * depth + "- " + first.text.lstrip()
        yield Line(dash, first.origin)
        yield from rest


def _number(lead: str, value: Number, node: yaml.Node | None, path: Path, origins: Origins) -> Iterator[Line]:
    """Bound and unit in one line, what is said about them below."""
    fields = [field.name for field in dataclasses.fields(value)]  # type: ignore[arg-type]
    pairs = {name: child(node, name) for name in fields if name not in WORDS}
    said = ", ".join(f"{name}: {_plain(getattr(value, name), found)}" for name, found in pairs.items())
    yield Line(f"{lead} {{{said}}}", origins.of(node, path))
    inside = " " * (len(lead) - len(lead.lstrip()) + INDENT)
    for name in WORDS:
        if getattr(value, name):
            yield Line(f"{inside}{name}: {getattr(value, name)}")
    yield from _instead(origins.overridden(path), lead)


def _instead(shared: Shared | None, lead: str) -> Iterator[Line]:
    """What all ports share in the place of an override."""
    if shared is None:
        return
    inside = " " * (len(lead) - len(lead.lstrip()) + INDENT)
    if shared.reason:
        yield Line(f"{inside}# reason: {shared.reason}")
    yield Line(f"{inside}# instead of {_shared(shared.node)}", shared.where)


def _shared(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        pairs = [(key.value, value) for key, value in node.value if key.value not in WORDS]
        return f"{{{', '.join(f'{key}: {_shared(value)}' for key, value in pairs)}}}"
    if isinstance(node, yaml.SequenceNode):
        return f"[{', '.join(map(_shared, node.value))}]"
    return str(node.value)


def _plain(value: object, node: yaml.Node | None) -> str:
    """A value as it was written (1.0e-3 stays so), else as YAML would."""
    if isinstance(node, yaml.ScalarNode):
        return str(node.value) if isinstance(value, (int, float)) and node.value else _scalar(value)
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and value and not value[0].isspace():
        return value
    return json.dumps(records.plain(value), ensure_ascii=False)
