"""The uses that the README promises: which gates they select, what they leave behind, and their last word."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fixtures.setup
from selftest.child import outside_xdist
from selftest.faults.world import World
from tools.base.errors import Stage
from tools.base.files import ROOT
from tools.engines.om_engine import Measured
from tools.evidence.host import host_words
from tools.evidence.record_file import read_acceptance
from tools.judge.remarks import TIMED
from tools.judge.results import Verdict, Word
from tools.pipeline.samples import dated, measured_when
from tools.store import content
from tools.store.artifacts import MANIFEST
from tools.store.facts import load_fact


def stages(world_gates: list[Any]) -> set[Stage]:
    """The stages that were decided."""
    return {result.stage for result in world_gates}


def first_spec(bundle: Path) -> str:
    """Where the spec of a run was read."""
    spec = read_acceptance(bundle).spec
    assert spec is not None
    return spec.path


def test_accuracy_and_perf_jobs_together_are_one_full_run(world: World) -> None:
    world.only_batches(4)
    accuracy = world.run("-m", "accuracy")
    assert accuracy.exit_code == 0, accuracy.text
    assert stages(list(accuracy.acceptance.gates)) == set(Stage) - {Stage.PERF}
    assert accuracy.acceptance.verdict.banner == "INCOMPLETE (SIMULATED, SAMPLE)"
    assert "\n48 images  Top-1 %" in accuracy.text
    assert "\nom bs4 " in accuracy.text
    assert "\nstill missing (4):\n  4 gates (perf 4): not asked in this run, or not reached\n" in accuracy.text
    assert {name.partition(".")[2].partition(".")[0] for name in accuracy.acceptance.verdict.missing} == {"perf"}
    first = (world.folder / "evidence").rename(world.folder / "accuracy-job")
    perf = world.run("-m", "perf")
    assert stages(list(perf.acceptance.gates)) == {Stage.PERF}
    verifier = [sys.executable, "-S", "-I", str(ROOT / "tools" / "verify_bundle.py")]
    together = subprocess.run(
        [*verifier, str(first), str(world.folder / "evidence")], capture_output=True, text=True, check=False
    )
    assert together.returncode == 0, together.stdout + together.stderr
    assert together.stdout.splitlines()[-1].startswith("VERDICT: SIMULATED (SAMPLE)")
    assert f"judged by: a port of one's own, {first_spec(first)} (as asked), sha256 " in together.stdout
    assert together.stdout.count(", target simulator Ascend310, manifest sha256 ") == 2


def test_without_the_npu_no_simulator_runs_and_the_om_is_owed(world: World) -> None:
    world.forget("om", "predictions-om")
    outcome = world.run("-m", "not npu and not perf")
    assert outcome.exit_code == 0, outcome.text
    assert not [result.id for result in outcome.acceptance.gates if result.id.startswith("om.")]
    assert outcome.acceptance.verdict.banner == "INCOMPLETE (SAMPLE)"
    assert "om.accuracy.top1_drop_pp[bs4]" in outcome.acceptance.verdict.missing
    assert not list(world.cache.glob("om/*"))


def seconds_per_image(cache: Path) -> dict[int, list[float]]:
    """What the tools reported, by batch, as the store keeps it."""
    kept = [load_fact(folder, Measured) for folder in cache.glob("throughput-om/*/files")]
    return {
        measured.slowest[0].batch: [seconds for run in measured.slowest for seconds in run.seconds_per_image]
        for measured in kept
    }


def assert_dated_by_the_runs_that_measured(written: dict[str, Any], cache: Path) -> None:
    """The clean run has measured all: each entry has the date of its artifact, the file that of the oldest."""
    kept = [json.loads(path.read_bytes()) for kind in TIMED for path in cache.glob(f"{kind}/*/{MANIFEST}")]
    dates = sorted(manifest["made_utc"] for manifest in kept)
    said = [entry["extra_info"] for entry in written["benchmarks"]]
    assert sorted(info["measured_utc"] for info in said) == dates
    assert [(info["reused"], info["measured_on"]) for info in said] == [(True, host_words())] * len(dates)
    assert written["datetime"] == dates[0] < written["written_utc"]
    assert f"when the oldest of {len(dates)} reused samples was measured" in written["datetime_is"]


def test_a_file_of_samples_that_this_run_has_measured_has_the_date_of_the_run() -> None:
    assert dated({"datetime": "2026-11-28T12:00:00+00:00", "benchmarks": [{"extra_info": measured_when(None)}]}) == {}


def test_perf_writes_what_the_tool_measured(world: World) -> None:
    path = world.folder / "perf.json"
    evidence, places = world.folder / "evidence", [f"--port={world.port}", f"--cache={world.cache}"]
    words = ["--sample", *places, f"--evidence={evidence}", "-p", "no:cacheprovider", "-m", "perf"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, f"--benchmark-json={path}"],
        cwd=ROOT,
        env=outside_xdist(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(time in " not in done.stdout
    assert "\nimages/s " in done.stdout
    acceptance = read_acceptance(evidence)
    assert stages(list(acceptance.gates)) == {Stage.PERF}
    assert acceptance.verdict.word is Word.INCOMPLETE
    written = json.loads(path.read_text(encoding="utf-8"))
    entries = written["benchmarks"]
    assert_dated_by_the_runs_that_measured(written, world.cache)
    offline = {entry["extra_info"]["batch"]: entry for entry in entries if entry["group"].startswith("om ")}
    reported = seconds_per_image(world.cache)
    assert set(offline) == set(reported) == {1, 4}
    for batch, entry in offline.items():
        assert entry["stats"]["data"] == reported[batch]
        info = entry["extra_info"]
        assert len(info["images_per_second_per_chip_by_run"]) == {1: 1, 4: 2}[batch]
        assert info["images_per_second_per_chip"] == sorted(info["images_per_second_per_chip_by_run"])[0]
        assert info["images_per_second_per_chip"] in [pytest.approx(1 / seconds) for seconds in reported[batch]]
        assert (info["soc"], info["tool"], info["target"]) == ("Ascend310", "benchmark", "simulator")
        assert info["mode"] == {1: "dataset", 4: "pure"}[batch]
        assert info["floor_images_per_second_per_chip"] is None
        assert (info["simulated"], info["verdict"]) == (True, "SIMULATED")
    host = {entry["extra_info"]["batch"]: entry for entry in entries if entry["group"].startswith("host ")}
    for entry in host.values():
        rate = len(entry["stats"]["data"]) / sum(entry["stats"]["data"])
        assert entry["extra_info"]["images_per_second"] == pytest.approx(rate)
        assert entry["extra_info"]["verdict"] == "PASS"
    assert set(host) == {1, 4}


@pytest.mark.parametrize("asked", ["option", "variable"])
def test_the_benchmarks_own_table_is_there_for_who_asks(
    asked: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.only_batches(1)
    word = "--benchmark-sort=name"
    if asked == "variable":
        monkeypatch.setenv("PYTEST_ADDOPTS", word)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # inside a worker of xdist pytest-benchmark is off
    outcome = world.run("-k", "keeps_up", *([word] if asked == "option" else []))
    assert "benchmark 'host throughput, seconds per image': 1 tests" in outcome.text


def test_ascend_here_fails_by_name_and_skips_no_gate(world: World) -> None:
    world.only_batches(4)
    outcome = world.run("-m", "npu", "--target=ascend")
    assert outcome.exit_code == 1, outcome.text
    assert outcome.failed == ["om.toolkit"]
    missing = outcome.check("om.toolkit").detail
    assert "`atc` is not on PATH" in missing
    assert "--target ascend never simulates" in missing
    assert "skipped" not in outcome.text.lower()
    assert {result.check.verdict for result in outcome.acceptance.gates} == {Verdict.FAIL, Verdict.NOT_RUN}
    assert outcome.acceptance.verdict.banner == "REJECTED (SAMPLE)"


@pytest.fixture
def host_with_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a host with a toolkit folder and nothing else of Ascend."""
    root = tmp_path / "host"
    (root / "usr/local/Ascend/ascend-toolkit").mkdir(parents=True)
    monkeypatch.setattr(fixtures.setup, "HOST_ROOT", root)
    return root


def test_where_a_trace_of_ascend_is_auto_never_simulates(world: World, host_with_a_trace: Path) -> None:
    world.only_batches(4)
    outcome = world.run("-m", "om")
    assert outcome.exit_code == 1, outcome.text
    assert outcome.failed == ["om.toolkit"]
    assert "NPU here (/usr/local/Ascend/ascend-toolkit), and it is never simulated silently" in outcome.text
    assert "skipped" not in outcome.text.lower()
    assert not outcome.acceptance.verdict.simulated


def test_where_a_trace_of_ascend_is_the_sample_is_never_taken_silently(
    pytester: pytest.Pytester, host_with_a_trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"--rootdir={ROOT}", f"--config-file={ROOT / 'pytest.ini'}", "-p", "no:cacheprovider", "--collect-only"]
    result = pytester.runpytest_inprocess(*words, str(ROOT / "tests"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stdout.str() + result.stderr.str()
    assert "on Ascend the real inputs are needed" in said
    assert str(host_with_a_trace / "opt/npu/imagenet") in said


def test_a_folder_in_the_checkpoints_place_is_one_error_of_its_stage(world: World) -> None:
    outcome = world.run("-m", "checkpoint", f"--checkpoint={world.folder}", sample=False)
    assert outcome.exit_code == 1
    assert outcome.failed == ["checkpoint.md5"], outcome.text
    assert "there is no such checkpoint file" in outcome.check("checkpoint.md5").detail
    assert "Traceback" not in outcome.text


def test_an_image_that_may_not_be_read_is_one_error_of_its_stage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(files: object) -> dict[str, str]:
        raise PermissionError(13, "Permission denied", "/data/val/a.JPEG")

    monkeypatch.setattr(content, "file_digests", refuse)
    outcome = world.run("-m", "preprocessing")
    assert outcome.exit_code == 1
    assert outcome.failed == ["preprocessing.images"], outcome.text
    assert "/data/val/a.JPEG" in outcome.check("preprocessing.images").detail
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize(
    "words", [["-n", "2"], ["--dist=load", "--tx=popen"], ["--benchmark-disable"], ["--benchmark-skip"]]
)
def test_a_benchmark_file_that_would_not_be_written_is_refused(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--sample", *words, f"--benchmark-json={tmp_path / 'perf.json'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--benchmark-json writes nothing under " in done.stderr + done.stdout


def test_a_test_that_breaks_after_its_gate_passed_is_no_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, *words: object, **named: object) -> None:
        raise RuntimeError("out of ink")

    world.only_batches(4)
    monkeypatch.setattr("pytest_benchmark.fixture.BenchmarkFixture.pedantic", broken)
    outcome = world.run("-m", "perf and npu")
    assert outcome.failed == ["om.perf.reading[bs4]"], outcome.text
    assert outcome.exit_code == 1


def test_a_baseline_that_is_none_ends_the_run_before_it_begins(world: World) -> None:
    garbage = world.folder / "garbage"
    garbage.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--sample", f"--baseline={garbage}", f"--evidence={world.folder / 'new'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "MANIFEST.sha256 is missing" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
