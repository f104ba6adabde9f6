"""README.zh-CN.md says what README.md says: section by section the same commands, tables, names, numbers and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
OTHER_LANGUAGE = {"README.md", "README.zh-CN.md"}

FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
HEADING = re.compile(r"^(#+) (.+)$", re.M)
COMMENT = re.compile(r"[ \t]+# .*$", re.M)
LINK = re.compile(r"\]\(([^)]+)\)")
CODE = re.compile(r"`([^`]+)`")
NUMBER = re.compile(r"\d(?:[\d.,]*\d)?")
WORD = re.compile(r"\b[A-Z]{2}[A-Z ]*[A-Z]\b")


@dataclass(frozen=True)
class Section:
    """One heading and what stands below it, without its subsections; `blocks` are without comments."""

    level: int
    title: str
    blocks: tuple[str, ...]
    tables: tuple[tuple[str, ...], ...]
    prose: str

    @property
    def first_columns(self) -> list[list[list[str]]]:
        """For each row of each table the names that its first cell holds: code, and words in capitals."""
        return [[CODE.findall(row) + WORD.findall(CODE.sub("", row)) for row in table] for table in self.tables]

    @property
    def names(self) -> set[str]:
        return set(CODE.findall(self.prose))

    @property
    def numbers(self) -> set[str]:
        return set(NUMBER.findall(CODE.sub(" ", LINK.sub("]", self.prose))))


def sections(text: str) -> list[Section]:
    """The sections of a page in their order."""
    blocks = FENCED.findall(text)
    bare = FENCED.sub("\0", text)  # a comment of a shell is no heading
    heads = list(HEADING.finditer(bare))
    found, taken = [], 0
    for head, end in zip(heads, [*(head.start() for head in heads[1:]), len(bare)], strict=True):
        body = bare[head.end() : end]
        own = blocks[taken : taken + body.count("\0")]
        taken += len(own)
        found.append(_section(head, body.replace("\0", ""), own))
    return found


def _section(head: re.Match[str], body: str, blocks: list[str]) -> Section:
    tables = [
        tuple(line.split("|")[1].strip() for line in table.splitlines())
        for table in re.findall(r"(?:^\|.*\n?)+", body, re.M)
    ]
    return Section(
        level=len(head[1]),
        title=head[2],
        blocks=tuple(COMMENT.sub("", block) for block in blocks),
        tables=tuple(tables),
        prose=body,
    )


def links(text: str) -> list[set[str | int]]:
    """Where each section's links lead; a place in the page itself is the number of its heading."""
    page = sections(text)
    places = {f"#{_anchor(section.title)}": number for number, section in enumerate(page)}
    return [{places.get(to, to) for to in LINK.findall(section.prose) if to not in OTHER_LANGUAGE} for section in page]


def _anchor(title: str) -> str:
    """The name that GitHub and Gitee give to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


PAIRS = list(zip(sections(ENGLISH), sections(CHINESE), strict=False))
EACH_SECTION = pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=[english.title for english, _ in PAIRS])


def test_the_same_headings_in_order() -> None:
    levels = [[section.level for section in sections(text)] for text in (ENGLISH, CHINESE)]
    assert levels[0] == levels[1]


@EACH_SECTION
def test_the_same_commands_but_for_their_comments(english: Section, chinese: Section) -> None:
    assert chinese.blocks == english.blocks


@EACH_SECTION
def test_the_same_tables(english: Section, chinese: Section) -> None:
    assert chinese.first_columns == english.first_columns


@EACH_SECTION
def test_the_same_options_files_and_other_names(english: Section, chinese: Section) -> None:
    assert chinese.names == english.names


@EACH_SECTION
def test_no_number_is_left_out(english: Section, chinese: Section) -> None:
    assert english.numbers <= chinese.numbers


def test_the_same_links() -> None:
    assert links(CHINESE) == links(ENGLISH)


def test_every_section_is_written_in_chinese() -> None:
    """A section copied and not yet translated is behind, not done."""
    for section in sections(CHINESE):
        assert re.search(r"[\u4e00-\u9fff]", section.title), section.title
        for paragraph in re.split(r"\n\s*\n", re.sub(r"^\|.*$", "", section.prose, flags=re.M)):
            words = re.findall(r"[A-Za-z]{3,}", LINK.sub("]", CODE.sub("", paragraph)))
            letters = re.findall(r"[\u4e00-\u9fff]", paragraph)
            assert len(words) <= len(letters) or "English" in words, paragraph
