"""Ranking: exactly a stable argsort, and counts that follow from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tools.engines import topk
from tools.engines.topk import accuracies_percent, hits, top_k

TIED = st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.0])
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)
SHAPES = st.tuples(st.integers(0, 6), st.integers(1, 12))


@given(
    st.one_of(hnp.arrays(np.float32, SHAPES, elements=TIED), hnp.arrays(np.float32, SHAPES, elements=ANY)),
    st.integers(1, 12),
    st.integers(1, 3),
)
def test_equals_a_stable_argsort(logits: "np.typing.NDArray[np.float32]", k: int, rows_at_once: int) -> None:
    k = min(k, logits.shape[1])
    before = logits.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topk, "ROWS_AT_ONCE", rows_at_once)
        found = top_k(logits, k)
    assert found.dtype == np.int64
    assert np.array_equal(found, np.argsort(-logits, axis=1, kind="stable")[:, :k])
    assert np.array_equal(logits, before)


def test_equal_scores_rank_by_lowest_class() -> None:
    assert top_k(np.zeros((2, 1000), np.float32)).tolist() == [[0, 1, 2, 3, 4]] * 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_without_a_rank_are_refused_with_their_row(value: float) -> None:
    logits = np.zeros((600, 7), np.float32)
    logits[523, 6] = value
    with pytest.raises(ValueError, match="row 523"):
        top_k(logits)


@pytest.mark.parametrize(("shape", "k"), [((3, 4), 5), ((3, 4), 0), ((4,), 1)])
def test_impossible_requests_are_refused(shape: tuple[int, ...], k: int) -> None:
    with pytest.raises(ValueError, match="asked for the top"):
        top_k(np.zeros(shape, np.float32), k)


def test_hits_are_cumulative() -> None:
    top = np.array([[3, 1, 2], [0, 3, 1], [2, 1, 0], [1, 2, 0]], np.int64)
    labels = np.array([3, 3, 0, 3], np.int64)
    assert hits(top, labels) == (1, 2, 3)


def test_hits_ask_for_one_label_a_row() -> None:
    with pytest.raises(ValueError, match="labels of the shape"):
        hits(np.zeros((3, 5), np.int64), np.zeros(1, np.int64))


def test_percentages() -> None:
    assert accuracies_percent((28265, 39540), 50000) == (56.53, 79.08)
    assert accuracies_percent((0, 3), 3) == (0.0, 100.0)
    assert accuracies_percent((1,), 1) == (100.0,)
    with pytest.raises(ValueError, match="0 images"):
        accuracies_percent((0,), 0)
