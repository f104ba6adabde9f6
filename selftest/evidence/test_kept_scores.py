"""Figures that took all logits are held against the scores that a bundle keeps: what no honest run can show.

Each forgery seals the bundle again and lets every gate say what its forged facts say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from selftest.evidence.bundles import CLASSES, Made, World, quickly_written
from selftest.evidence.tampering import Forgery, assert_refused, contents_of
from tools.judge.agreement import Agreement
from tools.judge.ids import ONNX, PTH, om
from tools.judge.kept_scores import Apart, apart, beyond, contradictions, further
from tools.judge.predictions import TopFive, top_five
from tools.judge.systematic import Estimate, Systematic

WORLD = World(images=60, margin_pp=20.0, tight_pp=19.0, logit_noise=0.002, batches=(1, 4), runs=2)
Forge = Callable[[Forgery], None]
Rows = NDArray[np.float32]


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an accepted bundle."""
    return contents_of(quickly_written(WORLD, tmp_path_factory.mktemp("accepted") / "bundle"))


def variant(forgery: Forgery, name: str) -> int:
    """Where a variant stands in the record."""
    return [entry["name"] for entry in forgery.record["variants"]].index(name)


def scores(change: Callable[[Rows], Rows], *names: str) -> Forge:
    """Other scores of some variants, in an order that still holds."""

    def forge(forgery: Forgery) -> None:
        for name in names:
            file = f"predictions/{name}.scores.npy"
            forgery.put_array(file, change(forgery.array(file)).astype(np.float32))

    return forge


def softmax(rows: Rows) -> Rows:
    """What a forger keeps who mistook probabilities for logits."""
    found: Rows = np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)
    return found


def recorded(name: str, **figures: object) -> Forge:
    """Other figures of one agreement; `__` leads into `systematic`."""

    def forge(forgery: Forgery) -> None:
        agreement = forgery.record["variants"][variant(forgery, name)]["agreement"]
        for path, value in figures.items():
            *above, last = path.split("__")
            place = agreement
            for step in above:
                place = place[step]
            place[last] = value

    return forge


def _stranger(forgery: Forgery) -> None:
    """A class in the OM's top five, far ahead, that the checkpoint's top five does not have."""
    classes, file = forgery.array("predictions/om_bs1.top5.npy"), "predictions/om_bs1.scores.npy"
    theirs = forgery.array("predictions/pth.top5.npy")
    values = forgery.array(file)
    row = int(np.argmax([set(a) == set(b) for a, b in zip(classes, theirs, strict=True)]))
    classes[row, 4] = min(set(range(CLASSES)) - set(theirs[row].tolist()))
    values[row, 4] = values[row, 3]
    classes[row, 3:] = np.sort(classes[row, 3:])
    forgery.put_array("predictions/om_bs1.top5.npy", classes)
    forgery.put_array(file, values)
    recorded("om_bs1", top5_set_changed_percent=100 / len(classes))(forgery)


AGREES, APART = "variants[1].agreement.", "om_batch_errors.largest, om_bs1 and om_bs4: "
FORGED: dict[str, tuple[Forge, str]] = {
    "scores times 1.3": (scores(lambda rows: 1.3 * rows, "om_bs1", "om_bs4"), f"{AGREES}max_abs_error_logits: "),
    "softmax": (scores(softmax, "om_bs1", "om_bs4"), f"{AGREES}max_abs_error_logits: "),
    "the ONNX file's scores 0.1 higher": (
        scores(lambda rows: rows + 0.1, "onnx"),
        "variants[3].agreement.max_abs_error_logits: ",
    ),
    "a batch half a logit off": (scores(lambda rows: rows + 0.5, "om_bs4"), APART),
    "a class from nowhere": (_stranger, f"{AGREES}max_abs_error_logits: "),
    "an error of another batch": (recorded("om_bs4", max_abs_error_logits=0.19), APART),
    "an error that is too small": (recorded("om_bs1", max_abs_error_logits=1e-4), f"{AGREES}max_abs_error_logits: "),
    "a mean above the worst": (recorded("om_bs1", mean_cosine_distance=1e-5), f"{AGREES}mean_cosine_distance: "),
    "a mean below its share of the worst": (
        recorded("om_bs1", mean_cosine_distance=0.0),
        f"{AGREES}mean_cosine_distance: ",
    ),
    "a slope that no image has": (recorded("om_bs1", systematic__image_slope_error=0.0), f"{AGREES}systematic.slope"),
    "a standard error that excuses all": (
        recorded("om_bs1", systematic__slope_error__standard_error=9.0),
        f"{AGREES}systematic.slope_error: ",
    ),
    "no standard error": (
        recorded("om_bs1", systematic__column_error__standard_error=None),
        f"{AGREES}systematic.column_error: ",
    ),
    "a mean above the largest": (
        recorded("om_bs1", systematic__mean_error__value=-1.0),
        f"{AGREES}systematic.mean_error: ",
    ),
    "a class that the scores contradict": (
        recorded("om_bs1", systematic__column_error__value=0.0067),
        f"{AGREES}systematic.column_error: ",
    ),
    "fewer classes to choose from": (recorded("om_bs1", systematic__classes=2), f"{AGREES}systematic: class "),
    "a class that is none": (recorded("om_bs1", systematic__column=CLASSES), f"{AGREES}systematic: class "),
    "an image that is none": (recorded("om_bs1", systematic__image="x"), f"{AGREES}systematic.image: "),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_record_that_its_own_scores_contradict_is_refused(name: str, contents: dict[str, bytes]) -> None:
    forge, named = FORGED[name]
    forgery = Forgery(contents)
    forge(forgery)
    forgery.judge_again(*(gate["id"] for gate in forgery.record["gates"] if ".accuracy." in gate["id"]))
    assert_refused(forgery.outcome(), named)


@pytest.mark.parametrize("noise", [0.0, 1e-7, 1e-5, 0.002, 0.4, 5.0])
@pytest.mark.parametrize("images", [1, 2, 3, 60])
def test_no_honest_run_contradicts_itself(noise: float, images: int) -> None:
    """Whatever the gates say of it: from the same logits to logits of another network."""
    for seed in range(3):
        made = Made(dataclasses.replace(WORLD, seed=seed, images=images, logit_noise=noise, margin_pp=99.0))
        errors = [made.agreement(name).max_abs_error_logits or 0.0 for name in (om(1), om(4))]
        found = list(further(errors, made.batch_errors().largest))
        for name in (ONNX, om(1), om(4)):
            agreement, pth, top = made.agreement(name), made.top_five(PTH), made.top_five(name)
            assert agreement.max_abs_error_logits is not None
            found += [*beyond(apart(pth, top), agreement.max_abs_error_logits, "x")]
            found += [*contradictions(agreement, pth, top, CLASSES)]
        found += [*beyond(apart(made.top_five(om(1)), made.top_five(om(4))), made.batch_errors().largest, "x")]
        assert found == []


def test_what_is_apart_is_found_where_it_is() -> None:
    """The class that the other lacks counts for what it is ahead of the other's last."""
    made = Made(WORLD)
    pth = made.top_five(PTH)
    assert apart(pth, pth) == Apart(0.0, 0)
    moved = dataclasses.replace(pth, scores=[*pth.scores[:35], pth.scores[35] + 2.0, *pth.scores[36:]])
    assert (apart(pth, moved).row, apart(moved, pth).row) == (7, 7)
    assert apart(pth, moved).least == pytest.approx(2.0)
    stranger = (set(range(CLASSES)) - {column[7] for column in pth.columns}).pop()
    columns = ([*pth.columns[0][:7], stranger, *pth.columns[0][8:]], *pth.columns[1:])
    other = dataclasses.replace(pth, columns=columns)
    assert apart(pth, other).row == apart(other, pth).row == 7
    assert apart(pth, other).least == pytest.approx(pth.scores[35] - pth.scores[39])


def test_a_recorded_largest_error_may_fall_short_by_the_rounding_of_float32_only() -> None:
    assert [*beyond(Apart(1.0, 3), 1 - 0.9e-6, "x")] == []
    assert [*beyond(Apart(0.5, 3), 0.25, "img_3")] == ["0.25 recorded, but the kept scores of 'img_3' lie 0.5 apart"]
    assert [*further((1.0, 0.0), 1 - 0.9e-6)] == [*further((0.0, 1.0), 1.0)] == []
    assert [*further((0.75, 0.25), 0.25)] == ["0.25 recorded, but their largest errors are 0.75 and 0.25"]


ERROR = 0.125
STILL = Estimate(0.0, 0.0)


def flat(scores: list[float], images: int) -> TopFive:
    """Every image with the classes 0 to 4, each with its score."""
    return top_five(PTH, list(range(5)) * images, scores * images, [0] * images)


def said(
    images: int, *, shift: float = 0.0, scores: tuple[float, ...] = (5, 4, 3, 2, 1), **figures: object
) -> list[str]:
    """What is wrong with an agreement of scores that are all moved alike, no logit by more than ERROR."""
    known = {"slope_error": STILL, "mean_error": STILL, "column_error": Estimate(shift, 0.0)}
    fields = {"classes": 10, "column": 2, "image_slope_error": ERROR, "image": "x", **known}
    own = {name: figures.pop(name) for name in list(figures) if name in fields}
    systematic = Systematic(**{**fields, **own})  # type: ignore[arg-type]
    agreement = Agreement(images, (), 1.0, 0.0, ERROR, 0.0, systematic, 0.1, (), (), ())
    moved = [score + shift for score in scores]
    changed = dataclasses.replace(agreement, **figures)  # type: ignore[arg-type]
    return [*contradictions(changed, flat(list(scores), images), flat(moved, images), 10)]


MEAN = "{} with standard error {} is no mean of {} images none of which is off by more than 0.125"


def test_a_mean_and_its_standard_error_are_possible_up_to_rounding() -> None:
    """Values of one size have no spread but for the rounding; of two images one may be off and the other not."""
    for images in (1, 2, 3):
        assert said(images) == said(images, mean_error=Estimate(ERROR * (1 + 0.9e-6), 0.0)) == []
    assert said(1, mean_error=Estimate(ERROR, None)) == said(3, mean_error=Estimate(0.0, ERROR / 2**0.5)) == []
    assert said(2, mean_error=Estimate(ERROR, 1.7e-3 * ERROR)) == []
    for images, value, error in (
        (1, 1.5 * ERROR, None),
        (3, 1.5 * ERROR, 0.0),
        (2, 0.0, 2 * ERROR),
        (2, 0.0, None),
        (2, 0.0, -0.1),
        (2, ERROR, 1.9e-3 * ERROR),
        (3, 0.0, ERROR),
        (2, 0.0, 0.9),
    ):
        text = MEAN.format(value, error, images)
        assert said(images, mean_error=Estimate(value, error)) == [f"systematic.mean_error: {text}"]


def test_slopes_are_those_of_images_whose_scores_are_not_all_equal() -> None:
    odd = Estimate(0.0, 9.0)
    for scores in ((1, 1, 1, 1, 0), (5, 4, 3, 2, 1)):
        found = said(3, scores=scores, slope_error=odd)
        assert found == [f"systematic.slope_error: {MEAN.format(0.0, 9.0, 3)}"]
    assert said(3, scores=(1, 1, 1, 1, 1), slope_error=odd) == []


def test_a_class_that_every_top_five_holds_has_the_mean_of_its_scores() -> None:
    assert said(10, shift=0.0625) == []
    assert said(10, shift=0.0625, column_error=Estimate(0.0625 + 0.9e-6 * ERROR, 0.0)) == []
    for value in (0.0625 + 2e-6 * ERROR, 0.0):
        named = f"systematic.column_error: {value!r} contradicts the scores kept of 10 images"
        assert said(10, shift=0.0625, column_error=Estimate(value, 0.0)) == [named]
    assert said(10, shift=0.0625, column=9, column_error=Estimate(0.0, 0.0)) == []


def test_a_mean_distance_lies_between_the_worst_one_and_its_share() -> None:
    least = 1 - 2.0**-10
    most = 2.0**-10 * (1 + 1e-6) + 1e-15
    lowest = 0.0009765615234374767
    assert lowest * (1 + 1e-6) + 1e-15 == 2.0**-10
    for images, mean in ((2, most), (2, 2.0**-11), (1, lowest)):
        assert said(images, min_cosine=least, mean_cosine_distance=mean) == []
    for images, mean in ((2, 0.0015), (2, 0.0004), (1, 0.00097)):
        text = f"mean_cosine_distance: {mean} is no mean of {images} images of which the worst has 0.000976562"
        assert said(images, min_cosine=least, mean_cosine_distance=mean) == [text]


def test_figures_that_nothing_was_measured_for_contradict_nothing() -> None:
    for figure in ("min_cosine", "mean_cosine_distance", "max_abs_error_logits", "systematic"):
        unknown: dict[str, Any] = {figure: None}
        assert said(2, **unknown) == []
