"""Markdown of untrusted data: what means something to Markdown or HTML is made plain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tools.base.messages import ENGLISH, Catalogue
from tools.report.words import printable

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&])")


def escaped(text: str) -> str:
    """The text on one line, every character that means something to Markdown or HTML made plain."""
    return _SPECIAL.sub(r"\\\1", " ".join(printable(text).split()))


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], words: Catalogue = ENGLISH) -> list[str]:
    """The lines of a table in a language: first and last column to the left, figures to the right."""
    ruler = ["---", *["---:"] * (len(titles) - 2), "---"]
    heads, cells = map(words.head, titles), (map(words.cell, row) for row in rows)
    return [line(map(escaped, heads)), line(ruler), *(line(map(escaped, row)) for row in cells)]


def line(cells: Iterable[str]) -> str:
    """A row of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"
