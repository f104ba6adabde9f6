"""The page is HTML as the standard has it: no error that a parser would have to mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import html5lib
import pytest

from selftest.evidence.bundles import World
from selftest.report.bundles import flips_in, hostile, hostile_ids, pictures, write_bundle
from selftest.report.conftest import Written
from tools.report.html import write_report


def parse_strictly(page: str) -> None:
    """html5lib.html5parser.ParseError at the first error."""
    parser: Any = html5lib.HTMLParser
    parser(strict=True).parse(page)


@pytest.mark.parametrize("name", ["accepted", "simulated", "rejected", "incomplete"])
def test_pages_are_valid(name: str, request: pytest.FixtureRequest) -> None:
    found: Written = request.getfixturevalue(name)
    parse_strictly(found.page.source)


def test_a_page_of_hostile_data_is_valid(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    hostile_ids(folder, write_bundle(folder, World(images=300, logit_noise=0.5), hostile))
    parse_strictly((folder / "report.html").read_text(encoding="utf-8"))


def test_a_page_with_pictures_is_valid(simulated: Written, tmp_path: Path) -> None:
    flips = flips_in(simulated.folder, simulated.run.variants)
    assert flips is not None
    write_report(simulated.folder, simulated.run, pictures(tmp_path, [flip.id for flip in flips.shown], side=32))
    parse_strictly((simulated.folder / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("error", ["<td>", "</div>", "<p>\x00</p>", "&nosuch;"])
def test_the_parser_sees_an_error(error: str, accepted: Written) -> None:
    damaged = accepted.page.source.replace("</footer>", f"{error}</footer>")
    with pytest.raises(html5lib.html5parser.ParseError):
        parse_strictly(damaged)
