"""The accuracy verdict: each way to fail, to stay undecided and to pass, and the refusals before any ratio."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftest.judge.kept import kept
from tools.base.errors import SuiteError
from tools.judge.accuracy import Loss, TightBound, doubted, judge_loss, top_k_of
from tools.judge.numbers import AtMost
from tools.judge.paired import PairedTable, loss_interval_pp
from tools.judge.results import Verdict

STEADY = settings(derandomize=True, deadline=None)  # the same examples in every run

MARGIN = AtMost(at_most=1.0, unit="pp", source="guide")
TIGHT = AtMost(at_most=0.1, unit="pp", source="tight")


def judge(lost: int, gained: int, images: int, *, strict: bool = False) -> Loss:
    table = PairedTable(both_right=images - lost - gained, lost=lost, gained=gained, both_wrong=0)
    return judge_loss(table, k=1, margin=MARGIN, tight=TIGHT, strict=strict)


@pytest.mark.parametrize(
    ("lost", "gained", "images", "verdict"),
    [
        (20, 15, 50_000, Verdict.PASS),
        (0, 0, 476, Verdict.PASS),
        (0, 0, 475, Verdict.INCONCLUSIVE),
        (0, 0, 1, Verdict.INCONCLUSIVE),
        (5, 0, 1000, Verdict.INCONCLUSIVE),
        (10, 0, 1000, Verdict.INCONCLUSIVE),
        (11, 0, 1000, Verdict.FAIL),
        (1, 0, 1, Verdict.FAIL),
        (700, 199, 50_000, Verdict.FAIL),
        (0, 600, 50_000, Verdict.PASS),
    ],
)
def test_verdict(lost: int, gained: int, images: int, verdict: Verdict) -> None:
    assert judge(lost, gained, images).check.verdict is verdict


@pytest.mark.parametrize(
    ("right", "strict", "verdict"),
    [
        (0, False, Verdict.INCONCLUSIVE),
        (500, False, Verdict.INCONCLUSIVE),
        (501, False, Verdict.PASS),
        (50, True, Verdict.INCONCLUSIVE),
        (200, False, Verdict.INCONCLUSIVE),
        (200, True, Verdict.PASS),
        (501, True, Verdict.PASS),
    ],
)
def test_nothing_passes_where_a_candidate_that_is_right_on_no_image_would_not_fail(
    right: int, strict: bool, verdict: Verdict
) -> None:
    kept_all = PairedTable(both_right=right, lost=0, gained=0, both_wrong=50_000 - right)
    check = judge_loss(kept_all, k=1, margin=MARGIN, tight=TIGHT, strict=strict).check
    assert check.verdict is verdict
    assert (f"the checkpoint is right on {right} of 50000 images" in check.detail) is (verdict is Verdict.INCONCLUSIVE)
    lost_all = PairedTable(both_right=0, lost=right, gained=0, both_wrong=50_000 - right)
    failed = judge_loss(lost_all, k=1, margin=MARGIN, tight=TIGHT, strict=strict).check.verdict is Verdict.FAIL
    assert failed is (verdict is Verdict.PASS)


@pytest.mark.parametrize(
    ("table", "verdict"),
    [
        (PairedTable(both_right=5, lost=0, gained=0, both_wrong=494), Verdict.PASS),
        (PairedTable(both_right=5, lost=0, gained=0, both_wrong=495), Verdict.INCONCLUSIVE),
        (PairedTable(both_right=495, lost=10, gained=5, both_wrong=49_490), Verdict.PASS),
    ],
)
def test_what_could_be_lost_is_all_that_the_checkpoint_gets_right_and_no_more(
    table: PairedTable, verdict: Verdict
) -> None:
    assert judge_loss(table, k=1, margin=MARGIN, tight=TIGHT, strict=False).check.verdict is verdict


def test_a_gain_over_a_checkpoint_that_is_right_on_no_image_proves_nothing() -> None:
    gained = PairedTable(both_right=0, lost=0, gained=600, both_wrong=49_400)
    check = judge_loss(gained, k=1, margin=MARGIN, tight=TIGHT, strict=False).check
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "right on 0 of 50000 images" in check.detail


def test_why_nothing_could_fail_is_told_in_full() -> None:
    table = PairedTable(both_right=300, lost=10, gained=5, both_wrong=49_685)
    check = judge_loss(table, k=1, margin=MARGIN, tight=TIGHT, strict=False).check
    assert check.detail == (
        "the checkpoint is right on 310 of 50000 images: a model that is right on none would lose 0.620 pp, which the "
        "bound allows, so that nothing could fail here; judge images that the checkpoint classifies"
    )


@pytest.mark.parametrize(
    ("loss", "verdict"),
    [
        (judge(0, 0, 50_000), Verdict.INCONCLUSIVE),
        (judge(0, 0, 1), Verdict.INCONCLUSIVE),
        (judge(11, 0, 1000), Verdict.FAIL),
    ],
)
def test_beside_a_doubted_reference_nothing_but_a_failure_is_proven(loss: Loss, verdict: Verdict) -> None:
    after = doubted(loss, "its labels are no better than chance")
    assert after.check.verdict is verdict
    if verdict is Verdict.FAIL:
        assert after == loss
    else:
        said = "the checkpoint is no reference on these images, so that a drop means nothing: its labels are no better"
        assert after.check.detail == f"{said} than chance"
        assert replace(after, check=loss.check) == loss
    assert doubted(loss, "") == loss


def test_the_words_that_the_evidence_keeps() -> None:
    assert [str(state) for state in TightBound] == ["HELD", "EXCEEDED", "UNDECIDED"]


def test_an_upper_limit_on_the_bound_proves_nothing_yet_and_just_below_it_does() -> None:
    table = PairedTable(both_right=980, lost=2, gained=1, both_wrong=17)
    high = loss_interval_pp(table).high
    for bound, state, verdict in (
        (high, TightBound.UNDECIDED, Verdict.INCONCLUSIVE),
        (math.nextafter(high, 9), TightBound.HELD, Verdict.PASS),
    ):
        edge = AtMost(at_most=bound, unit="pp", source="edge")
        loose = judge_loss(table, k=1, margin=edge, tight=TIGHT, strict=False)
        assert (loose.check.verdict, loose.images_needed is None) == (verdict, verdict is Verdict.PASS)
        strict = judge_loss(table, k=1, margin=MARGIN, tight=edge, strict=True)
        assert (strict.check.verdict, strict.tight) == (verdict, state)


def test_a_loss_of_exactly_the_tight_bound_does_not_exceed_it() -> None:
    table = PairedTable(both_right=49_880, lost=110, gained=10, both_wrong=0)
    for bound, state in ((table.drop_pp, TightBound.UNDECIDED), (math.nextafter(0.2, 0), TightBound.EXCEEDED)):
        edge = AtMost(at_most=bound, unit="pp", source="edge")
        assert judge_loss(table, k=1, margin=MARGIN, tight=edge, strict=False).tight is state


def test_inconclusive_says_how_many_images_are_needed() -> None:
    loss = judge(0, 0, 300)
    assert loss.images_needed == 476
    assert loss.check.detail == (
        "0 lost and 0 gained of 300 images, loss 0.000 pp, 95 % interval -1.576 to 1.576 pp: "
        "about 476 images are needed to prove the bound if loss and discordance stay as seen"
    )


def test_inconclusive_at_the_margin_promises_nothing() -> None:
    loss = judge(10, 0, 1000)
    assert loss.images_needed is None
    assert loss.check.detail.endswith(": the loss seen is not below the bound, so more images alone will not prove it")


def test_failure_shows_the_table_and_the_interval_and_nothing_more() -> None:
    check = judge(20, 5, 1000).check
    assert check.measured == 1.5
    assert check.detail == "20 lost and 5 gained of 1000 images, loss 1.500 pp, 95 % interval 0.514 to 2.684 pp"
    assert check.headroom is not None
    assert check.headroom < 0


def test_a_pass_explains_nothing_and_every_verdict_names_its_method() -> None:
    check = judge(20, 15, 50_000).check
    assert (check.detail, check.unit) == ("", "pp")
    assert check.source == "guide; interval: Tango 1998 with continuity correction"
    assert judge(20, 15, 50_000, strict=True).check.source.startswith("tight; interval")


@pytest.mark.parametrize(
    ("lost", "gained", "images", "state", "strict_verdict"),
    [
        (33, 32, 50_000, TightBound.HELD, Verdict.PASS),
        (60, 40, 50_000, TightBound.HELD, Verdict.PASS),
        (70, 30, 50_000, TightBound.UNDECIDED, Verdict.INCONCLUSIVE),
        (110, 30, 50_000, TightBound.EXCEEDED, Verdict.FAIL),
        (3, 1, 1000, TightBound.UNDECIDED, Verdict.INCONCLUSIVE),
        (800, 720, 50_000, TightBound.EXCEEDED, Verdict.FAIL),
        (800, 730, 50_000, TightBound.UNDECIDED, Verdict.INCONCLUSIVE),
        (0, 0, 1000, TightBound.UNDECIDED, Verdict.INCONCLUSIVE),
    ],
)
def test_tight_bound_warns_and_is_a_gate_only_when_strict(
    lost: int, gained: int, images: int, state: TightBound, strict_verdict: Verdict
) -> None:
    loose, strict = judge(lost, gained, images), judge(lost, gained, images, strict=True)
    assert loose.tight is strict.tight is state
    assert loose.check.verdict is Verdict.PASS
    assert strict.check.verdict is strict_verdict
    assert bool(loose.warning) is bool(strict.warning) is (state is TightBound.EXCEEDED)


def test_warning_says_how_much_and_why_it_is_no_chance_finding() -> None:
    warning = judge(110, 30, 50_000).warning
    assert "Top-1 loss of 0.160 pp exceeds the tight bound of 0.1 pp" in warning
    assert "McNemar p" in warning


def test_strict_inconclusive_counts_images_for_the_tight_bound() -> None:
    loose, strict = judge(4, 4, 4000), judge(4, 4, 4000, strict=True)
    assert loose.images_needed is None
    assert strict.images_needed is not None
    assert strict.images_needed > 4000


def test_threshold_and_headroom_are_those_of_the_bound_to_prove() -> None:
    loose, strict = judge(20, 15, 50_000), judge(20, 15, 50_000, strict=True)
    assert loose.check.threshold == "<= 1, upper 95 % limit < 1"
    assert strict.check.threshold == "<= 1, upper 95 % limit < 0.1 (strict)"
    assert loose.check.headroom == 1.0 - loose.interval_pp.high
    assert strict.check.headroom == 0.1 - strict.interval_pp.high


def test_headroom_has_the_sign_of_the_proof() -> None:
    passed, open_ = judge(20, 15, 50_000).check.headroom, judge(5, 0, 1000).check.headroom
    assert passed is not None
    assert open_ is not None
    assert passed > 0 >= open_


@pytest.mark.parametrize("tight", [-0.1, 1.1])
def test_tight_bound_outside_the_margin_is_refused(tight: float) -> None:
    table = PairedTable(both_right=9, lost=1, gained=0, both_wrong=0)
    bound = AtMost(at_most=tight, unit="pp", source="typo")
    with pytest.raises(ValueError, match="must lie in"):
        judge_loss(table, k=1, margin=MARGIN, tight=bound, strict=False)


def test_bounds_of_zero_are_values() -> None:
    zero = AtMost(at_most=0.0, unit="pp", source="no loss")
    table = PairedTable(both_right=999, lost=1, gained=0, both_wrong=0)
    assert judge_loss(table, k=1, margin=zero, tight=zero, strict=False).check.verdict is Verdict.FAIL


@STEADY
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 3000))
def test_one_more_lost_image_never_improves_the_verdict(lost: int, gained: int, rest: int) -> None:
    order = [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]
    images = lost + gained + rest
    for strict in (False, True):
        before = judge(lost, gained, images, strict=strict).check.verdict
        after = judge(lost + 1, gained, images, strict=strict).check.verdict
        assert order.index(after) >= order.index(before)


@STEADY
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 3000))
def test_strict_is_never_milder(lost: int, gained: int, rest: int) -> None:
    order = [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]
    loose, strict = (judge(lost, gained, lost + gained + rest, strict=flag).check.verdict for flag in (False, True))
    assert order.index(strict) >= order.index(loose)


def test_record_survives_json() -> None:
    loss = judge(11, 3, 1000)
    assert kept(loss) == loss


def test_accuracy_over_no_images_is_refused() -> None:
    with pytest.raises(SuiteError, match=r"^no images to take Top-3 over$"):
        top_k_of(0, 0, 3)
