"""Throughput verdicts: recomputed rates, noise, scatter, order statistics, and the ceilings on published figures."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftest.judge.kept import kept
from tools.base.errors import SuiteError
from tools.judge.checks import within
from tools.judge.numbers import AtLeast, AtMost
from tools.judge.results import Check, Verdict
from tools.judge.throughput import (
    Rates,
    Stated,
    Throughput,
    check_reported,
    images_per_second,
    judge_throughput,
    order_interval,
    verdict_rates,
)

STEADY = settings(derandomize=True, deadline=None)  # the same examples in every run

FLOOR = AtLeast(at_least=1000.0, unit="images/s", source="test")
ALLOWED = AtMost(at_most=0.1, unit="percent", source="test")


def judge(*runs: float, noise: float = 1.0) -> Throughput:
    return judge_throughput(runs, floor=FLOOR, noise_cv_percent=noise)


def test_images_per_second_is_all_images_over_all_time() -> None:
    assert images_per_second([0.010 / 16, 0.030 / 16]) == pytest.approx(800.0)


def test_equal_work_gives_the_harmonic_mean_of_the_rates() -> None:
    rates = [300.0, 310.0, 317.707]
    assert images_per_second([1 / rate for rate in rates]) == pytest.approx(309.065, abs=5e-4)


@pytest.mark.parametrize("samples", [[], [0.0], [-0.1], [math.nan], [0.1, math.inf]])
def test_bad_samples_are_refused(samples: list[float]) -> None:
    with pytest.raises(SuiteError, match="bad seconds per image"):
        images_per_second(samples)


@pytest.mark.parametrize(
    ("reported", "verdict"),
    [
        (1000.0, Verdict.PASS),
        (1000.9, Verdict.PASS),
        (1002.0, Verdict.FAIL),
        (998.0, Verdict.FAIL),
        (16000.0, Verdict.FAIL),
    ],
)
def test_the_tools_figure_must_be_that_of_its_samples(reported: float, verdict: Verdict) -> None:
    assert check_reported([Stated(reported, (0.0005, 0.0015))], ALLOWED).verdict is verdict


def test_the_worst_of_all_runs_counts() -> None:
    runs = [Stated(1000.0, (0.001,)), Stated(1005.0, (0.001,)), Stated(1001.0, (0.001,))]
    check = check_reported(runs, ALLOWED)
    assert check.measured == pytest.approx(0.5)
    assert check.detail.startswith("the tool says 1005 images/s, its samples (1) give 1000")


def test_a_batch_counted_once_too_often_is_named_by_its_ratio() -> None:
    assert "ratio 16" in check_reported([Stated(16_000.0, (0.001,))], ALLOWED).detail


@pytest.mark.parametrize("stated", [[], [Stated(math.nan, (0.001,))], [Stated(0.0, (0.001,))], [Stated(1.0, ())]])
def test_what_is_no_figure_is_refused(stated: list[Stated]) -> None:
    with pytest.raises(SuiteError, match="bad"):
        check_reported(stated, ALLOWED)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ([1100.0], Verdict.PASS),
        ([1005.0], Verdict.INCONCLUSIVE),
        ([995.0], Verdict.INCONCLUSIVE),
        ([950.0], Verdict.FAIL),
        ([1015.0], Verdict.INCONCLUSIVE),
        ([1015.0, 1013.0, 1017.0, 1016.0, 1014.0], Verdict.PASS),
        ([985.0, 983.0, 987.0, 986.0, 984.0], Verdict.FAIL),
    ],
)
def test_verdict_against_the_floor(runs: list[float], verdict: Verdict) -> None:
    assert judge(*runs).check.verdict is verdict


def test_without_noise_the_floor_is_sharp() -> None:
    assert judge(1000.0, noise=0.0).check.verdict is Verdict.PASS
    assert judge(999.999, noise=0.0).check.verdict is Verdict.FAIL


def test_one_lucky_run_does_not_move_the_median() -> None:
    assert judge(900.0, 902.0, 920.0).median == 902.0


def test_an_even_number_of_runs_takes_the_lower_middle() -> None:
    assert judge(1100.0, 1110.0).median == 1100.0


def test_inconclusive_says_how_many_runs_would_settle_it() -> None:
    result = judge(1015.0)
    assert result.runs_needed == 3
    assert "3 runs would settle it" in result.check.detail
    assert judge(*[1015.0] * 3).check.verdict is Verdict.PASS


def test_a_rate_at_the_floor_is_never_settled() -> None:
    result = judge(1000.0)
    assert result.runs_needed is None
    assert "not even" in result.check.detail


def test_runs_that_scatter_beyond_the_stored_noise_are_inconclusive() -> None:
    result = judge(1100.0, 1300.0, 1500.0)
    assert result.check.verdict is Verdict.INCONCLUSIVE
    assert "stored noise is 1 %" in result.check.detail
    assert judge(1100.0, 1300.0, 1500.0, noise=15.0).check.verdict is not Verdict.FAIL
    for hardly_any in (0.0, 1.7e-305):
        assert judge(1100.0, 1100.1, noise=hardly_any).check.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("freedom", range(1, 12))
def test_the_scatter_limit_is_the_chi_square_quantile(freedom: int) -> None:
    """Runs placed on both sides of scipy's 0.1 % limit fall on both sides of ours."""
    from scipy.stats import chi2

    limit = math.sqrt(chi2.isf(0.001, freedom) / freedom)
    half = (freedom + 1) // 2
    pattern = [-1.0] * half + [1.0] * half + [0.0] * (freedom + 1 - 2 * half)
    unit = math.sqrt(sum(step * step for step in pattern) / freedom)
    for factor, scattered in ((0.999, False), (1.001, True)):
        runs = [2000.0 * (1 + 0.01 * limit * factor * step / unit) for step in pattern]
        assert (judge(*runs).check.verdict is Verdict.INCONCLUSIVE) is scattered


@pytest.mark.parametrize("runs", [[], [0.0], [-1.0], [math.nan], [1000.0, math.inf]])
def test_bad_runs_are_refused(runs: list[float]) -> None:
    with pytest.raises(SuiteError, match="bad images per second"):
        judge(*runs)


@pytest.mark.parametrize("noise", [-1.0, 26.0, math.nan])
def test_a_bad_noise_figure_is_refused(noise: float) -> None:
    with pytest.raises(SuiteError, match="bad noise figure"):
        judge(1000.0, noise=noise)


@STEADY
@given(st.lists(st.floats(500, 2000), min_size=1, max_size=9), st.floats(0, 20))
def test_the_interval_holds_the_median_and_follows_the_scale(runs: list[float], noise: float) -> None:
    result = judge(*runs, noise=noise)
    assert result.noise_interval.low <= result.median <= result.noise_interval.high
    doubled = judge(*(2 * run for run in runs), noise=noise)
    assert doubled.noise_interval.low == pytest.approx(2 * result.noise_interval.low)


@pytest.mark.parametrize("runs", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("noise", [0.5, 3.0])
def test_at_the_floor_pass_and_fail_are_wrong_in_2_5_percent_each(runs: int, noise: float) -> None:
    rates = verdict_rates(true_over_floor=1.0, noise_cv_percent=noise, runs=runs)
    assert (rates.passed, rates.failed) == pytest.approx((0.025, 0.025), abs=1e-9)


def test_rates_agree_with_simulated_verdicts() -> None:
    import numpy as np

    drawn = 1040.0 * (1 + 0.02 * np.random.default_rng(5).standard_normal((4000, 3)))
    verdicts = [judge(*run, noise=2.0).check.verdict for run in drawn.tolist()]
    rates = verdict_rates(true_over_floor=1.04, noise_cv_percent=2.0, runs=3)
    assert verdicts.count(Verdict.PASS) / 4000 == pytest.approx(rates.passed, abs=0.03)
    assert verdicts.count(Verdict.FAIL) / 4000 == pytest.approx(rates.failed, abs=0.01)


def test_rates_without_noise() -> None:
    assert verdict_rates(true_over_floor=1.0, noise_cv_percent=0.0, runs=1).passed == 1.0
    assert verdict_rates(true_over_floor=0.999, noise_cv_percent=0.0, runs=1).failed == 1.0


@pytest.mark.parametrize(
    ("runs", "low", "high", "confidence"),
    [(1, 1, 1, 0.0), (5, 1, 5, 0.9375), (6, 1, 6, 0.96875), (8, 1, 8, 0.9921875), (10, 2, 9, 0.978515625)],
)
def test_order_interval_has_the_binomial_confidence(runs: int, low: float, high: float, confidence: float) -> None:
    interval = order_interval([float(value) for value in range(runs, 0, -1)])
    assert (interval.low, interval.high) == (low, high)
    assert interval.confidence == pytest.approx(confidence)


def test_record_survives_json() -> None:
    result = judge(1015.0, 1013.0, 1017.0)
    assert kept(result) == result


SEEN = "true rate {} images/s with 95 % confidence ({} runs, noise 1 %)"
RERUN = "rerun on an idle device"


@pytest.mark.parametrize(
    ("runs", "verdict", "headroom", "detail"),
    [
        ([1100.0], Verdict.PASS, 100.0, ""),
        ([950.0], Verdict.FAIL, -50.0, SEEN.format("931.738 to 968.992", 1)),
        (
            [1015.0],
            Verdict.INCONCLUSIVE,
            15.0,
            f"{SEEN.format('995.489 to 1035.29', 1)}: {RERUN}, 3 runs would settle it at this median",
        ),
        (
            [1000.0],
            Verdict.INCONCLUSIVE,
            0.0,
            f"{SEEN.format('980.777 to 1019.99', 1)}: {RERUN}, not even 99 runs would settle it",
        ),
        ([987.0, 983.0, 985.0], Verdict.FAIL, -15.0, SEEN.format("972.218 to 998.123", 3)),
        (
            [1100.0, 1300.0, 1500.0],
            Verdict.INCONCLUSIVE,
            300.0,
            f"the runs scatter by 15.4 % while the stored noise is 1 %: {RERUN}, or measure its noise anew",
        ),
    ],
)
def test_a_verdict_says_what_it_rests_on(runs: list[float], verdict: Verdict, headroom: float, detail: str) -> None:
    assert judge(*runs).check == Check(
        measured=1000.0 + headroom,
        threshold=">= 1000",
        unit="images/s",
        verdict=verdict,
        headroom=headroom,
        detail=detail,
        source="test",
    )


def test_everything_known_of_the_runs_is_kept() -> None:
    kept = judge(987.0, 983.0, 985.0, noise=2.0)
    assert (kept.runs, kept.median, kept.noise_cv_percent) == ((987.0, 983.0, 985.0), 985.0, 2.0)
    assert kept.spread_percent == pytest.approx(100 * 2 / 985)
    assert (kept.order_interval.low, kept.order_interval.high, kept.order_interval.confidence) == (983.0, 987.0, 0.75)
    assert kept.noise_interval.confidence == 0.95
    assert judge(1000.0).spread_percent is None


def test_runs_needed_is_told_only_where_more_runs_help() -> None:
    assert judge(1100.0).runs_needed is judge(950.0).runs_needed is None
    assert judge(1002.47).runs_needed == 99
    assert judge(1002.46).runs_needed is None
    assert judge(980.0, 980.0).runs_needed == judge(986.5, 986.5).runs_needed == 3
    assert judge(1010.5, 1010.5, 1010.5).runs_needed == 7
    assert judge(910.0, 1010.0, 1110.0).runs_needed is None  # they scatter: more runs of that kind settle nothing


def test_a_limit_that_is_the_floor_passes_below_and_stays_open_above() -> None:
    interval = judge(1000.0).noise_interval
    for floor, verdict in (
        (interval.low, Verdict.PASS),
        (math.nextafter(interval.low, 9e9), Verdict.INCONCLUSIVE),
        (interval.high, Verdict.INCONCLUSIVE),
        (math.nextafter(interval.high, 9e9), Verdict.FAIL),
    ):
        bound = AtLeast(at_least=floor, unit="images/s", source="edge")
        assert judge_throughput([1000.0], floor=bound, noise_cv_percent=1.0).check.verdict is verdict


def test_noise_from_0_to_25_percent_is_a_figure() -> None:
    assert judge(1100.0, noise=25.0).check.verdict is Verdict.INCONCLUSIVE
    for noise in (-0.1, 25.1):
        with pytest.raises(SuiteError) as caught:
            judge(1000.0, noise=noise)
        assert str(caught.value) == f"bad noise figure; found {noise} %; allowed 0 to 25 %"
        with pytest.raises(SuiteError, match="bad noise figure"):
            verdict_rates(true_over_floor=1.0, noise_cv_percent=noise, runs=1)


@pytest.mark.parametrize(
    ("values", "found"), [([], "no value"), ([1.0, -2.0, 0.0], "-2.0 among 3 values"), ([0.0], "0.0 among 1 values")]
)
def test_what_is_no_rate_is_refused_with_what_was_found(values: list[float], found: str) -> None:
    with pytest.raises(SuiteError) as caught:
        judge(*values)
    allowed = "allowed at least one, each positive and finite"
    assert str(caught.value) == f"bad images per second of a run; found {found}; {allowed}"
    with pytest.raises(SuiteError) as caught:
        images_per_second(values)
    assert str(caught.value) == f"bad seconds per image; found {found}; {allowed}"
    with pytest.raises(SuiteError) as caught:
        check_reported([Stated(value, (1.0,)) for value in values], ALLOWED)
    assert str(caught.value) == f"bad images per second stated by the tool; found {found}; {allowed}"


def test_a_tools_figure_is_told_beside_ours() -> None:
    assert check_reported([Stated(1002.0, (0.0005, 0.0015))], ALLOWED) == within(
        100 * (1002.0 - 1000.0) / 1000.0,
        ALLOWED,
        detail="the tool says 1002 images/s, its samples (2) give 1000: ratio 1.002",
    )


@pytest.mark.parametrize(("confidence", "low", "high"), [(0.9296875, 2, 7), (0.93, 1, 8), (0.999, 1, 8), (0.1, 4, 5)])
def test_the_narrowest_pair_that_reaches_the_confidence_is_taken(confidence: float, low: float, high: float) -> None:
    interval = order_interval([float(value) for value in range(1, 9)], confidence)
    assert (interval.low, interval.high) == (low, high)


@pytest.mark.parametrize("runs", [1, 2, 3, 4, 9])
def test_rates_of_verdicts_add_up_and_follow_the_normal_median(runs: int) -> None:
    """The lower median of k runs lies below z with the chance that at least (k + 1) // 2 of them do."""
    from scipy.stats import binom, norm

    rates = verdict_rates(true_over_floor=1.01, noise_cv_percent=1.0, runs=runs)
    interval = judge(*[1000.0] * runs).noise_interval
    edges = [(1e6 / limit / 1010.0 - 1) / 0.01 for limit in (interval.low, interval.high)]
    below_low, below_high = (binom.sf((runs + 1) // 2 - 1, runs, norm.cdf(edge)) for edge in edges)
    assert rates.passed == pytest.approx(1 - below_low, abs=1e-9)
    assert rates.failed == pytest.approx(below_high, abs=1e-9)
    assert rates.passed + rates.failed + rates.inconclusive == pytest.approx(1)


def test_a_rate_far_from_the_floor_is_sure() -> None:
    assert verdict_rates(true_over_floor=0.001, noise_cv_percent=1.0, runs=3).failed == 1.0
    assert verdict_rates(true_over_floor=1000.0, noise_cv_percent=1.0, runs=3).passed == 1.0


def test_rates_without_noise_are_whole() -> None:
    assert verdict_rates(true_over_floor=1.0, noise_cv_percent=0.0, runs=1) == Rates(
        passed=1.0, failed=0.0, inconclusive=0.0
    )
    assert verdict_rates(true_over_floor=0.999, noise_cv_percent=0.0, runs=1) == Rates(
        passed=0.0, failed=1.0, inconclusive=0.0
    )
