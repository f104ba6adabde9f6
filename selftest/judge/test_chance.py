"""Whether guessing explains the reference's Top-1: the bound is never too early, and few images leave it open."""

from __future__ import annotations

import math
from array import array

import pytest

from tools.judge.chance import DOUBT, above_chance, divergence
from tools.judge.ids import PTH
from tools.judge.label_order import label_words
from tools.judge.predictions import TopFive, top_five
from tools.judge.results import Check, Verdict


def predicted(best: list[int], labels: list[int]) -> TopFive:
    """Predictions of which the best class alone is known."""
    return top_five(PTH, array("h", best), array("f", [1.0] * len(best)), array("h", labels))


def judged(right: int, images: int, classes: int, *, shift: int = 0) -> Check:
    """Of so many images so many right; the others are what the label is moved by `shift`, or class 0 (no label)."""
    labels = [1 + number % max(1, classes - 2) for number in range(images)]
    wrong = [label + shift if shift else 0 for label in labels]
    return above_chance(predicted(labels[:right] + wrong[right:], labels), classes)


def at_least_by_chance(right: int, images: int, chance: float) -> float:
    """How likely guesses are to get so many right or more, term by term."""
    terms = range(right, images + 1)
    return sum(math.comb(images, k) * chance**k * (1 - chance) ** (images - k) for k in terms)


@pytest.mark.parametrize(
    ("right", "images", "classes", "verdict"),
    [
        (56_522, 100_000, 1000, Verdict.PASS),
        (2, 18, 1000, Verdict.PASS),  # the fewest images that settle it, and the fewest right that pass
        (1, 18, 1000, Verdict.FAIL),
        (1, 17, 1000, Verdict.INCONCLUSIVE),
        (0, 18, 1000, Verdict.FAIL),
        (1, 1, 999, Verdict.INCONCLUSIVE),  # right by chance once in a thousand
        (1, 1, 1001, Verdict.PASS),
        (0, 1, 1000, Verdict.INCONCLUSIVE),
        (657, 657, 2, Verdict.PASS),
        (10, 10, 2, Verdict.PASS),
        (9, 9, 2, Verdict.INCONCLUSIVE),
        (328, 657, 2, Verdict.FAIL),  # about half of two classes
        (328, 656, 2, Verdict.INCONCLUSIVE),
        (0, 657, 2, Verdict.FAIL),  # always wrong is far from chance, and no use
        (50, 50, 1, Verdict.FAIL),  # nothing to tell apart
    ],
)
def test_the_boundaries(right: int, images: int, classes: int, verdict: Verdict) -> None:
    assert judged(right, images, classes).verdict is verdict


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
@pytest.mark.parametrize("images", [1, 7, 40, 200])
def test_what_passes_is_not_explained_by_guessing(images: int, classes: int) -> None:
    for right in range(images + 1):
        if judged(right, images, classes).passed:
            assert at_least_by_chance(right, images, 1 / classes) <= DOUBT


def test_what_is_said() -> None:
    assert judged(9, 10, 10) == Check(
        measured=90.0,
        threshold="> 10, beyond guessing",
        unit="percent",
        verdict=Verdict.PASS,
        source="10 classes; guessing may explain it with a probability of 0.001 at most",
    )
    assert judged(1, 5, 10).detail == "too few images to tell the reference from guessing: 5 of 111"
    assert judged(0, 120, 10).detail == (
        "the reference does not classify these images: labels are probably in another order (devkit ids, from 1, by "
        "synset), or labels, recipe, network or weights are of others"
    )


@pytest.mark.parametrize("shift", [1, -1])
def test_labels_that_are_moved_by_one_are_told(shift: int) -> None:
    moved = f": with labels moved by {shift:+d} Top-1 would be 100.0 %: is `model.label_offset` right?"
    assert judged(0, 120, 100, shift=shift).detail.endswith(moved)
    assert judged(0, 10, 100, shift=shift).detail.startswith("too few images")


def test_labels_in_another_order_are_told() -> None:
    labels = [number % 10 for number in range(200)]
    check = above_chance(predicted([(3 * label + 1) % 10 for label in labels], labels), 10)
    assert check.verdict is Verdict.FAIL
    assert check.detail.endswith(
        ": labels are probably in another order (devkit ids, from 1, by synset): "
        "images of one label do get one class, another than the label (100.0 % of them)"
    )


def test_a_label_with_one_image_tells_no_order() -> None:
    check = above_chance(predicted([(3 * label + 2) % 200 for label in range(200)], list(range(200))), 200)
    assert check.detail.endswith("or labels, recipe, network or weights are of others")


def test_a_shift_that_hardly_helps_is_not_told() -> None:
    labels = [1] * 75 + [3] * 25
    check = above_chance(predicted([2] * 25 + [9] * 75, labels), 100)
    assert check.verdict is Verdict.FAIL
    assert "label_offset" not in check.detail
    assert "label_offset" in above_chance(predicted([2] * 26 + [9] * 74, labels), 100).detail


@pytest.mark.parametrize(("moved", "told"), [(30, False), (31, True)])
def test_a_shift_is_told_where_it_is_right_more_than_ten_times_as_often(moved: int, told: bool) -> None:
    labels = [1] * 100
    check = above_chance(predicted([1] * 3 + [2] * moved + [9] * (97 - moved), labels), 100)
    assert check.verdict is Verdict.FAIL
    assert ("label_offset" in check.detail) is told


def test_the_divergence_is_kullbacks() -> None:
    assert divergence(0.25, 0.25) == 0.0
    assert divergence(1.0, 0.5) == pytest.approx(math.log(2))
    assert divergence(0.0, 0.5) == pytest.approx(math.log(2))
    assert divergence(0.75, 0.5) == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert divergence(0.5, 0.0) == divergence(0.5, 1.0) == math.inf


def test_the_second_best_class_counts_for_nothing() -> None:
    classes = [place for _ in range(100) for place in (1, 0)]
    check = above_chance(top_five(PTH, array("h", classes), array("f", [1.0] * 200), array("h", [0] * 100)), 100)
    assert (check.verdict, check.measured) == (Verdict.FAIL, 0.0)


@pytest.mark.parametrize(
    ("best", "told"),
    [
        ([7, 7, 0, 0, 0, 0, 0, 0, 0], False),  # two images of one label, of nine: fewer than a quarter
        ([7, 7, 0, 0, 0, 0, 0, 0], False),  # a quarter, which is no more than that
        ([7, 7, 0, 0, 0, 0, 0], True),
        ([7, 7, 6, 6], False),  # as many images of the label get the one class as the other
    ],
)
def test_an_order_is_told_from_two_images_of_a_label(best: list[int], told: bool) -> None:
    labels = [3 if one else 10 + place for place, one in enumerate(best)]
    assert ("of them)" in label_words(predicted(best, labels))) is told


def test_one_class_is_the_new_name_of_the_label_that_gets_it_most() -> None:
    said = label_words(predicted([7] * 7 + [0] * 3, [1] * 5 + [2] * 2 + [3, 4, 5]))
    assert said.endswith("(50.0 % of them)")
