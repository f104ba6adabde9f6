"""A catalogue of messages: English texts as they are shown, said in another language.

The suite's texts are made in English, because evidence is kept in one language and the judge's words are compared
letter for letter. They are translated where they are shown, by what they look like: a template of the catalogue, such
as `{0} of {1} images cannot be read`, is found in the finished text, and what stands in its places is put into the
translation. So nobody writes a message twice, and evidence of an earlier run can be shown in any language. What no
template fits stays as it is: names, paths, numbers, texts of other programs.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import lru_cache
from string import Formatter
from typing import Sequence

from tools.base.errors import SuiteError
from tools.base.wide import padded, width

COLUMN, CELL_ONLY = "column", "cell"
"""Contexts (msgctxt) of what is too short to be told from other texts outside of a table: heads of columns, cells."""
FEWEST_CELLS = 3
SEPARATOR = re.compile(r"(: |; |\. |, | - | \(|\)|[.:]$)")
CELL = re.compile(r"\S+(?: \S+)*")
MARK = re.compile(r"(?<=[\u4e00-\u9fff）])([:;,.])(?: |$)")
FULL_WIDTH = {":": "：", ";": "；", ",": "，", ".": "。"}
SHORT = 12
DEEPEST, LONGEST, MOST_PARTS, WINDOW = 5, 8000, 81, 24
"""Bounds of what is looked at, since texts of other programs come by here too."""


@dataclass(frozen=True)
class Template:
    """A message with places: the texts around them, and how the other language puts it."""

    around: tuple[str, ...]
    says: str

    @property
    def short(self) -> bool:
        """Whether it is so short that many texts look like it."""
        return sum(map(len, self.around)) < SHORT

    def places(self, text: str) -> list[str] | None:
        """What stands in the places of the message in this text, None where it is another message.

        Each piece is looked for from the left and never again, so that no text can make this slow.
        """
        if len(self.around) == 1:
            return [] if text == self.around[0] else None
        first, *middle, last = self.around
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return None
        found, begin = [], len(first)
        for piece in middle:
            place = text.find(piece, begin, end) if piece else _end_of_word(text, begin, end)
            if place < 0:
                return None
            found.append(text[begin:place])
            begin = place + len(piece)
        found.append(text[begin:end])
        if not first and (
            SEPARATOR.search(f"{found[0]} ") or (self.short and any(" " in place for place in found[:-1]))
        ):
            return None  # it begins earlier than this message does, or is another one
        return found


@dataclass(frozen=True)
class Catalogue:
    """Messages without places, messages with places by their first letter (the most specific first, those that begin
    with a place under no letter), heads of columns, and cells."""

    plain: dict[str, str] = field(default_factory=dict, hash=False)
    templates: dict[str, tuple[Template, ...]] = field(default_factory=dict, hash=False)
    columns: dict[str, str] = field(default_factory=dict, hash=False)
    cells: tuple[Template, ...] = ()

    def say(self, text: str) -> str:
        """The text in this language, or as much of it as is known."""
        if not self.plain or len(text) > LONGEST:
            return text
        return "\n".join(self._place(line, 0) for line in text.split("\n"))

    def cell(self, text: str) -> str:
        """A cell of a table."""
        bare = text.strip()
        return text.replace(bare, self._cell(bare, heads=False), 1) if bare and self.plain else text

    def head(self, text: str) -> str:
        """The head of a column, or the name of a fact: single words are known too."""
        bare = text.strip()
        return text.replace(bare, self.columns[bare], 1) if bare in self.columns else self.say(text)

    def lines(self, texts: Sequence[str]) -> list[str]:
        """Lines of a terminal; columns of a table stay columns although Chinese letters are wide."""
        return [self._row(text, below) or self.say(text) for text, below in zip(texts, [*texts[1:], ""])]

    def _text(self, text: str, depth: int) -> str:
        if not text.strip() or depth > DEEPEST:
            return text
        bare, mark = (text[:-1], text[-1]) if text[-1] in FULL_WIDTH else (text, "")
        whole = self._whole(bare, depth)  # a message has no mark at its end
        return (
            whole[:-1] + _full_width(whole[-1:] + mark)
            if whole
            else self._whole(text, depth) or self._parts(text, depth)
        )

    def _place(self, text: str, depth: int) -> str:
        """What stands in a place, the blanks around it kept."""
        bare = text.strip()
        return text.replace(bare, self._text(bare, depth), 1) if bare else text

    def _whole(self, text: str, depth: int) -> str:
        """The text as one message, empty where it is none."""
        spellings = tuple(dict.fromkeys((text, text[:1].lower() + text[1:])))  # a sentence may begin with one
        for spelt in spellings:
            if spelt in self.plain:
                return self.plain[spelt]
        for letters in (True, False):  # those that begin with a place last: the most texts look like them
            for spelt in spellings:
                for template in self.templates.get(spelt[:1] if letters else "", ()):
                    places = template.places(spelt)
                    if places is not None:
                        return template.says.format(*(self._place(place, depth + 1) for place in places))
        return ""

    def _parts(self, text: str, depth: int) -> str:
        """The text with each of its parts that is a message, the longest first, in the other language."""
        parts = SEPARATOR.split(text)
        if len(parts) > MOST_PARTS:
            return text
        said, begin = "", 0
        while begin < len(parts):
            ends = range(min(len(parts), begin + WINDOW), begin, -1)
            joined = ((end, "".join(parts[begin:end])) for end in ends if parts[end - 1].strip())
            whole = ((end, self._whole(text, depth)) for end, text in joined if not _left_open(text))
            end, found = next(((end, found) for end, found in whole if found), (begin + 1, parts[begin]))
            said += found
            begin = end
        return _full_width(said)

    def _row(self, text: str, below: str) -> str:
        """A row of a table, empty where it is none; a cell ends where its column does if that is to the right."""
        cells = list(CELL.finditer(text))
        if len(cells) < FEWEST_CELLS or text[:1] == " ":
            return ""
        heads = sum(cell[0] in self.columns for cell in cells) > 1
        others = list(CELL.finditer(below))
        starts, ends = {cell.start() for cell in others}, {cell.end() for cell in others}
        row = ""
        for cell in cells:
            said = self._cell(cell[0], heads=heads)
            if cell is cells[-1] and said == cell[0]:
                said = self.say(said)  # nothing stands behind it, so it may be a whole sentence
            to_right = cell.end() in ends and cell.start() not in starts
            start = cell.end() - width(said) if to_right else cell.start()
            row = padded(row, max(start, width(row) + 2 if row else start)) + said
        return row

    def _cell(self, text: str, *, heads: bool) -> str:
        """A cell: only what is known as a whole; a head's word is one in the row of heads alone."""
        if heads:
            return self.columns.get(text, text)
        if text in self.plain:
            return self.plain[text]
        for template in self.cells:
            places = template.places(text)
            if places is not None:
                return template.says.format(*places)
        return self._whole(text, DEEPEST) or text


ENGLISH = Catalogue()
"""What the messages are written in: every text is its own translation."""


def read_catalogue(name: str, text: str) -> Catalogue:
    """A gettext catalogue (.po); SuiteError where it is not well formed."""
    entries = read_po(name, text)
    plain = {asked: said for (context, asked), said in entries.items() if context == ""}
    columns = {asked: said for (context, asked), said in entries.items() if context == COLUMN}
    cut = {asked: pieces(asked) for asked in plain}
    without = {cut[asked][0]: pieces(said)[0] for asked, said in plain.items() if len(cut[asked]) == 1}
    with_places = [Template(cut[asked], said) for asked, said in plain.items() if len(cut[asked]) > 1]
    with_places.sort(key=lambda one: sum(map(len, one.around)), reverse=True)
    letters = {one.around[0][:1] for one in with_places}
    templates = {letter: tuple(one for one in with_places if one.around[0][:1] == letter) for letter in letters}
    cells = tuple(Template(pieces(asked), said) for (context, asked), said in entries.items() if context == CELL_ONLY)
    return Catalogue(without, templates, columns, cells)


@lru_cache(maxsize=None)
def pieces(message: str) -> tuple[str, ...]:
    """The texts around the places of a message: one more than it has places."""
    found = [""]
    for literal, place, _, _ in Formatter().parse(message):
        found[-1] += literal
        if place is not None:
            found.append("")
    return tuple(found)


def read_po(name: str, text: str) -> dict[tuple[str, str], str]:
    """(context, message) -> translation; SuiteError names the first line that is no part of a catalogue."""
    entries: dict[tuple[str, str], str] = {}
    entry: dict[str, str] = {}
    key = ""
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if line.startswith("#"):
            continue
        word, _, quoted = line.partition(" ") if not line.startswith('"') else (key, "", line)
        if not line.strip():
            if "msgid" in entry:
                entries[entry.get("msgctxt", ""), entry["msgid"]] = entry.get("msgstr", "")
            entry = {}
        elif word in ("msgctxt", "msgid", "msgstr"):
            key = word
            entry[key] = entry.get(key, "") + _unquoted(quoted, name, number)
        else:
            raise SuiteError(f"no line of a catalogue: {line!r}", where=f"{name}:{number}")
    entries.pop(("", ""), None)  # the header
    return entries


def _left_open(text: str) -> bool:
    """Whether a parenthesis in it is not closed, so that it ends in the middle of something."""
    return text.rstrip(" (").count("(") > text.count(")")


def _full_width(said: str) -> str:
    """With the marks of Chinese behind Chinese letters."""
    return MARK.sub(lambda mark: FULL_WIDTH[mark[1]], said)


def _end_of_word(text: str, begin: int, end: int) -> int:
    """Where a place ends that another one follows at once: it is a word."""
    blank = text.find(" ", begin, end)
    return end if blank < 0 else blank


def _unquoted(quoted: str, name: str, number: int) -> str:
    try:
        return str(ast.literal_eval(quoted))
    except (SyntaxError, ValueError) as error:
        raise SuiteError(f"no quoted text: {quoted!r}", where=f"{name}:{number}") from error
