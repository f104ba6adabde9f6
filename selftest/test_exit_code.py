"""The exit code says what the results say, whatever became of assertions or of a worker."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from selftest.child import run
from selftest.faults.world import World
from tools.base.files import ROOT
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
    assert f", run {outcome.acceptance.run}\n" in outcome.text
    bundle = world.folder / "evidence"
    assert f"again: python tools/verify_bundle.py {bundle} --run-id {outcome.acceptance.run})" in outcome.text


def test_the_header_names_the_inputs_and_what_pytest_says_of_itself_is_for_minus_v(world: World) -> None:
    quiet, loud = world.run("-m", "checkpoint").text, world.run("-m", "checkpoint", "-v").text
    assert "\ncache: " in quiet.partition("\ncollected ")[0]
    assert not re.search("^(rootdir|configfile|testpaths|plugins|benchmark): ", quiet, re.MULTILINE)
    assert "\nplugins: " in loud


SKIPS = """
import pytest

def pytest_runtest_setup(item):
    pytest.skip("not today")
"""
SWALLOWS = """
def pytest_runtest_protocol(item):
    return True
"""


def ended(folder: Path, *words: str) -> tuple[int, str]:
    """The exit code and the text of a run in a process of its own, which need not leave any evidence."""
    places = [f"--cache={folder / 'cache'}", f"--evidence={folder / 'evidence'}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--sample", *places, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (SKIPS, ("--target=ascend",)),
        pytest.param(SKIPS, ("--target=simulator", "-n1"), marks=pytest.mark.nightly),
        (SWALLOWS, ()),
        ("", ("--setup-plan",)),
        ("", ("--benchmark-skip",)),
    ],
)
def test_a_selected_gate_that_left_no_answer_fails_the_run(plugin: str, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "silent.py").write_text(plugin)
    code, text = ended(tmp_path, "-k", "keeps_up", "-p", "silent", *words)
    assert code == pytest.ExitCode.TESTS_FAILED, text
    assert "NO ANSWER from " in text
    assert "host.perf.onnx_to_torch[bs" in text
    assert not (tmp_path / "evidence").exists()


def test_a_collection_has_nothing_to_answer(tmp_path: Path) -> None:
    code, text = ended(tmp_path, "-k", "keeps_up", "--collect-only")
    assert (code, "NO ANSWER" in text) == (0, False), text


def test_a_file_of_samples_that_no_gate_filled_fails_the_run(world: World) -> None:
    asked = world.folder / "perf.json"
    outcome = run(world, "-m", "checkpoint", f"--benchmark-json={asked}")
    assert outcome.exit_code == pytest.ExitCode.TESTS_FAILED, outcome.text
    assert f"NO SAMPLES for --benchmark-json, which fails the run: no gate of throughput was measured, {asked}" in (
        outcome.text
    )
