"""Markdown of untrusted data: what means something to Markdown or HTML is made plain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tools.report import words

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&])")


def escaped(text: str) -> str:
    """The text on one line, every character that means something to Markdown or HTML made plain."""
    return _SPECIAL.sub(r"\\\1", " ".join(words.printable(text).split()))


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table: first and last column to the left, figures to the right."""
    ruler = ["---", *["---:"] * (len(titles) - 2), "---"]
    return [_line(map(escaped, titles)), _line(ruler), *(_line(map(escaped, row)) for row in rows)]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
