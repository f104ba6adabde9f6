"""Errors between tensors, and which of them rounding explains."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tools.diagnosis.node_errors import Compared, Errors, beyond_fp16, beyond_fp32, compare, short, words


def _rows(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array([values], np.float32)


def _errors(found: Compared) -> Errors:
    assert isinstance(found, Errors), found
    return found


def test_the_measures_are_those_of_their_definitions() -> None:
    found = _errors(compare(_rows(3, 0), _rows(3, 4)))
    assert found.max_abs_error == 4
    assert found.relative_l2_error == pytest.approx(4 / 5)
    assert found.cosine_distance == pytest.approx(1 - 9 / 15)
    assert found.reference_rms == pytest.approx(np.sqrt(25 / 2))


def test_equal_tensors_have_no_error() -> None:
    found = _errors(compare(_rows(1e-30, 2), _rows(1e-30, 2)))
    assert (found.max_abs_error, found.relative_l2_error, found.cosine_distance) == (0, 0, 0)


def test_tensors_of_zeros_have_stated_errors() -> None:
    assert _errors(compare(_rows(0, 0), _rows(0, 0))).relative_l2_error == 0
    assert _errors(compare(_rows(0, 0), _rows(0, 0))).cosine_distance == 0
    lost = _errors(compare(_rows(0, 0), _rows(0, 2)))
    assert (lost.relative_l2_error, lost.cosine_distance) == (1, 1)
    invented = _errors(compare(_rows(0, 2), _rows(0, 0)))
    assert (invented.relative_l2_error, invented.cosine_distance) == (1, 1)
    assert beyond_fp32(invented)


@pytest.mark.parametrize(
    ("candidate", "reference", "reason"),
    [
        (_rows(1, 2, 3), _rows(1, 2), r"shape \[1, 3\] instead of \[1, 2\]"),
        (_rows(1, np.nan), _rows(1, 2), "NaN or infinity in 1 of 1 images"),
        (_rows(1, -np.inf), _rows(1, 2), "NaN or infinity in 1 of 1 images"),
        (_rows(1, 2), _rows(1, np.inf), "the reference holds NaN or infinity"),
        (None, _rows(1, 2), "not computed"),
        (_rows(1, 2), None, "not computed"),
    ],
)
def test_what_cannot_be_compared_always_diverges(
    candidate: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None,
    reference: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None,
    reason: str,
) -> None:
    found = compare(candidate, reference)
    assert isinstance(found, str)
    assert re.search(reason, found)
    assert beyond_fp32(found)
    assert beyond_fp16(found, compare(_rows(1), _rows(1)))
    assert (short(found), words(found)) == ("n/a", found)


def test_fp32_rounding_is_within_and_more_is_not() -> None:
    reference = np.random.default_rng(0).normal(size=(2, 5000)).astype(np.float32)
    assert not beyond_fp32(compare(reference * np.float32(1 + 2**-20), reference))
    assert beyond_fp32(compare(reference * np.float32(1 + 2**-15), reference))


def test_one_wrong_value_among_many_is_beyond_fp32() -> None:
    reference = np.ones((1, 1_000_000), np.float32)
    candidate = reference.copy()
    candidate[0, 7] += 1e-3
    assert _errors(compare(candidate, reference)).relative_l2_error < 1e-5
    assert beyond_fp32(compare(candidate, reference))


def test_fp16_is_judged_by_what_the_emulation_costs() -> None:
    reference = np.random.default_rng(0).normal(size=(2, 5000)).astype(np.float32)
    expected = compare(reference * np.float32(1.002), reference)
    assert not beyond_fp16(compare(reference * np.float32(1.007), reference), expected)
    assert beyond_fp16(compare(reference * np.float32(1.009), reference), expected)


def test_one_logit_off_is_beyond_fp16() -> None:
    reference = np.random.default_rng(0).normal(size=(4, 1000)).astype(np.float32)
    candidate = reference.copy()
    candidate[2, 0] += 0.02
    expected = compare(reference * np.float32(1.001), reference)
    assert _errors(compare(candidate, reference)).relative_l2_error < 4 * _errors(expected).relative_l2_error
    assert beyond_fp16(candidate_error := compare(candidate, reference), expected), candidate_error


def test_an_exact_or_overflowing_emulation_still_allows_one_rounding() -> None:
    reference = np.linspace(1, 2, 1000, dtype=np.float32).reshape(2, 500)
    rounded = compare(reference.astype(np.float16).astype(np.float32), reference)
    for expected in (compare(reference, reference), "NaN or infinity in 2 of 2 images"):
        assert not beyond_fp16(rounded, expected)
        assert beyond_fp16(compare(reference * np.float32(1.002), reference), expected)
