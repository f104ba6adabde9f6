"""The exit code says what the results say, whatever became of assertions or of a worker."""

from __future__ import annotations

import pytest

from selftest.child import run
from selftest.faults.world import World
from tools.judge.results import Verdict, Word

DIES = """
import os

def pytest_runtest_teardown(item):
    if "test_every_weight" in item.nodeid:
        os._exit(1)
"""


def test_a_failed_gate_fails_the_run_where_assertions_are_switched_off(world: World) -> None:
    world.edit_port("value: 52.083333,", "value: 40.0,")
    outcome = run(world, "-k", "pth", "--assert=plain", PYTHONOPTIMIZE="1")
    assert outcome.failed == ["pth.accuracy.top1_error_pp"], outcome.text
    assert outcome.acceptance.verdict.word is Word.REJECTED
    assert outcome.exit_code == 1
    assert f"judged by: a port of one's own, {world.port}" in outcome.text


def test_a_figure_that_nobody_published_fails_no_run_and_is_named(world: World) -> None:
    world.edit_port("    pth_top1: {", "    # pth_top1: {")
    gate = "pth.accuracy.top1_error_pp"
    outcome = run(world, "-k", "pth")
    assert (outcome.exit_code, outcome.failed) == (0, []), outcome.text
    check, verdict = outcome.check(gate), outcome.acceptance.verdict
    assert (check.verdict, check.detail) == (Verdict.NOT_JUDGED, "nobody published the checkpoint's Top-1")
    assert (verdict.not_judged, gate in verdict.missing) == ((gate,), False)
    assert f"not judged, for want of a published figure (1):\n  {gate}\n" in outcome.text


def test_what_a_worker_that_died_would_have_said_nobody_knows(world: World) -> None:
    (world.folder / "dies.py").write_text(DIES)
    outcome = run(world, "-m", "checkpoint", "-n", "2", "-p", "dies", PYTHONPATH=str(world.folder))
    assert outcome.exit_code == 1
    assert "test_every_weight" in outcome.acceptance.interrupted, outcome.text
    assert f"the run was cut short: {outcome.acceptance.interrupted}" in outcome.text
    assert outcome.acceptance.verdict.word is Word.INCOMPLETE


@pytest.mark.parametrize("words", [(), pytest.param(("-n", "2"), marks=pytest.mark.nightly)])
def test_a_run_that_was_whole_is_not_called_broken(words: tuple[str, ...], world: World) -> None:
    outcome = run(world, "-m", "checkpoint", *words)
    assert (outcome.exit_code, outcome.acceptance.interrupted) == (0, ""), outcome.text
