"""What is said about the recipe fits what the bins were held against."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tools.judge.consistency.preprocessing import _recipe
from tools.judge.facts import CheckpointFacts, ParityFacts, RecipeFacts, WeightFacts

STATED, BUILT = "torchvision 0.28.0 ResNet50_Weights.IMAGENET1K_V2", "torchvision 0.28.0 transforms"
DEPARTURE = ("interpolation bilinear, stated bicubic",)


def problems(facts: RecipeFacts, against: str | None, function: str | None = None) -> list[str]:
    parity = None if against is None else ParityFacts(("a",), (), against)
    bundle = SimpleNamespace(
        problems=[],
        record=SimpleNamespace(parity=parity),
        spec=SimpleNamespace(preprocessing=SimpleNamespace(function=function)),
    )
    _recipe(bundle, facts)  # type: ignore[arg-type]
    found: list[str] = bundle.problems
    return found


@pytest.mark.parametrize(
    ("facts", "against"),
    [
        (RecipeFacts(STATED, ()), STATED),
        (RecipeFacts(STATED, DEPARTURE), BUILT),
        (RecipeFacts("", ()), BUILT),
        (RecipeFacts(STATED, DEPARTURE), None),
    ],
)
def test_what_fits_is_no_problem(facts: RecipeFacts, against: str | None) -> None:
    assert problems(facts, against) == []


def test_a_function_is_held_against_nothing() -> None:
    assert problems(RecipeFacts(STATED, ()), "", "python:mine.py:pixels") == []


@pytest.mark.parametrize(
    ("facts", "against", "said"),
    [
        (RecipeFacts("", DEPARTURE), BUILT, "from the recipe of no library"),
        (RecipeFacts(STATED, ()), BUILT, "does not fit parity.against"),
        (RecipeFacts(STATED, DEPARTURE), STATED, "does not fit parity.against"),
        (RecipeFacts("", ()), "", "does not fit parity.against"),
    ],
)
def test_what_does_not_fit_is_found(facts: RecipeFacts, against: str, said: str) -> None:
    assert any(said in problem for problem in problems(facts, against))


def test_departures_are_a_remark_and_where_there_are_none_nothing_is_said() -> None:
    two = RecipeFacts(STATED, (*DEPARTURE, "crop_px 224, stated 176"))
    assert two.remark == (
        f"preprocessing departs from what {STATED} states: interpolation bilinear, stated bicubic; "
        "crop_px 224, stated 176"
    )
    assert RecipeFacts(STATED, ()).remark == RecipeFacts("", ()).remark == ""


def test_what_is_seldom_there_need_not_be_said() -> None:
    facts = CheckpointFacts(1, 1, (), (), (), (), "c" * 64)
    assert (facts.other_types, facts.missing_arguments, facts.foreign_arguments) == ((), (), ())
    assert WeightFacts((), 1, exact=1, recomputed=0, foreign=0, unused=()).declared == ()
