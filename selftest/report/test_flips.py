"""Which images flipped, how badly, and in which order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from selftest.report.bundles import flips_in
from tools.judge.ids import Variant
from tools.judge.layout import IDS, LABELS
from tools.judge.prediction_records import VariantRecord
from tools.report.flips import Flips, Outcome
from tools.report.predictions import PredictionsError

IMAGE_IDS = ["a", "b", "c", "d"]
PTH = np.array(
    [
        [[1, 2, 3, 4, 5], [9.0, 8.0, 7.0, 6.0, 5.0]],
        [[2, 1, 3, 4, 5], [9.0, 8.5, 7.0, 6.0, 5.0]],
        [[3, 1, 2, 4, 5], [9.0, 8.0, 7.0, 6.0, 4.0]],
        [[4, 1, 2, 3, 5], [9.0, 8.0, 7.0, 6.0, 5.0]],
    ]
)


def record(name: str) -> VariantRecord:
    variant = Variant(name)
    return VariantRecord(name=variant, batch=variant.batch, model_sha256="", accuracy=(), losses=(), agreement=None)


def changed(**first: int) -> np.ndarray:
    """PTH with another class in first place for some images: the old one takes the place where the new one was."""
    rows = PTH.copy()
    for image, new in first.items():
        row = rows[IMAGE_IDS.index(image), 0]
        row[row == new] = row[0]
        row[0] = new
    return rows


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Flips | None]:
    def write(labels: list[int], **variants: np.ndarray) -> Flips | None:
        (tmp_path / "predictions").mkdir(exist_ok=True)
        (tmp_path / IDS).write_text(json.dumps(IMAGE_IDS), encoding="utf-8")
        np.save(tmp_path / LABELS, np.array(labels, "<i2"))
        records = [record(name) for name in variants]
        for found, rows in zip(records, variants.values(), strict=True):
            np.save(tmp_path / found.top5_file, rows[:, 0].astype("<i2"))
            np.save(tmp_path / found.scores_file, rows[:, 1].astype("<f4"))
        return flips_in(tmp_path, records)

    return write


def test_no_flip_where_the_classes_agree(write: Callable[..., Flips]) -> None:
    flips = write([1, 2, 3, 4], pth=PTH, onnx=PTH)
    assert (flips.images, flips.per_variant, flips.shown) == (0, {"onnx": 0}, ())


def test_worst_first_by_the_gap_in_the_pths_logits(write: Callable[..., Flips]) -> None:
    flips = write([1, 1, 0, 0], pth=PTH, onnx=PTH, om_bs1=changed(a=3, b=1, c=7))
    assert [flip.id for flip in flips.shown] == ["c", "a", "b"]
    assert [flip.gap_logits for flip in flips.shown] == [5.0, 2.0, 0.5]
    assert [flip.beyond_top5 for flip in flips.shown] == [True, False, False]
    assert [flip.outcome for flip in flips.shown] == [
        Outcome.WRONG_BEFORE_AND_AFTER,
        Outcome.LOST,
        Outcome.GAINED,
    ]


def test_an_image_stands_once_with_its_worst_variant_and_all_that_flipped(write: Callable[..., Flips]) -> None:
    flips = write([0, 0, 0, 0], pth=PTH, om_bs1=changed(a=2, d=1), om_bs4=changed(a=4))
    assert flips.images == 2
    assert flips.per_variant == {"om_bs1": 2, "om_bs4": 1}
    first = flips.shown[0]
    assert (first.id, first.variant, first.variants) == ("a", "om_bs4", ("om_bs1", "om_bs4"))
    assert [place.index for place in first.candidate] == [4, 2, 3, 1, 5]
    assert [place.score for place in first.pth] == [9.0, 8.0, 7.0, 6.0, 5.0]


def test_at_most_so_many_are_shown_and_all_are_counted(tmp_path: Path, write: Callable[..., Flips]) -> None:
    variants = {"pth": PTH, "om_bs1": changed(a=2, b=1, c=1, d=1)}
    write([0, 0, 0, 0], **variants)
    flips = flips_in(tmp_path, [record(name) for name in variants], most=2)
    assert flips is not None
    assert (flips.images, len(flips.shown)) == (4, 2)


def test_without_the_pth_nothing_can_be_said(write: Callable[..., Flips | None]) -> None:
    assert write([0, 0, 0, 0], om_bs1=PTH) is None


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (IDS, b"[1]"),
        (LABELS, b"junk"),
        ("predictions/om_bs1.top5.npy", b""),
        ("predictions/om_bs1.scores.npy", None),
    ],
)
def test_damaged_predictions_are_refused_by_name(
    file: str, content: bytes | None, tmp_path: Path, write: Callable[..., Flips]
) -> None:
    write([0, 0, 0, 0], pth=PTH, om_bs1=PTH)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(PredictionsError, match=file.rpartition("/")[2]):
        flips_in(tmp_path, [record("pth"), record("om_bs1")])


def test_predictions_of_another_number_of_images_are_refused(tmp_path: Path, write: Callable[..., Flips]) -> None:
    write([0, 0, 0, 0], pth=PTH, om_bs1=PTH)
    np.save(tmp_path / "predictions" / "om_bs1.top5.npy", PTH[:3, 0].astype("<i2"))
    with pytest.raises(PredictionsError, match=r"\(3, 5\).*\(4, 5\)"):
        flips_in(tmp_path, [record("pth"), record("om_bs1")])
