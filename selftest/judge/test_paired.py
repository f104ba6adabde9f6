"""The 2x2 table against published examples, against scipy as an independent reference, and at its edges."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.judge.paired import PairedTable, images_needed, loss_interval_pp, mcnemar_p, wilson_percent

STEADY = settings(derandomize=True, deadline=None)  # the same examples in every run


def table(lost: int, gained: int, images: int) -> PairedTable:
    return PairedTable(both_right=images - lost - gained, lost=lost, gained=gained, both_wrong=0)


tables = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 3000)).map(
    lambda counts: table(counts[0], counts[1], counts[0] + counts[1] + counts[2])
)


def reference_limits(lost: int, gained: int, images: int, continuity: float) -> tuple[float, float]:
    """Tango's limits by numerical maximum likelihood and root finding, sharing no formula with the code under test."""
    from scipy.optimize import brentq, minimize_scalar
    from scipy.stats import norm

    def standard_error(difference: float) -> float:
        def minus_log_likelihood(share_gained: float) -> float:
            share_lost = share_gained + difference
            rest = 1 - share_gained - share_lost
            cells = ((lost, share_lost), (gained, share_gained), (images - lost - gained, rest))
            return -sum(count * math.log(max(share, 1e-300)) for count, share in cells if count)

        low, high = max(0.0, -difference), (1 - difference) / 2
        share_gained = minimize_scalar(
            minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-14, "maxiter": 500}
        ).x
        return math.sqrt(max(0.0, images * (2 * share_gained + difference - difference**2)))

    z, observed = norm.ppf(0.975), (lost - gained) / images
    upper = brentq(
        lambda d: images * d - (lost - gained) - continuity - z * standard_error(d), observed, 1 - 1e-9, xtol=1e-13
    )
    lower = brentq(
        lambda d: lost - gained - images * d - continuity - z * standard_error(d), -1 + 1e-9, observed, xtol=1e-13
    )
    return 100 * lower, 100 * upper


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (-1, 1, 1, 1), (1, -1, 1, 1), (1, 1, -1, 1), (1, 1, 1, -1)])
def test_table_refuses_impossible_counts(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="not a table"):
        PairedTable(both_right=counts[0], lost=counts[1], gained=counts[2], both_wrong=counts[3])


def test_a_drop_of_exactly_one_point_is_exactly_one() -> None:
    assert all(table(images // 100, 0, images).drop_pp == 1.0 for images in range(100, 50_001, 100))
    assert table(1, 0, 1000).drop_pp == 0.1


def test_published_example_of_tango_without_correction() -> None:
    """Tango 1998, crossover trial of 21 patients, 1 and 7 discordant: -0.517 to -0.026; exact McNemar p 0.0703."""
    example = PairedTable(both_right=1, lost=1, gained=7, both_wrong=12)
    interval = loss_interval_pp(example, continuity=0.0)
    assert (round(interval.low, 1), round(interval.high, 1)) == (-51.7, -2.6)
    assert mcnemar_p(example) == 0.0703125


@pytest.mark.parametrize("continuity", [0.0, 0.5])
@pytest.mark.parametrize(
    ("lost", "gained", "images"),
    [(1, 7, 21), (16, 8, 86), (0, 0, 300), (3, 0, 300), (0, 4, 1000), (25, 12, 5000), (79, 46, 4000), (40, 25, 50_000)],
)
def test_interval_agrees_with_a_numerical_reference(lost: int, gained: int, images: int, continuity: float) -> None:
    interval = loss_interval_pp(table(lost, gained, images), continuity=continuity)
    low, high = reference_limits(lost, gained, images, continuity)
    assert interval.low == pytest.approx(low, abs=2e-4)
    assert interval.high == pytest.approx(high, abs=2e-4)


@STEADY
@given(tables)
def test_interval_holds_the_observed_drop_and_mirrors(observed: PairedTable) -> None:
    mirrored = table(observed.gained, observed.lost, observed.images)
    interval, other = loss_interval_pp(observed), loss_interval_pp(mirrored)
    assert -100 <= interval.low < observed.drop_pp < interval.high <= 100
    assert (interval.low, interval.high) == (-other.high, -other.low)


@STEADY
@given(tables)
def test_more_images_alike_narrow_the_interval(observed: PairedTable) -> None:
    tripled = table(3 * observed.lost, 3 * observed.gained, 3 * observed.images)
    narrow, wide = loss_interval_pp(tripled), loss_interval_pp(observed)
    assert narrow.high - narrow.low < wide.high - wide.low


def test_all_images_lost_is_within_the_possible() -> None:
    assert loss_interval_pp(table(50, 0, 50)).high == 100.0
    assert loss_interval_pp(table(0, 50, 50)).low == -100.0


def exact_coverage(images: int, discordant: float, drop: float, continuity: float) -> float:
    """Coverage as a sum over all tables, from scipy's binomials."""
    from scipy.stats import binom

    lost_share, gained_share = (discordant + drop) / 2, (discordant - drop) / 2
    most = int(binom.isf(1e-7, images, discordant)) + 1
    total = 0.0
    for lost, gained in product(range(most + 1), repeat=2):
        chance = binom.pmf(lost, images, lost_share) * binom.pmf(gained, images - lost, gained_share / (1 - lost_share))
        interval = loss_interval_pp(table(lost, gained, images), continuity=continuity)
        total += chance * (interval.low <= 100 * drop <= interval.high)
    return total


def test_the_correction_is_what_keeps_exact_coverage_above_94_percent() -> None:
    assert exact_coverage(300, 0.015, 0.0135, continuity=0.0) < 0.94
    assert exact_coverage(300, 0.015, 0.0135, continuity=0.5) > 0.95


@pytest.mark.parametrize(("right", "images"), [(0, 1), (1, 1), (0, 50), (283, 500), (28263, 50_000), (50, 50)])
def test_wilson_agrees_with_scipy(right: int, images: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(right, images).proportion_ci(0.95, method="wilson")
    interval = wilson_percent(right, images)
    assert (interval.low, interval.high) == pytest.approx((100 * expected.low, 100 * expected.high), abs=1e-9)


def test_wilson_ends_exactly_at_none_and_all() -> None:
    sizes = range(1, 500)
    assert {wilson_percent(0, images).low for images in sizes} == {0.0}
    assert {wilson_percent(images, images).high for images in sizes} == {100.0}


def test_an_interval_says_its_confidence_and_a_higher_one_is_wider() -> None:
    observed = table(3, 1, 1000)
    for interval in (wilson_percent, lambda *_, **asked: loss_interval_pp(observed, **asked)):
        usual, wide = interval(283, 500), interval(283, 500, confidence=0.99)
        assert (usual.confidence, wide.confidence) == (0.95, 0.99)
        assert wide.low < usual.low < usual.high < wide.high


@pytest.mark.parametrize(("right", "images"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses_what_is_no_proportion(right: int, images: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson_percent(right, images)


@STEADY
@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_agrees_with_scipys_exact_binomial_test(lost: int, gained: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert mcnemar_p(table(lost, gained, 1000)) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_huge_counts_is_quick_and_sane() -> None:
    assert mcnemar_p(table(25_000, 25_000, 50_000)) == 1.0
    assert mcnemar_p(table(50_000, 0, 50_000)) == 0.0
    assert 6.3e-6 < mcnemar_p(table(25_000, 24_000, 50_000)) < 6.5e-6


@STEADY
@given(tables.filter(lambda observed: observed.drop_pp < 1.0))
def test_images_needed_is_where_the_upper_limit_crosses_the_margin(observed: PairedTable) -> None:
    """Enlarged with the same shares just past the number the bound is proven, just short of it it is not."""
    needed = images_needed(observed, 1.0)
    assert needed is not None
    below, above = (needed - 1) // observed.images, -(-needed // observed.images)
    grown = table(above * observed.lost, above * observed.gained, above * observed.images)
    assert loss_interval_pp(grown).high < 1.0
    if below:
        shrunk = table(below * observed.lost, below * observed.gained, below * observed.images)
        assert loss_interval_pp(shrunk).high >= 1.0


@pytest.mark.parametrize(("lost", "images"), [(10, 1000), (11, 1000)])
def test_no_number_of_images_proves_a_drop_that_reaches_the_margin(lost: int, images: int) -> None:
    assert images_needed(table(lost, 0, images), 1.0) is None


def test_without_discordance_476_images_prove_one_point() -> None:
    assert images_needed(table(0, 0, 100), 1.0) == 476
    assert loss_interval_pp(table(0, 0, 475)).high >= 1.0 > loss_interval_pp(table(0, 0, 476)).high
