"""Agreement of logits: what each figure sees, that NaN and zeros are named, that each check can fail."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import pytest

from selftest.judge.kept import kept
from tools.base.errors import AccuracyError, SuiteError
from tools.engines import agreement as engines
from tools.engines.predictions import Predictions
from tools.engines.topk import top_k
from tools.judge import agreement as judge
from tools.judge.agreement import Agreement, Measured, summarise
from tools.judge.ids import PTH, Variant, om
from tools.judge.numbers import AtLeast, AtMost
from tools.judge.results import Verdict
from tools.judge.spec import LogitAgreement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.floating]

NEAR_TIE = 0.1


def logits(images: int = 40, classes: int = 1000, seed: int = 1) -> NDArray[np.float32]:
    import numpy as np

    return (3.2 * np.random.default_rng(seed).standard_normal((images, classes))).astype(np.float32)


def best(rows: Rows) -> NDArray[np.int64]:
    """The five best classes of each row; of a row that has no order any five."""
    import numpy as np

    return top_k(np.nan_to_num(rows, posinf=0, neginf=0))


def measure(ids: list[str], pth: Rows, candidate: Rows) -> Measured:
    """Both sides with the top fives of their own logits, as Predictions hands them over."""
    return engines.measure(ids, pth, candidate, (best(pth), best(candidate)))


def agree(pth: NDArray[np.float32], candidate: NDArray[np.float32], *, block: int = 16) -> Agreement:
    ids = [f"img_{index:04d}" for index in range(len(pth))]
    parts = [slice(start, start + block) for start in range(0, len(pth), block)]
    return summarise((measure(ids[part], pth[part], candidate[part]) for part in parts), near_tie_logits=NEAR_TIE)


def predicted(variant: Variant, rows: NDArray[np.float32]) -> Predictions:
    """A variant's logits of as many images."""
    return Predictions(variant, tuple(f"img_{index:04d}" for index in range(len(rows))), rows)


def at_most(value: float) -> AtMost:
    return AtMost(at_most=value, unit="logit", source="test")


def at_least(value: float) -> AtLeast:
    return AtLeast(at_least=value, unit="cosine", source="test")


def test_every_bound_of_the_spec_has_its_check() -> None:
    bounds = [field.name for field in dataclasses.fields(LogitAgreement) if field.name != "near_tie_logits"]
    assert list(judge.CHECKS) == bounds


def test_the_same_logits_agree_perfectly() -> None:
    same = agree(logits(), logits())
    assert (same.min_cosine, same.mean_cosine_distance, same.max_abs_error_logits) == (1.0, 0.0, 0.0)
    assert (same.flipped, same.top5_set_changed_percent, same.unusable) == ((), 0.0, ())


def test_the_summary_does_not_depend_on_the_blocks() -> None:
    one, other = (agree(logits(), logits(seed=2), block=block) for block in (40, 7))
    assert one.systematic is not None
    assert other.systematic is not None
    assert other.systematic.column_error.value == pytest.approx(one.systematic.column_error.value, rel=1e-12)
    same = dataclasses.replace(other.systematic, column_error=one.systematic.column_error)
    assert dataclasses.replace(other, systematic=same) == one


def test_predictions_of_any_number_of_images_are_compared_whole() -> None:
    import numpy as np

    pth = logits(1001, classes=20)
    candidate = pth.copy()
    candidate[[0, 499, 500, 999, 1000], 7] += np.float32(9)
    found = engines.agree(predicted(PTH, pth), predicted(om(16), candidate), near_tie_logits=NEAR_TIE)
    assert found == agree(pth, candidate, block=500)
    assert (found.images, set(found.worst[:5])) == (1001, {"img_0000", "img_0499", "img_0500", "img_0999", "img_1000"})
    assert found.near_tie_logits == NEAR_TIE


@pytest.mark.parametrize("change", ["lost", "reordered"])
def test_agreement_is_refused_between_other_images(change: str) -> None:
    whole = predicted(om(16), logits(4))
    order = slice(1, None) if change == "lost" else slice(None, None, -1)
    other = Predictions(om(16), whole.ids[order], whole.logits[order])
    with pytest.raises(AccuracyError) as caught:
        engines.agree(predicted(PTH, logits(4)), other, near_tie_logits=0.0)
    assert caught.value.gate == "om.accuracy.ids[bs16]"
    assert str(caught.value) == "om_bs16: the images are not the same, or not in the same order"


def test_figures_agree_with_the_definitions() -> None:
    import numpy as np
    from scipy.spatial.distance import cosine

    pth, candidate = logits(5), logits(5) + np.float32(0.5) * logits(5, seed=3)
    found = measure([str(index) for index in range(5)], pth, candidate).images
    for index, image in enumerate(found):
        assert image.cosine_distance == pytest.approx(cosine(pth[index].astype(float), candidate[index].astype(float)))
        assert image.max_abs_error == np.abs(pth[index].astype(float) - candidate[index].astype(float)).max()


@pytest.mark.parametrize("size", [1.0, 1e-200, 1e150])
def test_slopes_and_means_agree_with_the_definitions(size: float) -> None:
    import numpy as np

    pth = logits(6, classes=30).astype(float)
    pth[4] += 1000
    candidate = 1.02 * pth + 0.3 + 0.1 * logits(6, classes=30, seed=2)
    pth[5] = 0.1  # has no slope
    found = measure([str(index) for index in range(6)], size * pth, size * candidate)
    for index, image in enumerate(found.images[:5]):
        assert image.slope_error == pytest.approx(np.polyfit(pth[index], candidate[index], 1)[0] - 1, rel=1e-6)
    assert found.images[5].slope_error is None
    means = (candidate - pth).mean(axis=1)
    assert [image.mean_error / size for image in found.images] == pytest.approx(means.tolist(), rel=1e-9)
    assert [total / size for total in found.columns.errors] == pytest.approx((candidate - pth).sum(axis=0).tolist())


@pytest.mark.parametrize("value", [0.1, -0.7, 1e-200, 3.0])
def test_a_row_of_one_value_has_no_slope_whatever_it_is(value: float) -> None:
    import numpy as np

    pth = np.full((1, 1000), value)
    assert measure(["a"], pth, pth + np.arange(1000)).images[0].slope_error is None


def test_cosine_distance_resolves_far_below_float32() -> None:
    import numpy as np

    pth = np.zeros((1, 1000))
    pth[0, 0] = 1.0
    candidate = pth.copy()
    candidate[0, 1] = 1e-7
    assert measure(["a"], pth, candidate).images[0].cosine_distance == pytest.approx(5e-15, rel=1e-6)


def test_rows_of_any_size_have_a_direction() -> None:
    import numpy as np

    rows = np.array([[1e200, 2e200, 0, 0, 0], [1e-200, 2e-200, 0, 0, 0]])
    distances = [image.cosine_distance for image in measure(["huge", "tiny"], rows, rows / 2).images]
    assert distances == pytest.approx([0.0, 0.0], abs=1e-15)


def test_a_half_precision_copy_stays_within_fp16_bounds() -> None:
    import numpy as np

    pth = logits(200)
    result = agree(pth, pth.astype(np.float16).astype(np.float32))
    assert judge.check_min_cosine(result, at_least(0.999)).passed
    assert judge.check_mean_cosine_distance(result, at_most(2e-5)).passed
    assert result.flipped_beyond_near_tie == ()


def test_one_swapped_pair_is_seen_by_the_worst_image() -> None:
    pth = logits(1000, classes=50)
    candidate = pth.copy()
    candidate[[3, 700]] = candidate[[700, 3]]
    result = agree(pth, candidate)
    check = judge.check_min_cosine(result, at_least(0.999))
    assert check.verdict is Verdict.FAIL
    assert set(result.worst[:2]) == {"img_0003", "img_0700"}
    assert len(result.worst) == 10
    assert check.detail == f"see {', '.join(result.worst[:5])}, … 5 more"


def test_flips_are_split_by_the_gap_they_cross() -> None:
    import numpy as np

    pth = np.array([[5.0, 4.95, 0, 0, 0, 0], [5.0, 4.0, 0, 0, 0, 0], [5.0, 4.0, 0, 0, 0, 0]])
    candidate = np.array([[5.0, 5.01, 0, 0, 0, 0], [5.0, 5.5, 0, 0, 0, 0], [5.0, 4.9, 0, 0, 0, 0]])
    result = summarise([measure(["near", "far", "same"], pth, candidate)], near_tie_logits=NEAR_TIE)
    assert result.flipped == ("near", "far")
    assert result.flipped_beyond_near_tie == ("far",)
    assert judge.check_flips_beyond_near_tie(result, at_most(1)).passed
    failed = judge.check_flips_beyond_near_tie(result, at_most(0))
    assert (failed.verdict, failed.measured, failed.detail) == (Verdict.FAIL, 1.0, "see far")


def test_a_gap_of_exactly_the_near_tie_is_within() -> None:
    import numpy as np

    measured = measure(["a"], np.array([[5.0, 4.5, 0, 0, 0]]), np.array([[5.0, 5.5, 0, 0, 0]]))
    assert summarise([measured], near_tie_logits=0.5).flipped_beyond_near_tie == ()
    assert summarise([measured], near_tie_logits=0.49).flipped_beyond_near_tie == ("a",)


def test_ties_go_to_the_lower_class_on_both_sides() -> None:
    import numpy as np

    pth = np.array([[1.0, 1.0, 0, 0, 0, 0]])
    assert measure(["a"], pth, pth).images[0].flip_gap is None
    after = measure(["a"], pth, np.array([[1.0, 1.1, 0, 0, 0, 0]])).images[0]
    assert after.flip_gap == 0.0


def test_many_ties_rank_by_class_as_if_each_class_were_a_little_behind_the_one_before() -> None:
    import numpy as np

    pth = np.random.default_rng(3).integers(0, 4, (50, 1000)).astype(float)
    found = measure([str(row) for row in range(50)], pth, pth - 1e-6 * np.arange(1000)).images
    assert {(image.flip_gap, image.top5_set_changed) for image in found} == {(None, False)}


def test_a_thousand_equal_logits_have_the_lowest_five_classes_on_top() -> None:
    import numpy as np

    pth = np.ones((1, 1000))
    candidate = pth.copy()
    candidate[0, :5] += 0.1
    image = measure(["a"], pth, candidate).images[0]
    assert (image.flip_gap, image.top5_set_changed) == (None, False)


def test_a_changed_top_five_is_seen_though_top1_stays() -> None:
    import numpy as np

    pth = np.array([[9.0, 8, 7, 6, 5, 4], [9.0, 8, 7, 6, 5, 4]])
    candidate = np.array([[9.0, 7, 8, 6, 5, 4], [9.0, 8, 7, 6, 4, 5]])
    result = summarise([measure(["order", "set"], pth, candidate)], near_tie_logits=NEAR_TIE)
    assert result.flipped == ()
    assert result.top5_set_changed_percent == 50.0
    assert judge.check_top5_set_changed(result, at_most(50.0)).passed
    failed = judge.check_top5_set_changed(result, at_most(49.9))
    assert (failed.verdict, failed.detail) == (Verdict.FAIL, "see set, order")


def test_largest_error_of_any_logit() -> None:
    pth = logits()
    candidate = pth.copy()
    candidate[17, 999] += 0.25
    result = agree(pth, candidate)
    assert judge.check_max_abs_error(result, at_most(0.2501)).passed
    assert result.worst[0] == "img_0017"
    worst = f"see {', '.join(result.worst[:5])}, … 5 more"
    failed = judge.check_max_abs_error(result, at_most(0.2)), judge.check_mean_cosine_distance(result, at_most(0.0))
    assert [(check.verdict, check.detail) for check in failed] == [(Verdict.FAIL, worst)] * 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("side", ["pth", "candidate"])
def test_a_row_that_is_not_finite_is_named_and_kept_out_of_the_means(side: str, value: float) -> None:
    sides = {"pth": logits(), "candidate": logits()}
    sides[side][7, 0] = value
    result = agree(sides["pth"], sides["candidate"])
    assert [(entry.id, entry.reason) for entry in result.unusable] == [
        ("img_0007", f"{side} logits hold NaN or infinity")
    ]
    assert result.images == 40
    assert result.mean_cosine_distance == 0.0


def test_a_row_of_zeros_is_named() -> None:
    pth, candidate = logits(), logits()
    candidate[39] = 0
    assert [entry.reason for entry in agree(pth, candidate).unusable] == ["candidate logits are all zero"]


def nothing_usable() -> list[Agreement]:
    """All images without a direction, and no image at all."""
    import numpy as np

    return [agree(logits(3), np.zeros((3, 1000), dtype=np.float32)), summarise([], near_tie_logits=NEAR_TIE)]


@pytest.mark.parametrize("result", [0, 1], ids=["only zeros", "no image"])
def test_without_a_usable_image_every_check_of_a_figure_fails(result: int) -> None:
    found = nothing_usable()[result]
    checks = [
        judge.check_min_cosine(found, at_least(-1.0)),
        judge.check_mean_cosine_distance(found, at_most(2.0)),
        judge.check_max_abs_error(found, at_most(1e9)),
        judge.check_top5_set_changed(found, at_most(100.0)),
        judge.check_slope_error(found, at_most(1e9)),
        judge.check_mean_error(found, at_most(1e9)),
        judge.check_column_error(found, at_most(1e9)),
        judge.check_image_slope_error(found, at_most(1e9)),
    ]
    assert {check.verdict for check in checks} == {Verdict.FAIL}
    assert [(check.measured, check.detail) for check in checks] == [("nan", "no usable image")] * 8


@pytest.mark.parametrize(
    ("ids", "pth_shape", "candidate_shape"),
    [(2, (2, 10), (2, 9)), (3, (2, 10), (2, 10)), (10, (10,), (10,)), (0, (0, 10), (0, 10)), (2, (2, 0), (2, 0))],
)
def test_shapes_that_do_not_match_are_refused(
    ids: int, pth_shape: tuple[int, ...], candidate_shape: tuple[int, ...]
) -> None:
    import numpy as np

    with pytest.raises(SuiteError) as caught:
        engines.measure(
            [str(index) for index in range(ids)],
            np.ones(pth_shape),
            np.ones(candidate_shape),
            (np.zeros((ids, 5), np.int64), np.zeros((ids, 5), np.int64)),
        )
    assert str(caught.value) == (
        f"logits cannot be compared; found {ids} ids, pth {pth_shape}, candidate {candidate_shape}; "
        "allowed two arrays of the same shape (images, classes), one row per id, not empty"
    )


def test_record_survives_json() -> None:
    result = agree(logits(), logits(seed=2))
    assert kept(result) == result
