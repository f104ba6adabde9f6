"""A comparison passes on its bound and fails beyond it; what is no number and what was not looked at never pass."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.conservation import handover
from tools.judge.accuracy import TopK, top1_to_top5
from tools.judge.checks import complete, conserved, made, none_of, not_run, pinned, same, within
from tools.judge.published import published_accuracy
from tools.judge.results import Check, Verdict
from tools.spec import PUBLISHED_SPEC, SAMPLE_SPEC, AtLeast, AtMost, Bound, Exactly, Fact, load_spec

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
    assert msgspec.json.decode(msgspec.json.encode(check), type=Check) == check


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([MOST, LEAST, EXACT]))
def test_headroom_and_verdict_agree(value: float, bound: Bound) -> None:
    check = within(value, bound)
    if check.headroom is not None:
        assert check.passed == (check.headroom >= 0)


def test_a_bound_of_0_is_a_bound() -> None:
    assert not within(1e-300, AtMost(at_most=0.0, unit="x", source="s")).passed
    assert within(0.0, AtMost(at_most=0.0, unit="x", source="s")).threshold == "<= 0"


def test_texts_are_the_same_or_not() -> None:
    assert same("a", "a", unit="md5", source="s").passed
    assert not same("a", "A", unit="md5", source="s").passed
    assert not same("", "a", unit="md5", source="s").passed


def test_offenders_fail_and_so_does_having_looked_at_nothing() -> None:
    assert none_of((), among=3, unit="bins", source="s").passed
    assert not none_of((), among=0, unit="bins", source="s").passed
    check = none_of(tuple("abcdefg"), among=9, unit="bins", source="s")
    assert (check.verdict, check.measured, check.detail) == (Verdict.FAIL, "7 of 9", "a, b, c, d, e, … 2 more")


def test_a_hand_over_of_nothing_fails() -> None:
    assert conserved(handover("a", "xy", "b", "yx")).passed
    assert not conserved(handover("a", "xy", "b", "x")).passed
    assert not conserved(handover("a", "", "b", "")).passed


def test_a_step_is_made_or_died() -> None:
    assert made("48 images").passed
    assert made("it died", failed=True).verdict is Verdict.FAIL


def test_an_undecided_gate_is_not_passed() -> None:
    assert not not_run("no device", threshold="-", unit="-").passed


def test_another_data_set_fails_where_the_full_one_is_required_and_is_owed_elsewhere() -> None:
    images = Exactly(exactly=50000, unit="images", source="guide")
    assert complete("", images, required=True).passed
    assert complete("", images, required=False).passed
    assert complete("100 of 50000", images, required=True).verdict is Verdict.FAIL
    assert complete("100 of 50000", images, required=False).verdict is Verdict.NOT_RUN


def test_only_the_samples_own_images_are_held_against_its_digest() -> None:
    sample, published = load_spec(SAMPLE_SPEC).dataset, load_spec(PUBLISHED_SPEC).dataset
    assert pinned(str(sample.content_sha256), sample, own=False).passed
    assert pinned("0" * 64, sample, own=False).verdict is Verdict.FAIL
    assert pinned("0" * 64, sample, own=True).verdict is Verdict.NOT_RUN
    assert pinned("0" * 64, published, own=False).verdict is Verdict.NOT_RUN


def top1(right: int) -> TopK:
    """Top-1 over the whole validation set."""
    places = {f"image{number}": int(number < right) for number in range(50000)}
    return top1_to_top5(places)[0]


FACT = Fact(value=56.527, unit="percent", source="guide")
TENTH = AtMost(at_most=0.1, unit="pp", source="s")


@pytest.mark.parametrize(
    ("correct", "verdict"), [(28264, Verdict.PASS), (28310, Verdict.PASS), (28320, Verdict.FAIL), (28200, Verdict.FAIL)]
)
def test_a_published_accuracy_is_reached_within_its_error_on_both_sides(correct: int, verdict: Verdict) -> None:
    assert published_accuracy(top1(correct), FACT, TENTH, incomplete="").verdict is verdict


def test_on_other_images_a_published_accuracy_says_nothing() -> None:
    check = published_accuracy(top1(28264), FACT, TENTH, incomplete="100 of 50000")
    assert check.verdict is Verdict.NOT_RUN
    assert "100 of 50000" in check.detail
