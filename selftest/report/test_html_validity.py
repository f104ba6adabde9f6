"""The page is HTML as the standard has it: no error that a parser would have to mend."""

from __future__ import annotations

from pathlib import Path

import html5lib
import pytest

from selftest.report.bundles import Scenario, pictures, write_bundle
from selftest.report.conftest import Written
from selftest.report.test_html import HOSTILE
from tools.report.flips import find_flips
from tools.report.html import write_report


def parse_strictly(page: str) -> None:
    """html5lib.html5parser.ParseError at the first error."""
    html5lib.HTMLParser(strict=True).parse(page)


@pytest.mark.parametrize("name", ["accepted", "simulated", "rejected", "incomplete"])
def test_pages_are_valid(name: str, request: pytest.FixtureRequest) -> None:
    found: Written = request.getfixturevalue(name)
    parse_strictly(found.page.source)


def test_a_page_of_hostile_data_with_pictures_is_valid(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    run = write_bundle(folder, Scenario(images=300, noise=0.5, hostile=HOSTILE, failed={"om.ran[bs4]": HOSTILE}))
    flips = find_flips(folder, run.variants)
    assert flips is not None
    write_report(folder, run, pictures(tmp_path, [flip.id for flip in flips.shown], side=32))
    parse_strictly((folder / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("error", ["<td>", "</div>", "<p>\x00</p>", "&nosuch;"])
def test_the_parser_sees_an_error(error: str, accepted: Written) -> None:
    damaged = accepted.page.source.replace("</footer>", f"{error}</footer>")
    with pytest.raises(html5lib.html5parser.ParseError):
        parse_strictly(damaged)
