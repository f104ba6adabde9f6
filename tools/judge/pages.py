"""Do the pages of a bundle say what its record says? They are read as text; no figure on them is believed or needed."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tools.judge.bundle import Bundle
from tools.judge.guide_result import FOLDER, result_files
from tools.judge.layout import FILE
from tools.judge.lines import MEANING
from tools.judge.results import Word

REPORT, RESULTS = "report.html", "results.md"
CHINESE_WORD = {
    Word.ACCEPTED: "验收通过",
    Word.REJECTED: "验收不通过",
    Word.INCOMPLETE: "验收未完成",
    Word.SIMULATED: "仅为模拟运行",
    Word.SAMPLE: "仅为样例数据",
    Word.UNPINNED: "权重来源未经确认",
}
AGAIN = "make it again with tools/report_bundle.py"


def stamp(record_sha256: str) -> str:
    """The last line of each page: which record it was made from."""
    return f"<!-- made from {FILE}, sha256 {record_sha256} -->\n"


def check_pages(bundle: Bundle) -> None:
    """Collect in `bundle.problems` a page of another record, with another headline, or with a word of its own."""
    digest = bundle.files.digests[FILE]
    for name in (REPORT, RESULTS):
        if name in bundle.files.digests:
            text = bundle.files.read(name).decode("utf-8", "replace")
            if not text.endswith(stamp(digest)):
                bundle.problems.append(f"{name}: not made from this {FILE}: {AGAIN}")
            bundle.problems += [f"{name}: {problem}" for problem in _other_words(bundle, name, text)]
    _check_results(bundle)


def _check_results(bundle: Bundle) -> None:
    """Collect in `bundle.problems` a result in the guide's form that is not what the record has."""
    ours = result_files(bundle.record, bundle.spec)
    for name in bundle.files.digests:
        if not name.startswith(f"{FOLDER}/"):
            continue
        if name not in ours or bundle.files.read(name) != ours[name].encode():
            bundle.problems.append(f"{name}: not the accuracy that {FILE} has: {AGAIN}")


def _other_words(bundle: Bundle, name: str, text: str) -> list[str]:
    """What the headline should be and is not, and last words that nothing in the record says."""
    verdict = bundle.record.verdict
    shown, headline = text, text.partition("\n")[0]
    asked = f"**{verdict.banner}**: {MEANING[verdict.word]}."
    if name == REPORT:
        page = _Page()
        page.feed(text)
        shown, headline = page.shown, page.headline
        asked = f"{verdict.word} {CHINESE_WORD[verdict.word]}"
    record = bundle.files.read(FILE).decode()
    known = {*map(str, verdict.made_on), CHINESE_WORD[verdict.word]}
    words = {*map(str, Word), *CHINESE_WORD.values()} - known
    odd = sorted(word for word in words if _says(shown, word) and not _says(record, word))
    found = [f"its headline is not `{asked}`: {AGAIN}"] if headline != asked else []
    return found + [f"it says {word}, the record says {verdict.banner}: {AGAIN}" for word in odd]


def _says(text: str, word: str) -> bool:
    """Whether a last word stands in a text by itself."""
    return word in text if not word.isascii() else re.search(rf"(?<![A-Za-z]){word}(?![A-Za-z])", text) is not None


class _Page(HTMLParser):
    """What a reader sees of a page, tags taken out and references resolved, and its first heading."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._text = ""
        self._attributes: list[str] = []
        self._headings: list[str] = []
        self._inside = False

    @property
    def shown(self) -> str:
        """The whole text, and below it what attributes say: a field or a picture shows some of them."""
        return "\n".join([self._text, *self._attributes])

    @property
    def headline(self) -> str:
        """All first-level headings, of which there is one."""
        return " | ".join(" ".join(heading.split()) for heading in self._headings)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A heading begins, or anything with attributes."""
        self._attributes += [value for _, value in attrs if value is not None]
        if tag == "h1":
            self._inside = True
            self._headings.append("")

    def handle_endtag(self, tag: str) -> None:
        """A heading ends."""
        self._inside = self._inside and tag != "h1"

    def handle_data(self, data: str) -> None:
        """Text."""
        self._text += data
        if self._inside:
            self._headings[-1] += data
