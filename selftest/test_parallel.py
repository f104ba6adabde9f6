"""`pytest -n 2` says what `pytest` says, and its workers build each artifact once."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from selftest.faults.world import Outcome, World
from tools.base.files import ROOT
from tools.evidence.record_file import read_acceptance

SELECTED = ("-m", "not perf")


def run_on_two_workers(world: World, cache: Path, *words: str) -> Outcome:
    """Run the suite on two workers over a cache of its own."""
    evidence = world.folder / "evidence-n2"
    options = ["--sample", f"--port={world.port}", f"--cache={cache}", f"--evidence={evidence}", *SELECTED, *words]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "-v", "-p", "no:cacheprovider", "--diagnose=never", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout + done.stderr, read_acceptance(evidence))


def origins(text: str, origin: str) -> Counter[str]:
    """How often each artifact came about this way."""
    return Counter(re.findall(rf"(?m)^{origin} (\S+)", text))


def kinds(artifacts: Counter[str]) -> set[str]:
    """What was asked for, whatever it was made from."""
    return {name.partition("/")[0] for name in artifacts}


FORGOTTEN = frozenset(("sample-images", "pixels", "bins-facts", "om-described"))


def test_two_workers_give_the_same_verdict_and_build_what_is_missing_once(world: World) -> None:
    world.only_batches(4)
    world.forget(*FORGOTTEN)
    parallel = run_on_two_workers(world, world.cache)
    alone = world.run(*SELECTED, "-v")
    assert_the_same(parallel, alone)
    built = origins(parallel.text, "miss")
    assert kinds(built) == FORGOTTEN
    assert set(built.values()) == {1}, built
    assert not origins(alone.text, "miss")


def assert_the_same(parallel: Outcome, alone: Outcome) -> None:
    """Two whole runs that passed, gate by gate alike."""
    assert parallel.exit_code == alone.exit_code == 0, parallel.text
    assert parallel.acceptance.interrupted == alone.acceptance.interrupted == ""
    verdicts = [dataclasses.replace(one.acceptance.verdict, remarks=()) for one in (parallel, alone)]
    assert verdicts[0] == verdicts[1]  # remarks date what each found in its cache
    assert [(gate.id, gate.check.verdict) for gate in parallel.acceptance.gates] == [
        (gate.id, gate.check.verdict) for gate in alone.acceptance.gates
    ]
    assert not origins(parallel.text, "damaged")


@pytest.mark.nightly
def test_two_workers_on_an_empty_cache_build_each_artifact_once(world: World) -> None:
    world.only_batches(4)
    parallel = run_on_two_workers(world, world.folder / "empty")
    alone = world.run(*SELECTED, "-v")
    assert_the_same(parallel, alone)
    built = origins(parallel.text, "miss")
    assert kinds(built) >= {"sample-checkpoint", "sample-images", "bins", "onnx", "om", "predictions-om"}
    assert set(built.values()) == {1}, built
    found = origins(alone.text, "hit")  # an OM holds its command line, paths included: keys behind it differ
    assert not origins(alone.text, "miss")
    assert kinds(found) == kinds(built)


def test_an_error_is_made_once_and_told_by_both_workers(world: World) -> None:
    world.only_batches(1, 4)
    world.edit_port("\nport:\n", "\nport:\n  om: {soc: Ascend910B3}\n")
    outcome = run_on_two_workers(world, world.cache, "-k", "om_compiles or om_runs")
    assert outcome.exit_code == 1
    assert outcome.failed == ["om.device"], outcome.text
    assert "Ascend910B3" in outcome.check("om.device").detail
