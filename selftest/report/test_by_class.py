"""Which classes pay for a port: counted by hand on a few images."""

from __future__ import annotations

import numpy as np

from tools.report.by_class import ByClass, ClassRow, by_class
from tools.report.predictions import Predictions, Top5

LABELS = [1, 1, 1, 2, 2, 3]


def top(name: str, *first: int) -> Top5:
    classes = np.array([[best, 9, 8, 7, 6] for best in first], "<i2")
    return Top5(name, classes, np.zeros((len(first), 5), "<f4"))


def predictions(*candidates: Top5) -> Predictions:
    return Predictions(list("abcdef"), np.array(LABELS, "<i2"), top("pth", 1, 1, 5, 2, 2, 5), candidates)


def counted(*candidates: Top5) -> ByClass:
    found = by_class(predictions(*candidates))
    assert found is not None
    return found


def test_images_lost_and_gained_are_counted_for_each_class_the_worst_first() -> None:
    found = counted(top("om_bs1", 1, 5, 1, 5, 5, 3))
    assert found.rows == (
        ClassRow(index=2, images=2, pth_right=2, right=0, lost=2, gained=0),
        ClassRow(index=1, images=3, pth_right=2, right=2, lost=1, gained=1),
        ClassRow(index=3, images=1, pth_right=0, right=1, lost=0, gained=1),
    )
    assert [row.index for row in found.losers] == [2]
    assert found.winners == 1
    assert [row.loss_pp for row in found.rows] == [100, 0, -100]


def test_of_the_oms_the_one_with_the_fewest_images_right_is_shown() -> None:
    good, bad = top("om_bs1", 1, 1, 5, 2, 2, 5), top("om_bs16", 1, 1, 5, 2, 5, 5)
    assert counted(top("onnx", 5, 5, 5, 5, 5, 5), good, bad).variant == "om_bs16"
    assert counted(good, bad).losers == (ClassRow(2, 2, 2, 1, 1, 0),)


def test_without_an_om_it_is_the_onnx_file_and_without_that_there_is_nothing() -> None:
    assert counted(top("onnx", 1, 1, 5, 2, 2, 5)).variant == "onnx"
    assert by_class(predictions()) is None


def test_of_classes_that_lost_as_many_images_the_smaller_one_comes_first() -> None:
    found = counted(top("om_bs1", 5, 1, 5, 5, 2, 5))
    assert [(row.index, row.loss_pp) for row in found.losers] == [(2, 50), (1, 100 / 3)]
