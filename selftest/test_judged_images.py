"""Which of a pool's images judge a made sample: no near tie among them, and something that a wrong model would lose."""

from __future__ import annotations

import numpy as np
import pytest

from tools.base.errors import SuiteError
from tools.sample.judged_images import Judged, judged_images, to_lose_pp, widest_lead

CLASSES, POOL, COUNT = 10, 40, 20
PLACES = np.arange(POOL)


def leading(by: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Logits whose best class leads by so much."""
    logits = np.zeros((POOL, CLASSES))
    logits[PLACES, best] = by
    return logits


def chosen(logits: np.ndarray, truth: np.ndarray, why: str = "") -> Judged:
    return judged_images(logits, truth, COUNT, drop_pp=5.0, why=why, where="library:x")


def test_the_images_that_lead_by_most_are_taken_in_their_order() -> None:
    by = np.where(PLACES % 2 == 0, 1 + PLACES / POOL, 0.5)
    assert widest_lead(leading(by, PLACES % CLASSES), COUNT).tolist() == list(range(0, POOL, 2))


def test_of_images_that_lead_by_as_much_the_first_are_taken() -> None:
    assert widest_lead(leading(np.ones(POOL), PLACES % CLASSES), COUNT).tolist() == list(range(COUNT))


def test_labels_are_true_where_enough_is_right() -> None:
    best, truth = PLACES % CLASSES, np.where(PLACES % 2, PLACES + 1, PLACES) % CLASSES
    found = chosen(leading(np.ones(POOL), best), truth)
    assert (found.labels.tolist(), found.why) == (truth[:COUNT].tolist(), "")


@pytest.mark.parametrize(("right", "own"), [(5, True), (6, False)])
def test_labels_are_its_own_where_a_wrong_model_would_lose_less_than_three_times_the_drop(
    right: int, own: bool
) -> None:
    best = PLACES % CLASSES
    truth = np.where(right > PLACES, best, (best + 1) % CLASSES)
    found = chosen(leading(np.ones(POOL), best), truth)
    assert bool(found.why) is own
    assert found.labels.tolist() == (best if own else truth)[:COUNT].tolist()


def test_the_reason_says_how_many_are_right_or_why_nothing_was_fitted() -> None:
    best = PLACES % CLASSES
    logits, truth = leading(np.ones(POOL), best), np.where(PLACES < 1, best, (best + 1) % CLASSES)
    assert chosen(logits, truth).why == "the layer fitted last is right on 5.0 % of the images alone"
    assert chosen(logits, best, why="it reads nothing").why == "it reads nothing"


def test_always_the_same_answer_loses_nothing_and_is_refused() -> None:
    best = np.where(PLACES < 18, 3, PLACES % CLASSES)
    assert to_lose_pp(best[:COUNT], best[:COUNT]) == pytest.approx(10)
    with pytest.raises(SuiteError, match=r"library:x: the made checkpoint answers.*found 10\.0 pp; allowed >= 15 pp"):
        chosen(leading(np.ones(POOL), best), best)


def test_a_single_class_has_nothing_to_lose() -> None:
    with pytest.raises(SuiteError, match=r"found 0\.0 pp"):
        chosen(np.zeros((POOL, 1)), np.zeros(POOL, int))
