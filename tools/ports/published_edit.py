"""One entry of a port's `published` section, put into the file's text: every other line stays as somebody wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from tools.base.errors import SuiteError
from tools.judge.spec import Spec
from tools.ports.document import child, parse_document
from tools.ports.draft import PUBLISHED
from tools.ports.spec import edited_port

STEP = 2


def with_entry(path: Path, content: bytes, soc: str, entry: Sequence[str], wanted: Spec) -> bytes:
    """The file's bytes with a chip's entry, in the place of the one that stands there or behind the last.

    SuiteError, which says what to write by hand, unless the outcome resolves to `wanted`.
    """
    port = child(parse_document(content, path), "port")
    text = content.decode()
    edited = None if port is None else _edited(text, port, soc, entry)
    if edited is None or edited_port(path, edited.encode()).spec != wanted:
        raise SuiteError(
            "this file is not written as blocks of lines, and is left as it is",
            where=path,
            fix="run without --write, and put the lines that it prints under port: published: yourself",
        )
    return edited.encode()


def _edited(text: str, port: yaml.Node, soc: str, entry: Sequence[str]) -> str | None:
    """The text with the entry; None where it is no block to which lines can be added."""
    if _flows(port):
        return None
    published = child(port, "published")
    if published is None:
        indent = port.value[0][0].start_mark.column
        blank = f"{PUBLISHED}\n"  # what a draft asks a person to fill in
        lines = [f"{' ' * indent}published:", *_indented(entry, indent + STEP)]
        return _spliced(text, _last_line(port) + 1, _last_line(port) + 1, lines).replace(blank, "")
    if _flows(published) or not published.value:
        return None
    lines = _indented(entry, published.start_mark.column)
    old = next((item for item in published.value if getattr(child(item, "soc"), "value", None) == soc), None)
    if old is None:
        behind = _last_line(published) + 1
        return _spliced(text, behind, behind, lines)
    return _spliced(text, old.start_mark.line, _last_line(old) + 1, lines)


def _flows(node: yaml.Node) -> bool:
    return not isinstance(node, yaml.CollectionNode) or bool(node.flow_style)


def _indented(lines: Sequence[str], columns: int) -> list[str]:
    return [f"{' ' * columns}{line}" for line in lines]


def _last_line(node: yaml.Node) -> int:
    """The last line, counted from 0, that anything of the node stands on; a comment behind it is none of it."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    end = node.end_mark
    return int(end.line) - (end.column == 0 and end.line > node.start_mark.line)


def _spliced(text: str, begin: int, end: int, lines: Sequence[str]) -> str:
    """The text with these lines in the place of those from `begin` to before `end`; line ends as the text has them."""
    ending = "\r\n" if "\r\n" in text else "\n"
    old = text.split("\n")
    if old[-1] == "":
        old.pop()
    new = [f"{line}{ending[:-1]}" for line in lines]
    return "\n".join([*old[:begin], *new, *old[end:], ""])
