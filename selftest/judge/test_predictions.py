"""Accuracy, pairing, flips and faults of top fives, against a count image by image that shares no formula with it."""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.base.errors import SuiteError
from tools.judge.ids import ONNX, PTH
from tools.judge.paired import PairedTable
from tools.judge.predictions import TopFive, flips, pair, top_five

STEADY = settings(derandomize=True, deadline=None)  # the same examples in every run
CLASSES = 7
Row = tuple[list[int], list[float]]
"""One image: its five best classes, and their logits."""


def honest(logits: Sequence[float]) -> Row:
    """The five best of all logits, best first, ties by the lowest class."""
    ranked = sorted(range(len(logits)), key=lambda index: (-logits[index], index))[:5]
    return ranked, [logits[index] for index in ranked]


QUARTERS = st.integers(-8, 8).map(lambda value: value / 4)  # float32 holds them as they are, and ties are frequent
LOGITS = st.lists(QUARTERS, min_size=CLASSES, max_size=CLASSES)
IMAGES = st.lists(st.tuples(LOGITS, LOGITS, st.integers(0, CLASSES - 1)), min_size=1, max_size=12)


def made(rows: Sequence[Row], labels: Sequence[int], variant: str = PTH) -> TopFive:
    """Top fives as a bundle keeps them: one array of classes, one of scores."""
    classes = array("h", (one for row, _ in rows for one in row))
    scores = array("f", (one for _, row in rows for one in row))
    return top_five(ONNX if variant == ONNX else PTH, classes, scores, array("h", labels))


def both(images: Sequence[tuple[list[float], list[float], int]]) -> tuple[TopFive, TopFive]:
    """The checkpoint and a candidate on the same images."""
    labels = [label for _, _, label in images]
    pth, onnx, _ = zip(*images, strict=True)
    return made(list(map(honest, pth)), labels), made(list(map(honest, onnx)), labels, ONNX)


ROWS = [([4, 1, 2, 3, 0], [9.0, 8.0, 7.0, 6.0, 5.0]), ([5, 6, 1, 2, 3], [4.0, 4.0, 3.0, 2.0, 1.0])]


def test_the_accuracies_of_the_guides_table() -> None:
    rows = [*ROWS, ([0, 1, 2, 4, 5], [5.0, 4.0, 3.0, 2.0, 1.0])]
    top = made(rows, [4, 1, 3])
    assert [(entry.k, entry.right, entry.images) for entry in top.accuracy] == [
        (1, 1, 3),
        (2, 1, 3),
        (3, 2, 3),
        (4, 2, 3),
        (5, 2, 3),
    ]
    assert top.top_k(3).percent == pytest.approx(200 / 3)


def test_class_0_on_place_1_is_right() -> None:
    assert made([([0, 1, 2, 3, 4], [5.0, 4.0, 3.0, 2.0, 1.0])], [0]).top_k(1).right == 1


@STEADY
@given(IMAGES)
def test_accuracy_and_pairs_are_those_of_a_count_image_by_image(
    images: list[tuple[list[float], list[float], int]],
) -> None:
    pth, onnx = both(images)
    for k in range(1, 6):
        hits = [(label in honest(ours)[0][:k], label in honest(theirs)[0][:k]) for ours, theirs, label in images]
        assert pth.top_k(k).right == sum(ours for ours, _ in hits)
        assert pair(pth, onnx, k) == PairedTable(
            both_right=hits.count((True, True)),
            lost=hits.count((True, False)),
            gained=hits.count((False, True)),
            both_wrong=hits.count((False, False)),
        )
    assert [entry.k for entry in pth.accuracy] == [1, 2, 3, 4, 5]


@STEADY
@given(IMAGES)
def test_flips_are_those_of_a_look_at_all_logits(images: list[tuple[list[float], list[float], int]]) -> None:
    found = flips(*both(images))
    sets = [(set(honest(ours)[0]), set(honest(theirs)[0])) for ours, theirs, _ in images]
    assert found.top5_set_changed == sum(ours != theirs for ours, theirs in sets)
    best = [(honest(ours)[0][0], honest(theirs)[0][0]) for ours, theirs, _ in images]
    assert sorted(found.gaps) == [row for row, (ours, theirs) in enumerate(best) if ours != theirs]
    for row, (least, most) in found.gaps.items():
        ours, (before, after) = images[row][0], best[row]
        gap = ours[before] - ours[after]
        assert least <= gap <= most
        assert (least == most) is (after in honest(ours)[0]), "all but the five best are known to lie behind the fifth"
        assert (row in found.surely_beyond(0.5), row in found.possibly_beyond(0.5)) == (least > 0.5, most > 0.5)


def test_a_gap_of_exactly_the_near_tie_is_within_and_an_unknown_one_may_be_beyond() -> None:
    pth = made([([0, 1, 2, 3, 4], [5.0, 4.5, 3.0, 2.0, 1.0])] * 2, [0, 0])
    onnx = made([([1, 0, 2, 3, 4], [5.0, 4.5, 3.0, 2.0, 1.0]), ([6, 0, 1, 2, 3], [5.0, 4.0, 3.0, 2.0, 1.0])], [0, 0])
    found = flips(pth, onnx)
    assert found.gaps == {0: (0.5, 0.5), 1: (4.0, math.inf)}
    assert (found.surely_beyond(0.5), found.surely_beyond(4.0)) == ({1}, set())
    assert (found.possibly_beyond(0.5), found.possibly_beyond(0.4)) == ({1}, {0, 1})
    assert found.top5_set_changed == 1


@pytest.mark.parametrize(("pth", "onnx"), [([0, 1, 2, 3, 4], [0, 2, 3, 4, 5]), ([0, 2, 3, 4, 5], [0, 1, 2, 3, 4])])
def test_a_class_that_drops_out_and_lets_the_others_move_up_is_seen(pth: list[int], onnx: list[int]) -> None:
    scores = [5.0, 4.0, 3.0, 2.0, 1.0]
    found = flips(made([(pth, scores)], [0]), made([(onnx, scores)], [0]))
    assert (found.gaps, found.top5_set_changed) == ({}, 1)


@STEADY
@given(IMAGES)
def test_an_honest_prediction_has_no_fault(images: list[tuple[list[float], list[float], int]]) -> None:
    assert list(both(images)[0].faults(CLASSES)) == []


FAULTS: dict[str, tuple[Row, str]] = {
    "a class too many": (([7, 1, 2, 3, 4], [5.0, 4.0, 3.0, 2.0, 1.0]), "a class outside 0..6"),
    "a class below 0": (([0, 1, 2, 3, -1], [5.0, 4.0, 3.0, 2.0, 1.0]), "a class outside 0..6"),
    "first and last alike": (([3, 1, 2, 0, 3], [5.0, 4.0, 3.0, 2.0, 1.0]), "a class twice in one image's top five"),
    "two neighbours alike": (([3, 1, 1, 0, 2], [5.0, 4.0, 3.0, 2.0, 1.0]), "a class twice in one image's top five"),
    "NaN": (([0, 1, 2, 3, 4], [5.0, math.nan, 3.0, 2.0, 1.0]), "a score that is no finite number"),
    "infinity": (([0, 1, 2, 3, 4], [math.inf, 4.0, 3.0, 2.0, 1.0]), "a score that is no finite number"),
    "rising first": (([0, 1, 2, 3, 4], [4.0, 5.0, 3.0, 2.0, 1.0]), "scores that rise from place 1 to 2"),
    "rising last": (([0, 1, 2, 3, 4], [5.0, 4.0, 3.0, 1.0, 2.0]), "scores that rise from place 4 to 5"),
    "a tie the wrong way round": (
        ([0, 1, 4, 3, 2], [5.0, 4.0, 3.0, 3.0, 1.0]),
        "a tie at place 3 that is not broken by the lower class",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("image", [0, 2])
def test_each_fault_is_seen_in_any_image(name: str, image: int) -> None:
    row, words = FAULTS[name]
    rows = [ROWS[0]] * 3
    rows[image] = row
    assert list(made(rows, [0, 0, 0]).faults(CLASSES)) == [words]


def test_a_tie_may_stand_between_any_two_places_when_the_lower_class_comes_first() -> None:
    assert list(made([([0, 1, 2, 3, 4], [1.0] * 5)], [0]).faults(CLASSES)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"labels": [0]}, "[1, 2] rows, 10 scores"),
        ({"labels": [0, 0, 0]}, "[2, 3] rows, 10 scores"),
        ({"labels": []}, "[0, 2] rows, 10 scores"),
        ({"scores": [1.0] * 9}, "[2] rows, 9 scores"),
        ({"columns": ((0, 0),) * 4}, "[2] rows, 10 scores"),
        ({"columns": ((0, 0),) * 6, "scores": [1.0] * 12}, "[2] rows, 12 scores"),
        ({"columns": (), "scores": []}, "[2] rows, 0 scores"),
        ({"columns": ((0, 0),) * 4 + ((0,),)}, "[1, 2] rows, 10 scores"),
        ({"columns": ((),) * 5, "scores": [], "labels": []}, "[0] rows, 0 scores"),
    ],
)
def test_predictions_and_labels_of_other_sizes_are_refused(change: dict[str, Any], found: str) -> None:
    with pytest.raises(SuiteError) as caught:
        dataclasses.replace(made(ROWS, [0, 0], ONNX), **change)
    assert str(caught.value) == (
        f"onnx: predictions and labels do not belong together; found {found}; "
        "allowed as many classes and scores for every label, 1 to 5"
    )


@pytest.mark.parametrize("k", [0, 6, -1])
def test_k_outside_the_top_five_is_refused(k: int) -> None:
    top = made(ROWS, [0, 0])
    for ask in (lambda: top.top_k(k), lambda: pair(top, top, k)):
        with pytest.raises(SuiteError, match=rf"^no such accuracy; found Top-{k}; allowed Top-1 to Top-5$"):
            ask()


@pytest.mark.parametrize("labels", [[0, 1], [1, 0]])
def test_variants_with_other_labels_are_not_paired(labels: list[int]) -> None:
    pth, other = made(ROWS, [0, 0]), made(ROWS, labels, ONNX)
    with pytest.raises(SuiteError) as caught:
        pair(pth, other, 1)
    assert str(caught.value) == (
        "pth and candidate did not see the same images; found 2 and 2 images; allowed the same images in the same order"
    )


def test_a_label_below_0_is_paired_and_always_wrong() -> None:
    """It is named where the data set is looked at; here it must not end the judge."""
    rows = [([0, 1, 2, 3, 4], [5.0, 4.0, 3.0, 2.0, 1.0])]
    assert pair(made(rows, [-1]), made(rows, [-1], ONNX), 5) == PairedTable(0, 0, 0, 1)


def test_the_same_labels_of_another_width_are_the_same() -> None:
    pth, onnx = made(ROWS, [4, 0]), made(ROWS, [4, 0], ONNX)
    wide = dataclasses.replace(onnx, labels=array("q", [4, 0]))
    assert pair(pth, wide, 1) == pair(pth, onnx, 1)


@pytest.mark.parametrize("places", [1, 2, 5])
def test_as_many_places_are_known_as_there_are_classes_up_to_five(places: int) -> None:
    top = top_five(PTH, list(range(places)), [0.0] * places, [places - 1])
    assert (top.places, top.images) == (places, 1)
    assert [entry.right for entry in top.accuracy] == [int(k >= places) for k in range(1, 6)]


@pytest.mark.parametrize("places", [0, 6])
def test_no_place_and_a_sixth_belong_to_nothing(places: int) -> None:
    with pytest.raises(SuiteError, match="do not belong together"):
        TopFive(PTH, tuple([rank] for rank in range(places)), [0.0] * places, [0])
