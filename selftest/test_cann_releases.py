"""A whole run on the simulator in the older and the newer form of atc's messages: what atc refuses is told by both."""

from __future__ import annotations

import pytest

from selftest.faults.world import Outcome, World

REFUSED_FLAG = "--precision_mode=fp7"
OM_GATE = "om.compiled[bs4]"


def run(world: World, monkeypatch: pytest.MonkeyPatch, release: str) -> Outcome:
    """A run on the simulator that speaks as this release."""
    monkeypatch.setenv("ASCEND_SIMULATOR_CANN", release)
    world.only_batches(4)
    return world.run()


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("8.1", "E10001: Value [fp7] for parameter [--precision_mode] is invalid"),
        ("9.1", "E10001: Value fp7 for parameter --precision_mode is invalid"),
    ],
)
def test_a_port_that_atc_refuses_fails_with_its_code_and_reason(
    world: World, monkeypatch: pytest.MonkeyPatch, release: str, said: str
) -> None:
    world.edit_port("\n  batches: ", f"\n  om: {{atc_extra_args: ['{REFUSED_FLAG}']}}\n  batches: ")
    outcome = run(world, monkeypatch, release)
    assert outcome.failed == [OM_GATE]
    message = outcome.check(OM_GATE).detail
    assert said in message
    assert "Reason: The current value is not within the valid range" in message
    assert "exit code 255" in message


@pytest.mark.nightly
def test_a_sound_port_is_as_green_with_the_newer_form(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(world, monkeypatch, "9.1").exit_code == 0
