"""Where the chip's time goes: asked for by --profile, or by itself where a floor is missed; judged offline again."""

from __future__ import annotations

import dataclasses
import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from selftest.faults.device_faults import pretend_device
from selftest.faults.world import World
from tools.ascend import msprof
from tools.evidence.manifest import write_manifest
from tools.judge import logs
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import open_files
from tools.judge.consistency import on_device
from tools.judge.op_profile import OperatorProfile
from tools.judge.results import Verdict, Word
from tools.judge.verify import OK, REFUSED, Outcome, verify
from tools.report.operators import shown_profiles, slower_kinds

GATE = "om.perf.operators[bs4]"
PERF = ("-m", "perf and npu")
MISSED = "The chip misses its floor by"


def judged(folder: Path) -> Outcome:
    return verify([("profiled", partial(open_files, folder))], None)


def sealed(folder: Path) -> Path:
    """A copy of a bundle that was altered, with a manifest over it as it is now."""
    (folder / "MANIFEST.sha256").unlink()
    write_manifest(folder)
    return folder


def test_a_profile_that_was_asked_for_is_told_kept_and_judged_again(world: World) -> None:
    world.only_batches(4)
    outcome = world.run("--profile")
    assert outcome.exit_code == 0, outcome.text
    assert outcome.check(GATE).verdict is Verdict.PASS
    (profile,) = outcome.acceptance.profiles
    assert {"features.0", "classifier.1"} <= {entry.layer for entry in profile.operators}
    said = "operators bs4: MatMulV2"
    assert said in outcome.text
    evidence = world.folder / "evidence"
    assert f"- {said}" in (evidence / "results.md").read_text(encoding="utf-8")
    assert "Hot operators" in (evidence / "report.html").read_text(encoding="utf-8")
    assert (judged(evidence).status, judged(evidence).word) == (OK, Word.SIMULATED), judged(evidence).text
    _is_held_to_its_tables(evidence, world.folder / "altered")


def _is_held_to_its_tables(evidence: Path, copy: Path) -> None:
    """A record that says something else than the profiler's tables, and tables that are cut short, are named."""
    shutil.copytree(evidence, copy)
    record = json.loads((copy / "acceptance.json").read_bytes())
    record["profiles"][0]["operators"][0]["total_us"] *= 2
    (copy / "acceptance.json").write_text(json.dumps(record), encoding="utf-8")
    found = judged(sealed(copy))
    assert found.status == REFUSED
    assert "acceptance.json.profiles[0].operators[0].total_us" in found.text
    (table,) = (evidence / "logs" / "profile-bs4" / "collect").glob("op_summary_*.csv")
    shutil.copyfile(evidence / "acceptance.json", copy / "acceptance.json")
    (copy / table.relative_to(evidence)).write_bytes(table.read_bytes()[:-30])
    found = judged(sealed(copy))
    assert found.status == REFUSED
    assert "acceptance.json.profiles[0]" in found.text
    assert "cut short" in found.text


def test_nobody_profiles_what_nobody_asks_about(world: World) -> None:
    world.only_batches(4)
    outcome = world.run(*PERF)
    assert outcome.exit_code == 0, outcome.text
    assert outcome.acceptance.profiles == ()
    assert GATE not in {result.id for result in outcome.acceptance.gates}


def test_a_floor_that_is_missed_names_the_operators_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    monkeypatch.setenv("ASCEND_SIMULATOR_RATE_FACTOR", "0.8")
    monkeypatch.setattr(logs, "IDLE_SAMPLES", 1)
    monkeypatch.setattr(on_device, "SIMULATOR_SAYS", b"what no tool says")
    outcome = world.run(*PERF)
    assert outcome.failed == ["om.perf.images_per_second_per_chip[bs4]"]
    line = next(line for line in outcome.text.splitlines() if MISSED in line)
    assert "MatMulV2" in line
    assert "classifier.1" in line
    assert [profile.batch for profile in outcome.acceptance.profiles] == [4]
    again = judged(world.folder / "evidence")
    assert again.status != REFUSED, again.text


def test_without_a_profiler_the_floor_is_told_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    monkeypatch.setenv("ASCEND_SIMULATOR_RATE_FACTOR", "0.8")
    monkeypatch.setattr(msprof, "MSPROF", "msprof-of-another-toolkit")
    outcome = world.run(*PERF)
    assert outcome.failed == ["om.perf.images_per_second_per_chip[bs4]"]
    assert MISSED in outcome.text
    assert "where its time goes is not known: `msprof-of-another-toolkit` is not on PATH" in outcome.text


def test_a_profile_that_was_asked_for_and_cannot_be_made_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    monkeypatch.setattr(msprof, "MSPROF", "msprof-of-another-toolkit")
    outcome = world.run(*PERF, "--profile")
    assert outcome.failed == [GATE]
    assert "source the set_env.sh" in outcome.check(GATE).detail.lower()


def test_what_became_slower_is_told_by_type(world: World) -> None:
    world.only_batches(4)
    before = world.run(*PERF, "--profile").acceptance
    (profile,) = before.profiles
    assert slower_kinds(before, before) == ()
    now = dataclasses.replace(before, profiles=(_slower(profile, "MatMulV2", 1.5),))
    (delta,) = slower_kinds(before, now)
    assert (delta.batch, delta.kind) == (4, "MatMulV2")
    assert str(delta).endswith("us an execution (+50.0 %)")
    assert shown_profiles(_two_batches(before)) == (profile,)


def _slower(profile: OperatorProfile, kind: str, times: float) -> OperatorProfile:
    entries = (
        dataclasses.replace(entry, total_us=entry.total_us * (times if entry.kind == kind else 1.0))
        for entry in profile.operators
    )
    return dataclasses.replace(profile, operators=tuple(entries))


def _two_batches(run: Acceptance) -> Acceptance:
    """With a slower batch size beside, which misses no floor and is not the best."""
    (throughput,), (profile,) = run.device_throughput, run.profiles
    slow = dataclasses.replace(throughput, batch=1, images_per_second_per_chip=1.0)
    other = dataclasses.replace(profile, batch=1)
    return dataclasses.replace(run, device_throughput=(slow, throughput), profiles=(other, profile))
