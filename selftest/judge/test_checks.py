"""A comparison passes on its bound and fails beyond it; what is no number and what was not looked at never pass."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.judge.kept import kept
from tools.judge.accuracy import TopK, top_k_of
from tools.judge.checks import complete, conserved, made, none_of, not_judged, not_run, pinned, same, within
from tools.judge.handover import handover
from tools.judge.numbers import AtLeast, AtMost, Bound, Exactly, Fact
from tools.judge.published import published_accuracy
from tools.judge.results import Check, Verdict

MOST = AtMost(at_most=1.0, unit="pp", source="s")
LEAST = AtLeast(at_least=1.0, unit="ratio", source="s")
EXACT = Exactly(exactly=1.0, unit="images", source="s")
ABOVE, BELOW = math.nextafter(1.0, 2.0), math.nextafter(1.0, 0.0)


@pytest.mark.parametrize(
    ("bound", "passes", "fails"),
    [(MOST, (1.0, BELOW, -5.0, 0.0), (ABOVE,)), (LEAST, (1.0, ABOVE), (BELOW, 0.0)), (EXACT, (1.0,), (ABOVE, BELOW))],
)
def test_the_bound_itself_passes_and_the_next_number_fails(
    bound: Bound, passes: tuple[float, ...], fails: tuple[float, ...]
) -> None:
    assert all(within(value, bound).passed for value in passes)
    assert not any(within(value, bound).passed for value in fails)


@pytest.mark.parametrize("bound", [MOST, LEAST, EXACT])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_fails_every_bound_and_can_be_kept_as_json(bound: Bound, value: float) -> None:
    check = within(value, bound)
    assert check.verdict is Verdict.FAIL
    assert kept(check) == check


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([MOST, LEAST, EXACT]))
def test_headroom_and_verdict_agree(value: float, bound: Bound) -> None:
    check = within(value, bound)
    if check.headroom is not None:
        assert check.passed == (check.headroom >= 0)


@pytest.mark.parametrize(
    ("value", "bound", "threshold", "unit", "headroom"),
    [
        (0.75, MOST, "<= 1", "pp", 0.25),
        (1.5, MOST, "<= 1", "pp", -0.5),
        (1.5, LEAST, ">= 1", "ratio", 0.5),
        (0.75, LEAST, ">= 1", "ratio", -0.25),
        (1.0, EXACT, "== 1", "images", 0.0),
        (3.0, EXACT, "== 1", "images", -2.0),
    ],
)
def test_a_comparison_says_measured_allowed_unit_and_how_far(
    value: float, bound: Bound, threshold: str, unit: str, headroom: float
) -> None:
    passed = headroom >= 0
    verdict = Verdict.PASS if passed else Verdict.FAIL
    without = Check(measured=value, threshold=threshold, unit=unit, verdict=verdict, headroom=headroom, source="s")
    assert within(value, bound) == without
    assert within(value, bound, detail="why") == dataclasses.replace(without, detail="" if passed else "why")


@pytest.mark.parametrize(("value", "word"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_what_is_not_finite_is_kept_as_a_word_without_a_distance(value: float, word: str) -> None:
    check = within(value, MOST, detail="no number")
    assert (check.measured, check.headroom, check.detail) == (word, None, "no number")


def test_a_bound_of_0_is_a_bound() -> None:
    assert not within(1e-300, AtMost(at_most=0.0, unit="x", source="s")).passed
    assert within(0.0, AtMost(at_most=0.0, unit="x", source="s")).threshold == "<= 0"


def test_texts_are_the_same_or_not() -> None:
    assert same("a", "a", unit="md5", source="s").passed
    assert not same("a", "A", unit="md5", source="s").passed
    assert not same("", "a", unit="md5", source="s").passed
    assert same("b", "a", unit="md5", source="s") == Check(
        measured="b", threshold="== a", unit="md5", verdict=Verdict.FAIL, source="s"
    )


@pytest.mark.parametrize(
    ("offenders", "among", "verdict", "threshold", "detail"),
    [
        ("", 3, Verdict.PASS, "== 0", ""),
        ("", 1, Verdict.PASS, "== 0", ""),
        ("", 0, Verdict.FAIL, "== 0, of at least 1", "nothing was looked at"),
        ("a", 1, Verdict.FAIL, "== 0", "a"),
        ("abcde", 9, Verdict.FAIL, "== 0", "a, b, c, d, e"),
        ("abcdef", 9, Verdict.FAIL, "== 0", "a, b, c, d, e, … 1 more"),
        ("abcdefg", 9, Verdict.FAIL, "== 0", "a, b, c, d, e, … 2 more"),
    ],
)
def test_offenders_fail_and_so_does_having_looked_at_nothing(
    offenders: str, among: int, verdict: Verdict, threshold: str, detail: str
) -> None:
    measured = f"{len(offenders)} of {among}"
    assert none_of(tuple(offenders), among=among, unit="bins", source="s") == Check(
        measured=measured, threshold=threshold, unit="bins", verdict=verdict, detail=detail, source="s"
    )


@pytest.mark.parametrize(
    ("given_", "found", "measured"),
    [
        ("xy", "yx", ""),
        ("xy", "x", "1 missing in dumps (y)"),
        ("x", "xz", "1 not in bins (z)"),
        ("", "", "bins is empty"),
    ],
)
def test_a_hand_over_says_what_differs_and_of_nothing_fails(given_: str, found: str, measured: str) -> None:
    assert conserved(handover("bins", given_, "dumps", found)) == Check(
        measured=measured or f"{len(given_)} ids",
        threshold="the same ids",
        unit="ids",
        verdict=Verdict.FAIL if measured else Verdict.PASS,
        detail=measured,
        source="every id of bins must be in dumps, once, and no other",
    )


@pytest.mark.parametrize("failed", [False, True])
def test_a_step_is_made_or_died(failed: bool) -> None:
    assert made("48 images") == made("48 images", failed=False)
    assert made("48 images", failed=failed) == Check(
        measured="failed" if failed else "48 images",
        threshold="made without an error",
        unit="step",
        verdict=Verdict.FAIL if failed else Verdict.PASS,
        detail="48 images" if failed else "",
    )


def test_an_undecided_gate_says_why_and_is_not_passed() -> None:
    check = not_run("no device", threshold="<= 1", unit="pp", source="s")
    assert not check.passed
    assert check == Check(
        measured="-", threshold="<= 1", unit="pp", verdict=Verdict.NOT_RUN, detail="no device", source="s"
    )
    assert not_run("no device", threshold="<= 1", unit="pp").source == ""


def test_another_data_set_fails_where_the_full_one_is_required_and_is_owed_elsewhere() -> None:
    images = Exactly(exactly=50000, unit="images", source="guide")
    whole = within(50000, images)
    assert whole.passed
    assert complete("", images, required=True) == complete("", images, required=False) == whole
    short = dataclasses.replace(whole, headroom=None, detail="100 of 50000")
    assert complete("100 of 50000", images, required=True) == dataclasses.replace(
        short, measured="another data set", verdict=Verdict.FAIL
    )
    assert complete("100 of 50000", images, required=False) == dataclasses.replace(
        short, measured="-", verdict=Verdict.NOT_RUN
    )


def test_a_pinned_digest_is_asked_of_all_the_images_and_of_no_others() -> None:
    assert pinned("1", "1", gap="", source="s") == same("1", "1", unit="sha256", source="s")
    assert pinned("0", "1", gap="", source="s") == Check(
        measured="0",
        threshold="== 1",
        unit="sha256",
        verdict=Verdict.FAIL,
        detail="names are the port's, the content is another one",
        source="s",
    )
    assert pinned("0", "1", gap="a part", source="s") == not_run("a part", threshold="the pinned digest", unit="sha256")
    unpinned = not_run("no digest is pinned", threshold="the pinned digest", unit="sha256")
    assert pinned("0", None, gap="", source="s") == unpinned


def top1(right: int) -> TopK:
    """Top-1 over the whole validation set."""
    return top_k_of(right, 50000, 1)


FACT = Fact(value=56.527, unit="percent", source="guide")
TENTH = AtMost(at_most=0.1, unit="pp", source="s")


@pytest.mark.parametrize(
    ("correct", "verdict"), [(28264, Verdict.PASS), (28310, Verdict.PASS), (28320, Verdict.FAIL), (28200, Verdict.FAIL)]
)
def test_a_published_accuracy_is_reached_within_its_error_on_both_sides(correct: int, verdict: Verdict) -> None:
    assert published_accuracy(top1(correct), FACT, TENTH, whose="x", incomplete="").verdict is verdict


def test_a_published_accuracy_is_told_beside_the_measured_one() -> None:
    check = published_accuracy(top1(28320), FACT, TENTH, whose="x", incomplete="")
    assert check.measured == pytest.approx(0.113)
    away = abs(100 * 28320 / 50000 - 56.527)
    assert check == within(away, TENTH, detail="Top-1 is 56.640 %, published 56.527 % (guide)")


def test_on_other_images_a_published_accuracy_says_nothing() -> None:
    assert published_accuracy(top1(28264), FACT, TENTH, whose="x", incomplete="100 of 50000") == not_run(
        "Top-1 56.527 % was published for another set of images: 100 of 50000",
        threshold="<= 0.1",
        unit="pp",
        source="guide",
    )


def test_an_accuracy_that_so_few_images_cannot_come_from_fails_on_any_number_of_them() -> None:
    low = top1(20000)
    few = published_accuracy(low, FACT, TENTH, whose="x", incomplete="100 of 50000", refuted="too low by far")
    assert few == Check(
        measured=abs(40.0 - 56.527),
        threshold="<= 0.1, or what so few images explain",
        unit="pp",
        verdict=Verdict.FAIL,
        detail="too low by far",
        source="guide",
    )
    whole = published_accuracy(low, FACT, TENTH, whose="x", incomplete="", refuted="too low by far")
    assert whole == within(abs(40.0 - 56.527), TENTH, detail="too low by far")
    third = AtMost(at_most=1 / 3, unit="pp", source="s")
    assert "<= 0.3333333333, or" in str(
        published_accuracy(low, FACT, third, whose="x", incomplete="100", refuted="low").threshold
    )


@pytest.mark.parametrize("incomplete", ["", "100 of 50000"])
def test_an_accuracy_that_nobody_published_is_not_judged(incomplete: str) -> None:
    check = published_accuracy(top1(28264), None, TENTH, whose="the checkpoint's", incomplete=incomplete)
    assert check == not_judged("nobody published the checkpoint's Top-1", unit="pp")


def test_a_gate_that_asks_for_nothing_hinders_nothing_and_has_not_passed() -> None:
    check = not_judged("nobody said", unit="pp", source="s")
    assert check == Check(
        measured="-", threshold="-", unit="pp", verdict=Verdict.NOT_JUDGED, detail="nobody said", source="s"
    )
    assert not_judged("nobody said", unit="pp") == dataclasses.replace(check, source="")
    assert (check.passed, check.hinders) == (False, False)
    hinders = {verdict for verdict in Verdict if dataclasses.replace(check, verdict=verdict).hinders}
    assert hinders == {Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_RUN}
