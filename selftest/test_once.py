"""A step is done once for each object and its arguments, and one that died dies again in its own words."""

from __future__ import annotations

import pytest

from tools.pipeline.once import once


class Steps:
    """Steps that note each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    @once
    def plain(self) -> list[str]:
        """A step without arguments."""
        self.calls.append(("plain",))
        return []

    @once
    def sized(self, batch: int, *, mode: str = "dataset") -> tuple[int, str]:
        """A step for each batch size."""
        self.calls.append(("sized", batch, mode))
        return batch, mode

    @once
    def nothing(self) -> None:
        """A step whose answer is None."""
        self.calls.append(("nothing",))

    @once
    def dies(self, error: type[BaseException]) -> None:
        """A step that cannot be done."""
        self.calls.append(("dies", error))
        raise error("never")


def test_the_very_answer_is_given_again() -> None:
    steps = Steps()
    assert steps.plain() is steps.plain()
    steps.nothing()
    steps.nothing()
    assert steps.calls == [("plain",), ("nothing",)]


def test_each_argument_is_a_step_of_its_own() -> None:
    steps = Steps()
    asked = [steps.sized(1), steps.sized(4), steps.sized(1), steps.sized(1, mode="pure"), steps.sized(1, mode="pure")]
    assert asked == [(1, "dataset"), (4, "dataset"), (1, "dataset"), (1, "pure"), (1, "pure")]
    assert steps.calls == [("sized", 1, "dataset"), ("sized", 4, "dataset"), ("sized", 1, "pure")]


def test_each_object_has_steps_of_its_own() -> None:
    one, other = Steps(), Steps()
    assert one.plain() is not other.plain()
    assert (len(one.calls), len(other.calls)) == (1, 1)


def test_a_step_that_died_is_not_tried_again_and_its_error_is_the_same() -> None:
    steps = Steps()
    caught = []
    for _ in range(2):
        with pytest.raises(OSError, match="never") as died:
            steps.dies(OSError)
        caught.append(died.value)
    assert caught[0] is caught[1]
    assert steps.calls == [("dies", OSError)]


def test_an_interrupt_is_no_answer() -> None:
    steps = Steps()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            steps.dies(KeyboardInterrupt)
    assert len(steps.calls) == 2


def test_a_step_keeps_its_name_and_words() -> None:
    assert (Steps.plain.__name__, Steps.plain.__doc__) == ("plain", "A step without arguments.")
