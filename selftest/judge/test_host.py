"""Two engines measured in turn: the ratio inside each round, and what is no pair of times."""

from __future__ import annotations

import pytest

from tools.base.errors import SuiteError
from tools.judge.host import ratio


def test_the_ratio_is_the_median_of_the_rounds_own() -> None:
    assert ratio((1.0, 10.0, 1.0), (2.0, 30.0, 9.0)) == 3.0
    assert ratio((0.5,), (0.25,)) == 0.5


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ((), (), "0 and 0 samples"),
        ((1.0,), (1.0, 2.0), "1 and 2 samples"),
        ((0.0,), (1.0,), "1 and 1 samples"),
        ((1.0, 1.0), (2.0, -1.0), "2 and 2 samples"),
    ],
)
def test_what_is_no_pair_of_times_has_no_ratio(ours: tuple[float, ...], theirs: tuple[float, ...], found: str) -> None:
    with pytest.raises(SuiteError) as caught:
        ratio(ours, theirs)
    assert str(caught.value) == f"the samples are not pairs of positive times; found {found}"
