"""Systematic errors inside every worst-case bound: each is seen by its own figure, and rounding by none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from tools.engines.agreement import agree
from tools.engines.predictions import Predictions
from tools.judge import records
from tools.judge.agreement import (
    CHECKS,
    Agreement,
    Unusable,
    check_column_error,
    check_image_slope_error,
    check_mean_error,
    check_slope_error,
)
from tools.judge.device_bounds import check_device_bounds
from tools.judge.ids import PTH, om
from tools.judge.numbers import AtMost
from tools.judge.spec import LogitAgreement
from tools.judge.systematic import DOUBT, ColumnSums, Estimate, Systematic, estimate, t_quantile, worst_column
from tools.ports.spec import PUBLISHED_SPEC, load_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]

IMAGES, CLASSES = 240, 100
ASKED = load_spec(PUBLISHED_SPEC).agreement
SYSTEMATIC = ("slope_error", "mean_error", "column_error", "image_slope_error")


def rounded(images: int = IMAGES) -> tuple[Rows, Rows]:
    """Logits as wide as the sample's, and what fp16 makes of them: each off by 0.006 on average."""
    import numpy as np

    random = np.random.default_rng(3)
    pth = random.normal(0, 3.2, (images, CLASSES)).astype(np.float32)
    return pth, pth + random.normal(0, 0.006, pth.shape).astype(np.float32)


def held(pth: Rows, candidate: Rows, near_tie: float = 0.2) -> Agreement:
    """One variant held against the checkpoint."""
    ids = tuple(map(str, range(len(pth))))
    return agree(Predictions(PTH, ids, pth), Predictions(om(1), ids, candidate), near_tie_logits=near_tie)


def red(found: Agreement, asked: LogitAgreement) -> list[str]:
    """The questions that fail."""
    return [name for name, check in CHECKS.items() if not check(found, getattr(asked, name)).passed]


def _slope(rows: Rows) -> None:
    rows *= 0.98


def _column(rows: Rows) -> None:
    rows[:, rows.max(axis=0).argmin()] += 0.3


def _mean(rows: Rows) -> None:
    rows += 0.01


def _one_in_24(rows: Rows) -> None:
    rows[::24] *= 1.025


@pytest.mark.parametrize(
    ("spoil", "question"),
    [(_slope, "slope_error"), (_column, "column_error"), (_mean, "mean_error"), (_one_in_24, "image_slope_error")],
)
def test_a_systematic_error_within_a_devices_worst_case_is_red(spoil: Callable[[Rows], None], question: str) -> None:
    pth, candidate = rounded()
    spoil(candidate)
    found = red(held(pth, candidate), ASKED.om_on_device)
    assert question in found
    assert set(found) <= set(SYSTEMATIC)


@pytest.mark.parametrize("images", [1, 2, 3, 8, IMAGES])
def test_rounding_is_red_at_no_number_of_images(images: int) -> None:
    pth, candidate = rounded(images)
    assert red(held(pth, candidate), ASKED.om_on_simulator) == []


def test_six_times_the_simulators_rounding_passes_every_bound_of_a_device() -> None:
    """Before, cosines allowed a device 7 times the simulator's error, and changed top fives failed it at 4."""
    pth, candidate = rounded()
    assert red(held(pth, pth + 6 * (candidate - pth)), ASKED.om_on_device) == []


def test_few_images_with_more_noise_than_the_bound_prove_nothing() -> None:
    """Twice the bound as a mean, but no further from 0 than chance explains."""
    from scipy import stats

    assert Estimate(0.24, 0.1).certain(8, 1000) == 0.0
    for images, among in ((4, 1), (50_000, 1000)):
        chance = 0.001 * stats.t.isf(DOUBT / 2 / among, images - 1)
        assert Estimate(0.24, 0.001).certain(images, among) == pytest.approx(0.24 - chance, rel=1e-6)
    assert Estimate(0.24, 0.001).certain(4) == Estimate(0.24, 0.001).certain(4, 1)
    assert Estimate(0.24, None).certain(1) == Estimate(0.24, None).certain(9) == Estimate(0.24, 0.1).certain(1) == 0.0
    assert Estimate(-0.24, 0.0).certain(2) == 0.24


def test_the_figures_are_the_textbooks() -> None:
    import numpy as np
    from scipy import stats

    pth, candidate = rounded(30)
    candidate[:, 5] += 0.7
    found = held(pth, candidate).systematic
    assert found is not None
    slopes = np.array([stats.linregress(a, b).slope for a, b in zip(pth, candidate, strict=True)]) - 1
    errors = candidate.astype(float) - pth
    for ours, values in (
        (found.slope_error, slopes),
        (found.mean_error, errors.mean(1)),
        (found.column_error, errors[:, 5]),
    ):
        assert ours.value == pytest.approx(values.mean(), rel=1e-6)
        assert ours.standard_error == pytest.approx(stats.sem(values), rel=1e-6)
    assert (found.column, found.classes) == (5, CLASSES)
    assert found.image == str(np.abs(slopes).argmax())
    assert found.image_slope_error == pytest.approx(np.abs(slopes).max(), rel=1e-6)


@pytest.mark.parametrize("among", [1, 2, 20, 1000, 20_000])
def test_the_quantile_is_students(among: int) -> None:
    from scipy import stats

    tail = DOUBT / 2 / among
    freedoms = [*range(1, 80), 150, 999, 49_999]
    found = [t_quantile(1 - tail, freedom) for freedom in freedoms]
    assert found == pytest.approx(stats.t.isf(tail, freedoms), rel=2e-6)


def test_two_images_say_how_far_chance_goes_and_one_does_not() -> None:
    from scipy import stats

    found = estimate([1.0, 4.0])
    assert found.value == 2.5
    assert found.standard_error == pytest.approx(stats.sem([1.0, 4.0]))
    assert estimate([1.0]) == Estimate(1.0, None)
    two = ColumnSums((5.0, 0.0), (17.0, 0.0))
    classes, worst, found = worst_column([two], 2)
    assert (classes, worst, found.value) == (2, 0, 2.5)
    assert found.standard_error == pytest.approx(stats.sem([1.0, 4.0]))
    assert worst_column([ColumnSums((5.0, 0.0), (25.0, 0.0))], 1) == (2, 0, Estimate(5.0, None))


def test_the_worst_class_is_the_one_whose_error_is_certain() -> None:
    """The first errs most, surely so if it were the only one of four: of four it may be chance. The second is sure."""
    errors = ([9.9, 10.0, 10.1], [3.0, 3.0, 3.001], [-1.0, -1.0, -1.001], [0.0, 0.0, 0.0])
    sums = ColumnSums(tuple(map(sum, errors)), tuple(sum(one * one for one in column) for column in errors))
    classes, worst, found = worst_column([sums, ColumnSums((0.0,) * 4, (0.0,) * 4)], 3)
    assert (classes, worst) == (4, 1)
    assert found.value == pytest.approx(9.001 / 3)
    alone = ColumnSums(sums.errors[:1], sums.squares[:1])
    assert worst_column([alone], 3)[2].certain(3) > 3.001


def at_most(value: float) -> AtMost:
    """A bound of any gate of this file."""
    return AtMost(at_most=value, unit="logit", source="test")


def test_an_effect_is_told_with_its_error_and_the_usable_images() -> None:
    """Of nine images one cannot be compared; the slope and the mean are one of one, the class is one of 1000."""
    sure = Estimate(-0.24, 0.001)
    effects = Systematic(1000, sure, Estimate(0.12, 0.002), 7, Estimate(0.5, 0.003), 0.03, "img_5")
    found = dataclasses.replace(held(*rounded(9)), unusable=(Unusable("img_8", "all zero"),), systematic=effects)
    told = "{}, standard error {} over 8 images; judged is what is certain"
    for check, name, effect, among, error in (
        (check_slope_error, "slope less 1 -0.24", sure, 1, "0.001"),
        (check_mean_error, "mean signed error 0.12", effects.mean_error, 1, "0.002"),
        (check_column_error, "mean error of class 7 0.5", effects.column_error, 1000, "0.003"),
    ):
        failed = check(found, at_most(0.0))
        assert (failed.measured, failed.detail) == (effect.certain(8, among), told.format(name, error))
    assert check_image_slope_error(found, at_most(0.01)).detail == "see img_5"
    unsure = dataclasses.replace(found, systematic=dataclasses.replace(effects, slope_error=Estimate(0.24, None)))
    assert check_slope_error(unsure, at_most(0.0)).passed


def test_images_without_a_slope_leave_nothing_to_be_certain_of() -> None:
    pth, _ = rounded(3)
    pth[:] = 3.0
    found = held(pth, pth).systematic
    assert found is not None
    assert (found.slope_error, found.image_slope_error, found.image) == (Estimate(0.0, None), 0.0, "")


def test_a_constant_row_has_no_slope_and_spoils_none() -> None:
    pth, candidate = rounded(4)
    pth[2] = candidate[2] = 3.0
    found = held(pth, candidate).systematic
    assert found is not None
    assert found.image != "2"
    assert found.slope_error.standard_error is not None


def bounds(**changes: float) -> LogitAgreement:
    """A device's bounds with other numbers in their places."""
    tree: Any = records.plain(ASKED.om_on_device)
    for name, value in changes.items():
        number = next(key for key in ("at_most", "at_least", "value") if key in tree[name])
        tree[name][number] = value
    return records.read(LogitAgreement, tree)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_cosine", 0.999),
        ("mean_cosine_distance", 4e-5),
        ("max_abs_error", 0.5),
        ("near_tie_logits", 0.1),
        ("top5_set_changed_percent", 5.0),
        ("slope_error", 0.1),
        ("mean_error", 0.0),
        ("column_error", 0.06),
        ("image_slope_error", 0.02),
    ],
)
def test_a_bound_of_a_device_that_contradicts_the_others_is_refused(name: str, value: float) -> None:
    check_device_bounds(ASKED.om_on_simulator.distances, ASKED.om_on_device.distances, 2.0)
    with pytest.raises(ValueError, match=rf"om_on_device\.{name} contradicts the other bounds: .* must be "):
        dataclasses.replace(ASKED, om_on_device=bounds(**{name: value}))


def test_another_multiple_takes_all_bounds_with_it() -> None:
    with pytest.raises(ValueError, match=r"om_on_device\.min_cosine .*must be 1 - 0\.0009;"):
        check_device_bounds(ASKED.om_on_simulator.distances, ASKED.om_on_device.distances, 3.0)
    with pytest.raises(ValueError, match="it must be above 0"):
        check_device_bounds(ASKED.om_on_simulator.distances, ASKED.om_on_device.distances, 0.0)
    check_device_bounds({"max_abs_error": 1.0}, {"max_abs_error": 0.5}, 0.5)


def test_a_bound_may_be_rounded_by_a_tenth() -> None:
    for bound in (9.0, 11.0):
        check_device_bounds({"max_abs_error": 5.0}, {"max_abs_error": bound}, 2.0)
    for bound in (8.9, 11.1):
        with pytest.raises(ValueError, match=r"om_on_simulator\.max_abs_error and must be 10; override both"):
            check_device_bounds({"max_abs_error": 5.0}, {"max_abs_error": bound}, 2.0)


def test_no_bound_follows_beyond_where_it_asks_for_nothing() -> None:
    """All top fives may change, and a cosine may be 0: twice as much is no more."""
    for name, simulator, most in (("top5_set_changed_percent", 80.0, 100.0), ("min_cosine", 0.9, 1.0)):
        check_device_bounds({name: simulator}, {name: most}, 2.0)
        check_device_bounds({name: simulator}, {name: 0.905 * most}, 2.0)
