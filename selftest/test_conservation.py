"""Two sides of a hand-over are compared as sets: nothing lost, nothing invented, nothing twice, nothing at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tools.conservation import handover

IDS = st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=20)


@given(IDS)
def test_the_same_ids_in_any_order_are_conserved(ids: set[str]) -> None:
    compared = handover("images", sorted(ids), "bins", sorted(ids, reverse=True))
    assert compared.conserved
    assert str(compared) == f"{len(ids)} ids, the same in images and bins"


@given(IDS, IDS)
def test_every_difference_is_on_one_of_the_sides(mine: set[str], theirs: set[str]) -> None:
    compared = handover("a", mine, "b", theirs)
    assert set(compared.missing) == mine - theirs
    assert set(compared.extra) == theirs - mine
    assert compared.conserved == (mine == theirs)


def test_lost_and_invented_ids_are_named_with_their_sides() -> None:
    compared = handover("labels", ["a", "b"], "dumps", ["b", "c"])
    assert not compared.conserved
    assert str(compared) == "1 missing in dumps (a), 1 not in labels (c)"


def test_a_loss_made_up_for_by_a_double_is_found() -> None:
    compared = handover("labels", ["a", "b"], "dumps", ["a", "a"])
    assert (compared.missing, compared.duplicated) == (("b",), ("a",))
    assert not compared.conserved


def test_a_double_on_the_giving_side_is_found() -> None:
    assert not handover("labels", ["a", "a"], "dumps", ["a"]).conserved


def test_nothing_handed_over_is_not_conserved() -> None:
    compared = handover("labels", [], "dumps", [])
    assert not compared.conserved
    assert str(compared) == "labels is empty"


def test_a_generator_is_read_once() -> None:
    assert handover("labels", (name for name in "ab"), "dumps", (name for name in "ab")).conserved


def test_of_many_ids_the_first_few_are_named() -> None:
    text = str(handover("labels", [f"{number:03}" for number in range(100)], "dumps", ["000"]))
    assert text == "99 missing in dumps (001, 002, 003, 004, 005, … 94 more)"
