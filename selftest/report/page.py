"""A page as a test reads it: tags with attributes, the text, and the numbers with what is shown of them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

SILENT = ("style", "script", "title")


class Page(HTMLParser):
    """`tags` in order; `text` is what a reader sees, spaces folded; `figures` are (recorded value, shown text)."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.figures: list[tuple[float, str]] = []
        self._open: list[str] = []
        self._pieces: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        self.text = " ".join("".join(self._pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag == "data":
            self.figures.append((float(str(dict(attrs)["value"])), ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        if tag in ("td", "th", "p", "li", "dd", "dt", "h1", "h2", "h3"):
            self._pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "data":
            self.figures[-1] = self.figures[-1][0], data
        if not any(tag in SILENT for tag in self._open):
            self._pieces.append(data)

    def attributes(self, tag: str, name: str) -> list[str]:
        """Every value of an attribute of a tag."""
        return [str(attributes[name]) for found, attributes in self.tags if found == tag and name in attributes]
