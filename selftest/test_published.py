"""The last lines of a run: a baseline that does not fit, or was itself not accepted, and a bundle left behind."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.collector import COLLECTOR, pytest_testnodedown
from selftest.faults.world import World
from tools.diagnosis import diagnose
from tools.evidence.manifest import write_manifest
from tools.evidence.record_file import read_acceptance, write_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.results import Word

ACCURACY = ("-m", "not perf and not om")


def other_target(run: Acceptance) -> Acceptance:
    """The run as if its OMs had been made on a device."""
    return dataclasses.replace(run, target="ascend")


def worded(word: Word) -> Callable[[Acceptance], Acceptance]:
    """The run with another last word."""
    return lambda run: dataclasses.replace(run, verdict=dataclasses.replace(run.verdict, word=word))


def test_the_folder_of_images_is_that_of_the_worker_which_came_to_them(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = pytestconfig.pluginmanager.getplugin(COLLECTOR)
    monkeypatch.setattr(collector, "images", "")
    for told in ({"images": "/data/val"}, {"images": ""}, {}):
        pytest_testnodedown(SimpleNamespace(config=pytestconfig, workeroutput=told))
        assert collector.images == "/data/val"
    pytest_testnodedown(SimpleNamespace(config=pytestconfig))
    assert collector.images == "/data/val", "a worker that died says nothing"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the evidence of an earlier run is kept, once one of the tests has made it."""
    return tmp_path_factory.mktemp("earlier") / "evidence"


@pytest.fixture
def baseline(world: World, earlier: Path) -> Path:
    """The evidence of an earlier run on the same world."""
    world.only_batches(1)
    if not earlier.exists():
        assert world.run(*ACCURACY).exit_code == 0
        (world.folder / "evidence").rename(earlier)
    return Path(shutil.copytree(earlier, world.folder / "baseline"))


def rewrite(baseline: Path, change: Callable[[Acceptance], Acceptance]) -> None:
    """Change the record of a bundle and seal it again."""
    write_acceptance(baseline, change(read_acceptance(baseline)))
    write_manifest(baseline)


def test_a_baseline_that_does_not_fit_costs_the_comparison_and_not_the_evidence(world: World, baseline: Path) -> None:
    rewrite(baseline, other_target)
    outcome = world.run(*ACCURACY, f"--baseline={baseline}")
    assert outcome.exit_code == 1, outcome.text
    assert "NO EVIDENCE" not in outcome.text
    lines = [line for line in outcome.text.splitlines() if line.startswith("BASELINE: ")]
    assert len(lines) == 1
    assert lines[0].startswith("BASELINE: not comparable: the baseline was made with another target")
    assert (world.folder / "evidence" / "report.html").is_file()


@pytest.mark.parametrize("word", [Word.INCOMPLETE, Word.REJECTED])
def test_a_baseline_that_was_not_accepted_is_compared_and_its_word_is_said(
    word: Word, world: World, baseline: Path
) -> None:
    rewrite(baseline, worded(word))
    outcome = world.run(*ACCURACY, f"--baseline={baseline}")
    assert outcome.exit_code == 0, outcome.text
    [line] = [line for line in outcome.text.splitlines() if line.startswith("BASELINE: ")]
    assert line.startswith("BASELINE: PASS (0 of ")
    assert line.endswith(f" figures); the baseline itself was {word}")


def test_of_an_accepted_baseline_nothing_more_is_said(world: World, baseline: Path) -> None:
    rewrite(baseline, worded(Word.SAMPLE))
    outcome = world.run(*ACCURACY, f"--baseline={baseline}")
    [line] = [line for line in outcome.text.splitlines() if line.startswith("BASELINE: ")]
    assert line.endswith(" figures)")


@pytest.mark.nightly  # by day: selftest/test_diagnose_om.py, without a run around it
def test_a_bound_tighter_than_fp16_accuses_no_node_and_no_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnose, "PROBE_IMAGES", 1)
    world.only_batches(1)
    world.edit_port(
        'max_abs_error: {at_most: 0.2, unit: logit, source: "measured',
        'max_abs_error: {at_most: 1.0e-6, unit: logit, source: "measured',
    )
    world.edit_port("max_abs_error: {at_most: 0.4,", "max_abs_error: {at_most: 2.0e-6,")
    outcome = world.run("-m", "npu and accuracy", "--diagnose=on-failure")
    assert outcome.failed == ["om.accuracy.max_abs_error[bs1]"], outcome.text
    assert "the om's error is explained by fp16" in outcome.text
    assert "no node is at fault: the bound is tighter than fp16" in outcome.text
    assert "not made of this file" not in outcome.text
