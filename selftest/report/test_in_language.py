"""The report in Chinese: what the suite says is translated, markup and data stay, no gloss stands twice."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from selftest.messages.extract import english
from selftest.report.conftest import Written
from tools.base.language import Language, catalogue
from tools.judge.pages import REPORT, RESULTS
from tools.report.html import write_report
from tools.report.in_language import SHOWN, in_language

CHINESE = catalogue(Language.CHINESE)


def said(body: str) -> str:
    """A piece of a page in Chinese."""
    return in_language(body, CHINESE)


class Tags(HTMLParser):
    """The tags of a page, without those of glosses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, object]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag."""
        if tag not in ("span", "p", "html"):
            self.found.append((tag, [(name, None if name in SHOWN else value) for name, value in attrs]))


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ('<html lang="en">', '<html lang="zh-Hans">'),
        ("<p>This run recorded no predictions.</p>", "<p>本次运行没有记录预测。</p>"),
        ("<h2>Why: failed <span class=\"zh\" lang=\"zh-Hans\">未通过</span></h2>", "<h2>原因：未通过 </h2>"),
        ("<h2>Zebra <span class=\"zh\" lang=\"zh-Hans\">斑马</span></h2>", '<h2><span lang="zh-Hans">斑马</span></h2>'),
        ("<h1>REJECTED <span lang=\"zh-Hans\">验收不通过</span></h1>",) * 2,
        ("<th>verdict</th><td>verdict</td><td>0 of 64</td>", "<th>结论</th><td>verdict</td><td>0/64</td>"),
        ('<td data-label="verdict">PASS</td>', '<td data-label="结论">PASS</td>'),
        ('<td data-label="a &lt; &quot;b&quot;">PASS</td>',) * 2,
        ('<label>undecided <input placeholder="gate, question, bs16, figure …"></label>',
         '<label>无结论 <input placeholder="关卡、问题、bs16、数字 …"></label>'),
        ('<p>tight bound <data value="0.1">0.1</data></p>', '<p>严格界限 <data value="0.1">0.1</data></p>'),
        ('<td data-label="Top-1 drop pp" id="x">1</td>', '<td data-label="Top-1 下降 pp" id="x">1</td>'),
        ("<code>at least one gate failed</code>",) * 2,
        ("<pre>at least one gate failed</pre>",) * 2,
        ("<style>a > b { }</style><script>x = '<b>';</script>",) * 2,
        ("<p>note: a &lt;b&gt; &amp; c&#39;s</p>", "<p>说明：a &lt;b&gt; &amp; c's</p>"),
        ("<p>zebra &lt;b&gt;&nbsp;c&#39;s</p>",) * 2,
    ],
)  # fmt: skip
def test_texts_are_translated_and_nothing_else_is_touched(english: str, chinese: str) -> None:
    assert said(english) == chinese


def test_a_whole_report_keeps_its_tags_and_its_last_line(rejected: Written, tmp_path: Path) -> None:
    folder = shutil.copytree(rejected.folder, tmp_path / "evidence")
    page, table = ((folder / name).read_text("utf-8") for name in (REPORT, RESULTS))
    write_report(folder, rejected.run)
    assert ((folder / REPORT).read_text("utf-8"), (folder / RESULTS).read_text("utf-8")) == (page, table)
    write_report(folder, rejected.run, language=CHINESE)
    chinese, results = ((folder / name).read_text("utf-8") for name in (REPORT, RESULTS))
    assert Tags(chinese).found == Tags(page).found
    assert chinese.splitlines()[-1] == page.splitlines()[-1]
    assert "关卡" in chinese
    assert "原因：未通过" in chinese
    assert_results_are_chinese(table, results)


def assert_results_are_chinese(english_page: str, page: str) -> None:
    """results.md: all but the first line, which the judge reads, and the guide's form in English and Chinese."""
    (first, *rest), (own_form, _) = page.splitlines(), english_page.split("### In the guide's form")
    assert first == own_form.splitlines()[0]
    told, _, form = page.partition("### In the guide's form")
    assert form == english_page.partition("### In the guide's form")[2]
    assert [line for line in told.splitlines()[1:] if english(line)] == []
    assert "### 精度" in rest
    assert "### 吞吐率" in rest
