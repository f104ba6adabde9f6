"""The Monte-Carlo of bench/coverage.py in small: coverage, false alarms and power that the documentation promises."""

from pathlib import Path

import pytest

from bench.coverage import BEGIN, END, LOWEST_COVERAGE, QUICK, judged, lowest_coverage, simulate, write_between_markers
from tools.base.errors import SuiteError
from tools.judge.accuracy import TightBound
from tools.judge.results import Verdict


def rate(images: int, noise_percent: float, drop_pp: float, verdict: Verdict) -> float:
    losses = judged(images, noise_percent, drop_pp, 4000)
    return sum(count for loss, count in losses.items() if loss.check.verdict is verdict) / 4000


def exceeded(images: int, noise_percent: float, drop_pp: float) -> float:
    losses = judged(images, noise_percent, drop_pp, 4000)
    return sum(count for loss, count in losses.items() if loss.tight is TightBound.EXCEEDED) / 4000


def test_every_interval_covers_at_least_94_percent() -> None:
    assert lowest_coverage(QUICK) >= LOWEST_COVERAGE


@pytest.mark.parametrize("images", [300, 1000, 5000, 50_000])
def test_a_true_loss_of_the_whole_margin_passes_in_at_most_the_nominal_share(images: int) -> None:
    assert rate(images, 1.0, 1.0, Verdict.PASS) <= 0.033


def test_a_harmless_port_is_accepted_on_the_full_set_and_a_bad_one_rejected() -> None:
    assert rate(50_000, 0.35, 0.0, Verdict.PASS) == 1.0
    assert rate(50_000, 0.35, 1.5, Verdict.FAIL) == 1.0


def test_the_tight_bound_spares_fp16_and_catches_a_fifth_of_a_point() -> None:
    assert exceeded(50_000, 0.35, 0.0) <= 0.005
    assert exceeded(1000, 0.35, 0.0) <= 0.02
    assert exceeded(50_000, 0.35, 0.2) >= 0.99


def test_the_same_cell_gives_the_same_tables() -> None:
    assert simulate(1000, 0.5, 0.2, 500) == simulate(1000, 0.5, 0.2, 500)


def test_the_page_keeps_its_own_text(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_between_markers(page, "new")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END} {BEGIN}", f"{BEGIN} {BEGIN} {END}", f"{BEGIN} {END} {END}"])
def test_a_page_without_proper_markers_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match="each marker once"):
        write_between_markers(page, "new")
    assert page.read_text(encoding="utf-8") == text
