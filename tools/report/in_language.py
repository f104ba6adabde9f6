"""A page in another language: its texts are translated as a terminal's are, its markup and data stay."""

from __future__ import annotations

import html
from html.parser import HTMLParser

from tools.base.messages import ENGLISH, Catalogue

AS_IT_IS = frozenset({"style", "script", "pre", "code"})
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
HEADS, CELLS = frozenset({"a", "dt", "label", "strong", "summary", "text", "th"}), frozenset({"small", "td"})
SHOWN = frozenset({"data-label", "placeholder"})
"""Attributes whose text is shown: the head of a cell where a phone shows the table as cards, an empty field's hint."""
INSIDE = frozenset({"data"})
"""Elements that are a part of the text around them: a number with its exact value."""
FIRST_PRIVATE, LAST_PRIVATE = 0xE000, 0xF8FF
"""Letters that the page has none of (the report writes each out); one stands for a tag inside of a text."""
GLOSS = 'lang="zh-Hans"'
"""What the English page says in Chinese too; it is the Chinese page's text where the catalogue has none."""


def in_language(page: str, words: Catalogue) -> str:
    """The page with every text that the catalogue knows in its language."""
    if words is ENGLISH:
        return page
    writer = _Writer(words)
    writer.feed(page)
    writer.close()
    return writer.written()


class _Writer(HTMLParser):
    """Writes a page again as it is read: tags as they stand, texts translated, each gloss in place of what it glosses.

    A text is what stands between two tags, character references resolved.
    """

    def __init__(self, words: Catalogue) -> None:
        super().__init__(convert_charrefs=False)
        self._words = words
        self._said: list[str] = []
        self._text = ""
        self._open: list[str] = []
        self._dropped = 0
        self._inside: list[str] = []

    def written(self) -> str:
        """The whole page."""
        self._flush()
        return "".join(self._said)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag; one around a gloss is left out where the text before it was translated, or is no part of a text."""
        written = self._with_shown(self.get_starttag_text() or "", attrs)
        if tag in INSIDE:
            self._take_tag(written)
            return
        if self._dropped or (GLOSS in written and "h1" not in self._open and self._glosses(tag)):
            self._dropped += tag not in VOID
            return
        self._flush()
        if GLOSS in written and "h1" not in self._open:
            written = written.replace(' class="zh"', "")  # it is the text itself now
        self._said.append(written.replace('lang="en"', 'lang="zh-Hans"', 1) if tag == "html" else written)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself."""
        if not self._dropped:
            self._flush()
            self._said.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        """The end of an element."""
        if tag in INSIDE:
            self._take_tag(f"</{tag}>")
            return
        if self._dropped:
            self._dropped -= 1
            return
        self._flush()
        self._said.append(f"</{tag}>")
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """A part of a text."""
        self._take(data)

    def handle_entityref(self, name: str) -> None:
        """A character by its name."""
        self._take(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """A character by its number."""
        self._take(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        """A comment."""
        self._flush()
        self._said.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        """The document's type."""
        self._flush()
        self._said.append(f"<!{decl}>")

    def _with_shown(self, tag: str, attrs: list[tuple[str, str | None]]) -> str:
        """The tag with the attributes that are shown in the other language."""
        for name, value in attrs:
            if name in SHOWN and value:
                said = html.escape(self._words.head(value))
                tag = tag.replace(f'{name}="{html.escape(value)}"', f'{name}="{said}"', 1)
        return tag

    def _take_tag(self, tag: str) -> None:
        if len(self._inside) > LAST_PRIVATE - FIRST_PRIVATE:
            self._flush()
        self._take(chr(FIRST_PRIVATE + len(self._inside)))
        self._inside.append(tag)

    def _take(self, text: str) -> None:
        if not self._dropped:
            self._text += text

    def _glosses(self, tag: str) -> bool:
        """Whether a gloss says what the page says already: else it stands, in place of the English before it."""
        before = html.unescape(self._text)
        if not before.strip():
            return tag == "p"  # a sentence of its own, beside the translated one
        if self._in_place(before) != before:
            return True
        self._text = ""
        return False

    def _in_place(self, text: str) -> str:
        """A text in the other language; the heads of columns and the names of facts are single words."""
        if CELLS.intersection(self._open[-1:]):
            return self._words.cell(text)
        return self._words.head(text) if HEADS.intersection(self._open[-1:]) else self._words.say(text)

    def _flush(self) -> None:
        text, self._text = self._text, ""
        plain = html.unescape(text)
        said = plain if AS_IT_IS.intersection(self._open) else self._in_place(plain)
        written = text if said == plain else html.escape(said, quote=False)
        for number, tag in enumerate(self._inside):
            written = written.replace(chr(FIRST_PRIVATE + number), tag)
        self._inside = []
        self._said.append(written)
