"""The benchmark's bookkeeping: ratios inside rounds, a page that keeps what is not its own, a plot that is XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.material import linked, repeated, write_dumps
from bench.measure import Rounds, Spread, Timing, in_turn, spread
from bench.page import plot, replace_part, table
from bench.reference import score_dumps
from bench.rows import Row
from bench.scorecard import EMPTY, PLAIN_TABLES, WHOLE, pages_to_open, wanted
from tools.ascend.dumps import read_logits
from tools.base.errors import SuiteError
from tools.engines.topk import hits, top_k

ROWS = [
    Row("a", "the script", Spread(4.0, 3.0, 5.0), 3.0),
    Row("b", "the script", Spread(2.0, 1.0, 2.5), 3.0),
    Row("c", "decoding", Spread(0.5, 0.4, 0.6), 0.9, share=True),
    Row("d", "the script", Spread(0.0, 0.0, 0.0), None),
    Row("e", "nothing", Spread(1.5, 1.4, 2.6), 2.0, at_most=True),
    Row("f", "nothing", Spread(2.5, 1.4, 2.6), 2.0, at_most=True),
]


def test_a_ratio_is_taken_inside_each_round() -> None:
    rounds = Rounds(
        {"old": [Timing(4, 1), Timing(9, 1), Timing(2, 1)], "new": [Timing(2, 1), Timing(3, 1), Timing(2, 1)]}
    )
    assert rounds.ratio("old", "new") == Spread(2.0, 1.0, 3.0)


def test_the_quicker_way_counts_in_each_round() -> None:
    rounds = Rounds({"a": [Timing(4, 1), Timing(1, 5)], "b": [Timing(3, 2), Timing(2, 2)]}).quicker("best", "a", "b")
    assert list(rounds.timings["best"]) == [Timing(3, 2), Timing(1, 5)]


def test_steps_run_in_turn_after_one_that_is_not_counted() -> None:
    order: list[str] = []
    rounds = in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert order == ["a", "b"] * 3
    assert len(rounds.wall("a")) == len(rounds.cpu("b")) == 2


def test_spread_is_median_and_ends() -> None:
    assert spread(iter([3.0, 1.0, 2.0])) == Spread(2.0, 1.0, 3.0)


def test_a_part_of_the_page_is_replaced_and_the_rest_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    replace_part(page, "x", "new")
    replace_part(page, "x", "newer")
    assert page.read_text() == "before\n<!-- x: begin -->\nnewer\n<!-- x: end -->\nafter\n"
    with pytest.raises(SuiteError, match="no part <!-- y: begin -->"):
        replace_part(page, "y", "new")


def test_the_table_says_which_goals_were_met() -> None:
    lines = table(ROWS).splitlines()[2:]
    assert lines[0].endswith("| 3 | met |")
    assert lines[1].endswith("| 3 | not met |")
    assert lines[2].endswith("| 50 % (40 to 60) | 90 % | not met |")
    assert lines[3].endswith("| | |")
    assert lines[4].endswith("| at most 2 | met |")
    assert lines[5].endswith("| at most 2 | not met |")


def test_the_plot_is_xml_with_a_bar_for_every_ratio() -> None:
    drawn = ElementTree.fromstring(plot(ROWS))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}rect")) == 1 + 5
    assert len(drawn.findall("{http://www.w3.org/2000/svg}path")) == 4


def test_the_reference_way_of_scoring_counts_what_ours_counts(tmp_path: Path) -> None:
    ids = list(repeated([Path("x")], 70))
    write_dumps(tmp_path / "dumps", ids, classes=10)
    labels = {name: number % 10 for number, name in enumerate(ids)}
    ours = hits(top_k(read_logits(tmp_path / "dumps", ids, 10, gate="g")), np.array([*labels.values()]))
    reference = score_dumps(tmp_path / "dumps", labels)
    assert list(ours) == [sum(reference[: rank + 1]) for rank in range(5)]


def test_links_stand_for_a_larger_set(tmp_path: Path) -> None:
    file = tmp_path / "one.JPEG"
    file.write_bytes(b"x")
    links = linked(repeated([file], 3), tmp_path / "val")
    assert [path.name for path in links.values()] == [f"ILSVRC2012_val_0000000{number}.JPEG" for number in (1, 2, 3)]
    assert {path.read_bytes() for path in links.values()} == {b"x"}


def test_a_scorecard_is_measured_over_runs_that_differ(tmp_path: Path) -> None:
    made = wanted(tmp_path, 100)
    assert len({(one.card.port, one.card.world.soc) for one in made}) == len({one.folder for one in made}) == 300
    assert {one.card.world.batches for one in made} == {(1, 4, 8, 16, 32, 64)}
    assert len({one.card.world.rate_over_published for one in made}) > 50


def test_a_scorecard_is_held_against_its_own_tables_without_script(tmp_path: Path) -> None:
    page = tmp_path / "scorecard.html"
    page.write_text('<table></table><script>\n1 < 2\n</script><p>end</p><script type="module">2</script>')
    texts = {name: path.read_text() for name, path in pages_to_open(page, tmp_path).items()}
    assert list(texts) == [EMPTY, PLAIN_TABLES, WHOLE]
    assert texts[PLAIN_TABLES] == "<table></table><p>end</p>"
    assert texts[WHOLE] == page.read_text()
