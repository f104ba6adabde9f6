"""An acceptance in plain Python, without pytest's hooks: the same gates, word and figures as pytest's run."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from selftest.faults.world import World
from tools.base.errors import SuiteError
from tools.base.files import ROOT
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import open_files
from tools.judge.ids import CHECKPOINT_MD5, CHECKPOINT_SHAPES
from tools.judge.results import Verdict, Word
from tools.judge.verify import OK, Outcome, verify
from tools.pipeline.run import open_run
from tools.report.bundle import BundleError


def options(world: World, evidence: str) -> dict[str, str | None]:
    """The options with which the world runs, as a script names them."""
    return {
        "port": str(world.port),
        "cache": str(world.cache),
        "evidence": str(world.folder / evidence),
        "target": "simulator",
    }


def verified(bundle: Path) -> Outcome:
    """What the offline judge makes of a bundle."""
    return verify([(bundle.name, partial(open_files, bundle))], None)


def figures(record: Acceptance) -> Acceptance:
    """The record without the run's name, times, the folders in which tools ran, and what the store found or made."""
    return dataclasses.replace(record, run="", started_utc="", finished_utc="", artifacts=(), timings=(), commands=())


@pytest.fixture
def small(world: World) -> World:
    """The small world at one batch size."""
    world.only_batches(4)
    return world


def test_a_script_decides_what_pytest_decides_and_its_bundle_holds(small: World) -> None:
    by_pytest = small.run("--target=simulator").acceptance
    with open_run(options(small, "by-script"), sample=True) as run:
        results = run.judge_all()
        published = run.publish()
    bundle = small.folder / "by-script"
    by_script = read_acceptance(bundle)
    assert [result.id for result in results] == [result.id for result in by_script.gates]
    assert by_script.gates == by_pytest.gates
    assert published.verdict == by_script.verdict == by_pytest.verdict
    assert published.verdict.banner == "SIMULATED (SAMPLE)"
    assert published.passed
    assert figures(by_script) == figures(by_pytest)
    assert verified(bundle).status == OK
    assert verified(bundle).word is Word.SIMULATED
    assert (bundle / "report.html").is_file()
    assert sorted(path.name for path in small.folder.iterdir() if path.name.startswith(".")) == []


def test_a_run_that_publishes_nothing_leaves_nothing_but_its_cache(small: World) -> None:
    before = sorted(path.name for path in small.folder.iterdir())
    with open_run(options(small, "never"), sample=True) as run:
        assert run.judge(CHECKPOINT_MD5).verdict is Verdict.PASS
        assert run.checkpoint_step.file().path.is_file()
    assert sorted(path.name for path in small.folder.iterdir()) == before


def test_a_step_that_dies_blocks_the_gates_behind_it_and_the_run_is_rejected(small: World) -> None:
    small.edit_port("md5: ", f"md5: {'a' * 32} #")
    with open_run(options(small, "by-script"), sample=True) as run:
        run.judge_all()
        published = run.publish()
    by_script = read_acceptance(small.folder / "by-script")
    by_pytest = small.run("--target=simulator").acceptance
    assert by_script.gates == by_pytest.gates
    assert published.verdict == by_pytest.verdict
    assert published.verdict.word is Word.REJECTED
    checks = {result.id: result.check for result in by_script.gates}
    assert checks[CHECKPOINT_MD5].verdict is Verdict.FAIL
    assert checks[CHECKPOINT_SHAPES].detail.startswith("blocked by: checkpoint (checkpoint.md5): ")
    assert verified(small.folder / "by-script").word is Word.REJECTED


def test_a_baseline_is_compared_as_pytest_compares_it(small: World) -> None:
    for place, baseline in (("first", None), ("second", "first")):
        named = {**options(small, place), "baseline": None if baseline is None else str(small.folder / baseline)}
        with open_run(named, sample=True) as run:
            run.judge_all()
            published = run.publish()
    assert published.passed
    assert [line for line in published.lines if line.startswith("BASELINE: PASS (0 of ")]
    with pytest.raises(BundleError), open_run({**options(small, "third"), "baseline": str(small.cache)}, sample=True):
        pass


def test_what_is_asked_wrongly_is_one_line_and_no_folder(small: World) -> None:
    with pytest.raises(SuiteError, match="--limit"), open_run({**options(small, "x"), "limit": "0"}, sample=True):
        pass
    assert not list(small.folder.glob("*x*.partial"))


PROGRAM = """\
import json, sys
from tools.pipeline.run import open_run
with open_run(json.loads(sys.argv[1]), sample=True) as run:
    print(run.judge("checkpoint.md5").verdict, "pytest" in sys.modules, "_pytest" in sys.modules)
"""


def test_nothing_of_pytest_is_needed(small: World) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(options(small, "x"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "PASS False False\n"), done.stderr
