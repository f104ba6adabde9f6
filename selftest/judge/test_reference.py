"""Whether the checkpoint does what was published for it: a part of the data set can refute it, other images cannot."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from functools import partial

import pytest

from selftest.evidence.bundles import Made, World
from tools.judge.accuracy import top_k_of
from tools.judge.gates import judge
from tools.judge.ids import ONNX, PTH
from tools.judge.numbers import AtMost, Fact
from tools.judge.predictions import TopFive, top_five
from tools.judge.reference import departs, doubt, independent_images, shortfall
from tools.judge.results import Verdict
from tools.judge.unseen import wrong_bins_percent, wrong_labels_percent

PUBLISHED = Fact(value=76.13, unit="percent", source="made up")
ERROR = AtMost(at_most=0.1, unit="pp", source="made up")
LABELS_ALONE = ("pth.accuracy.top1_error_pp", "pth.accuracy.top5_error_pp")


def at_most_by_chance(right: int, images: int, share: float) -> float:
    """How likely so many right or fewer are, term by term."""
    return sum(math.comb(images, k) * share**k * (1 - share) ** (images - k) for k in range(right + 1))


@pytest.mark.parametrize("images", [1, 20, 50, 200, 1000])
def test_a_right_reference_fails_once_in_a_thousand_times_at_most(images: int) -> None:
    refuted = [right for right in range(images + 1) if departs(top_k_of(right, images, 1), PUBLISHED, ERROR, 1000) < 0]
    if refuted:
        assert at_most_by_chance(max(refuted), images, 0.7603) <= 1e-3
    assert refuted or images == 1


@pytest.mark.parametrize(
    ("right", "images", "classes", "word"),
    [
        (0, 48, 48, -1),
        (22, 48, 48, -1),
        (30, 48, 48, 0),  # 62 %: 48 images come to that by chance
        (38_000, 50_000, 1000, 0),
        (36_500, 50_000, 1000, -1),
        (300, 500, 10, 0),  # ten classes of fifty images are no sample of a thousand
        (100, 500, 10, -1),
        (1000, 1000, 1000, 1),
    ],
)
def test_where_an_accuracy_lies(right: int, images: int, classes: int, word: int) -> None:
    assert departs(top_k_of(right, images, 1), PUBLISHED, ERROR, classes) == word


def test_where_all_or_nothing_was_published() -> None:
    all_of_them = replace(PUBLISHED, value=100.0)
    exact = replace(ERROR, at_most=0.0)
    assert departs(top_k_of(99, 100, 1), all_of_them, exact, 100) == -1
    assert departs(top_k_of(100, 100, 1), all_of_them, exact, 100) == 0
    assert departs(top_k_of(0, 100, 1), replace(PUBLISHED, value=0.0), exact, 100) == 0


def test_a_figure_may_be_missed_by_what_the_port_allows() -> None:
    wide = replace(ERROR, at_most=10.0)
    for right, word in ((33_000, 0), (32_000, -1), (43_000, 0), (44_000, 1)):  # 66.13 to 86.13 %
        assert departs(top_k_of(right, 50_000, 1), PUBLISHED, wide, 50_000) == word
    assert departs(top_k_of(19, 20, 1), PUBLISHED, ERROR, 20) == 0, "20 images come to that by chance"
    assert departs(top_k_of(0, 50_000, 1), replace(PUBLISHED, value=0.5), replace(ERROR, at_most=1.0), 1000) == 0


def test_images_of_one_class_say_less() -> None:
    assert independent_images(1000, 1000) == 1000
    assert independent_images(500, 10) == pytest.approx(500 / 13.25)


def with_labels(made: Made, change: dict[int, int]) -> Made:
    """The same run beside labels that are renamed."""
    made.labels = {name: change[label] for name, label in made.labels.items()}
    return made


ROTATED = {label: (label + 1) % 20 for label in range(20)}
PERMUTED = {label: (7 * label + 3) % 20 for label in range(20)}


@pytest.mark.parametrize("missing", [0, 400])
@pytest.mark.parametrize(("change", "said"), [(ROTATED, "moved by -1"), (PERMUTED, "in another order (devkit ids")])
def test_labels_in_another_order_fail_and_leave_the_drops_open(change: dict[int, int], said: str, missing: int) -> None:
    made = with_labels(Made(World(missing_images=missing)), change)
    for gate in LABELS_ALONE[:1]:
        check = judge(gate, made)
        assert check.verdict is Verdict.FAIL
        assert said in check.detail
    for gate in ("onnx.accuracy.top1_drop_pp", "om.accuracy.top1_drop_pp[bs16]", "onnx.accuracy.top5_drop_pp"):
        check = judge(gate, made)
        assert check.verdict is Verdict.INCONCLUSIVE, gate
        assert check.detail.startswith("the checkpoint is no reference on these images")


def test_a_drop_that_was_measured_stays_a_failure() -> None:
    made = with_labels(Made(World(logit_noise=3.0)), PERMUTED)
    honest = Made(World(logit_noise=3.0))
    assert judge("om.accuracy.top1_drop_pp[bs1]", honest).verdict is Verdict.FAIL
    assert made.loss(ONNX, 1).check.verdict is Verdict.INCONCLUSIVE


def test_a_part_of_the_data_set_that_does_as_published_stays_open_and_drops_are_judged() -> None:
    made = Made(World(missing_images=100))
    assert {judge(gate, made).verdict for gate in LABELS_ALONE} == {Verdict.NOT_RUN}
    assert judge("onnx.accuracy.top1_drop_pp", made).verdict is Verdict.PASS


def predicted(right: int, images: int) -> TopFive:
    """So many images of ten classes right, the others one of the five best classes, but never the best."""
    labels = [number % 10 for number in range(images)]
    best = [label if place < right else (label + 5) % 10 for place, label in enumerate(labels)]
    five = [rank for one in best for rank in (one, *[other for other in range(10) if other != one][:4])]
    return top_five(PTH, array("h", five), array("f", [5, 4, 3, 2, 1] * images), array("h", labels))


def test_other_images_and_the_embedded_sample_are_not_held_against_the_figure() -> None:
    made = Made(World())
    data, top = made.dataset(), predicted(240, 600)
    spec = replace(made.spec, accuracy=replace(made.spec.accuracy, pth_top1=PUBLISHED, pth_top5=None))
    missed = "Top-1 is 40.000 % on 600 images, published 76.13 % (made up), which so many images do not explain: "
    assert shortfall(top, data, spec, 1) == (
        missed + "labels, recipe, network or weights are not those that it was published for"
    )
    assert shortfall(top, data, spec, 5) == ""
    best = replace(spec, accuracy=replace(spec.accuracy, pth_top5=replace(PUBLISHED, value=99.9)))
    assert "published 99.9 %" in shortfall(top, data, best, 5)
    twice = replace(spec, accuracy=replace(spec.accuracy, pth_top1=replace(PUBLISHED, value=80.0)))
    assert "not those that it was published for" in shortfall(top, data, twice, 1)
    assert "not those that it was published for" not in shortfall(predicted(239, 600), data, twice, 1)
    assert doubt(top, data, spec)
    for others in (replace(data, foreign_ids=1), replace(data, embedded_sample=True)):
        assert shortfall(top, others, spec, 1) == ""
    pinned = replace(spec, dataset=replace(spec.dataset, content_sha256="0" * 64))
    assert shortfall(top, data, pinned, 1) == "", "other bytes under the same names are a failure of their own"


def test_guessing_is_doubted_but_for_the_samples_images_beside_a_port() -> None:
    made = Made(World())
    data, guesses = made.dataset(), predicted(0, 600)
    spec = replace(made.spec, accuracy=replace(made.spec.accuracy, pth_top1=None, pth_top5=None))
    sample, explained = replace(data, embedded_sample=True), "Top-1 of 0.000 % is explained by guessing"
    assert doubt(guesses, data, spec) == doubt(guesses, sample, replace(spec, kind="sample")) == explained
    assert doubt(guesses, sample, spec) == ""


def test_what_a_comparison_could_not_have_seen() -> None:
    whole = partial(wrong_labels_percent, images=50_000, classes=1000, whole=True)
    exact = replace(ERROR, at_most=0.0)
    assert whole(replace(PUBLISHED, value=99.95), replace(ERROR, at_most=0.5)) == pytest.approx(0.55)
    assert whole(replace(PUBLISHED, value=0.5), replace(ERROR, at_most=1.0)) == 100.0
    assert whole(replace(PUBLISHED, value=0.0), exact) == 100.0
    assert wrong_labels_percent(PUBLISHED, ERROR, 8, 1000, whole=False) < 100
    assert wrong_labels_percent(PUBLISHED, ERROR, 50_000, 1000, whole=True) == pytest.approx(100 * 0.2 / 76.23)
    few, many = (wrong_labels_percent(PUBLISHED, ERROR, images, 1000, whole=False) for images in (48, 5000))
    assert 25 < few < 45
    assert many < 10
    assert wrong_labels_percent(PUBLISHED, ERROR, 1, 1000, whole=False) == 100.0
    found = wrong_bins_percent(1024, 50_000)
    wrong = round(found * 500)
    missed = math.comb(50_000 - 512, wrong) / math.comb(50_000, wrong)
    assert missed <= 0.05 < math.comb(50_000 - 512, wrong - 1) / math.comb(50_000, wrong - 1)
    assert wrong_bins_percent(1025, 50_000) == found
    assert wrong_bins_percent(1, 100) == 100.0
    assert wrong_bins_percent(2, 20) == 95.0
    assert wrong_bins_percent(8, 4) == 25.0
