"""A failed gate is told in its own words: what was measured and allowed, and nothing of how the suite is built."""

from __future__ import annotations

import subprocess
import sys

import pytest

from selftest.child import run
from selftest.faults.world import World
from tools.base.files import ROOT

FALSE_MD5 = "a" * 32
GATE = "checkpoint.md5"
TEST = "tests/test_checkpoint.py::test_file_is_the_published_one"
BEHIND = "tests/test_checkpoint.py::test_tensors_have_the_shapes_of_the_network"
LONG_TEST = "tests/test_accuracy.py::test_onnx_logits_point_where_pths_do_for_the_worst_image"
ONE, TWO = pytest.param((), id="one process"), pytest.param(("-n", "2"), id="two workers")
TWO_AT_NIGHT = pytest.param(*TWO.values, id=TWO.id, marks=pytest.mark.nightly)
INSIDE = ("assert ", "AssertionError", "Judged(", "judged =", "fixture", "Run object", "Traceback", "self.", "> ")
"""What tells of the suite's inside."""


def failures(text: str) -> list[list[str]]:
    """The paragraphs of pytest's failures, without their headings."""
    section = text.split("= FAILURES =", 1)[1].split("\n=====", 1)[0].splitlines()[1:]
    found: list[list[str]] = []
    for line in section:
        if line.startswith("_") and line.endswith("_"):
            found.append([])
        elif line and not line.startswith("[gw"):
            found[-1].append(line)
    return found


def summary(text: str) -> list[str]:
    """The lines of the short summary."""
    section = text.split("= short test summary info =", 1)[1].split("\n", 1)[1]
    return section.split("\n=====", 1)[0].splitlines()


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns, and nobody who takes it for a machine's log (pytest cuts no line of one)."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("workers", [ONE, TWO])
def test_a_failed_gate_is_measured_against_allowed_in_its_first_line(world: World, workers: tuple[str, ...]) -> None:
    world.edit_port("min_cosine: {at_least: 0.", "min_cosine: {at_least: 1.0, unit: cosine, source: s} #")
    world.only_batches(4)
    outcome = run(world, "-m", "accuracy and not npu", "-k", "worst_image", *workers)
    check = outcome.check("onnx.accuracy.min_cosine")
    measured = f"{check.measured:.6g}"
    first = f"onnx.accuracy.min_cosine FAIL: measured {measured}, allowed >= 1 (cosine)"
    [said] = failures(outcome.text)
    assert said[0] == first
    assert [line.partition(":")[0] for line in said[1:]] == ["  what", "  threshold", "  again"]
    assert not [part for part in INSIDE if part in "\n".join(said)]
    assert summary(outcome.text) == [f"FAILED {LONG_TEST} - {first}"]


@pytest.mark.parametrize("workers", [ONE, TWO_AT_NIGHT])
def test_a_step_that_died_is_told_once_in_full_and_what_it_blocks_in_a_line_each(
    world: World, workers: tuple[str, ...]
) -> None:
    world.edit_port("md5: ", f"md5: {FALSE_MD5} #")
    outcome = run(world, "-m", "checkpoint", "-k", "published_one or shapes", *workers)
    said = summary(outcome.text)
    assert said[0].startswith(f"FAILED {TEST} - {GATE} FAIL: measured ")
    assert said[0].endswith(f", allowed == {FALSE_MD5} (md5)")
    assert said[1].startswith(f"ERROR {BEHIND} - blocked by: checkpoint (checkpoint.md5)")
    assert len(said) == 2


def test_who_asks_for_no_summary_of_failures_gets_none(world: World) -> None:
    world.edit_port("md5: ", f"md5: {FALSE_MD5} #")
    outcome = world.run("-m", "checkpoint", "-k", "published_one", "-rs")
    assert "short test summary info" not in outcome.text
    assert "VERDICT: REJECTED" in outcome.text
    assert outcome.exit_code == 1


def test_what_pytest_prints_of_a_gate_that_passed_is_nothing(world: World) -> None:
    outcome = world.run("-m", "checkpoint", "--tb=auto")
    assert "FAILURES" not in outcome.text
    assert "short test summary info" not in outcome.text


@pytest.mark.parametrize(
    ("fault", "select", "folder", "words"),
    [
        ("atc:fails", "om", "atc-bs4", "ATC run failed"),
        ("infer:killed", "accuracy and npu", "predict-bs4/run-1-device0", "[SIMULATOR]"),
    ],
)
def test_the_streams_of_a_failing_tool_are_in_the_bundle(
    fault: str, select: str, folder: str, words: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.only_batches(4)
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", fault)
    outcome = world.run("-m", select)
    assert outcome.exit_code != 0
    logs = world.folder / "evidence" / "logs" / folder
    said = (logs / "stdout.txt").read_text(encoding="utf-8") + (logs / "stderr.txt").read_text(encoding="utf-8")
    assert words in said
    command = next(one for one in outcome.acceptance.commands if one.folder == f"logs/{folder}")
    assert command.returncode not in (None, 0)
    judge = [sys.executable, "-IS", str(ROOT / "tools" / "verify_bundle.py"), str(world.folder / "evidence")]
    done = subprocess.run(judge, capture_output=True, text=True, check=False)
    assert "VERDICT: REJECTED" in done.stdout, done.stdout
