"""Two sides of a hand-over are compared as sets: nothing lost, nothing invented, nothing twice, nothing at all."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.base.printable import printable
from tools.judge.handover import first_few, handover

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


def test_one_kind_of_difference_is_enough() -> None:
    assert not handover("labels", "ab", "dumps", "a").conserved
    assert not handover("labels", "a", "dumps", "ab").conserved
    assert not handover("labels", "a", "dumps", "aa").conserved


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


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, ""),
        (1, "0"),
        (5, "0, 1, 2, 3, 4"),
        (6, "0, 1, 2, 3, 4, … 1 more"),
        (99, "0, 1, 2, 3, 4, … 94 more"),
    ],
)
def test_of_many_names_the_first_few_are_shown_in_their_order(count: int, text: str) -> None:
    assert first_few([str(number) for number in range(count)]) == text


def test_a_name_of_200_characters_is_whole_and_a_longer_one_is_cut() -> None:
    assert first_few(["a" * 200]) == "a" * 200
    assert first_few(["a" * 199 + "bc"]) == "a" * 199 + "b…"
    assert first_few(["a" * 300, "short"]) == "a" * 200 + "…, short"


def test_a_name_cannot_speak_for_the_page() -> None:
    assert first_few(["a\x1b[2Jb", "c\nd"]) == first_few([printable("a\x1b[2Jb"), printable("c\nd")])
    assert "\x1b" not in first_few(["a\x1b[2Jb"])


def test_each_difference_is_counted_and_named_in_order() -> None:
    compared = handover("labels", ["b", "a", "e", "e"], "dumps", ["e", "d", "c", "c"])
    assert str(compared) == "2 missing in dumps (a, b), 2 not in labels (c, d), 2 duplicated (c, e)"


def test_what_was_compared_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        handover("labels", "a", "dumps", "b").missing = ()  # type: ignore[misc]
