"""The command: reports written again, never over a damaged bundle, and a loss against the baseline is status 1."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selftest.evidence.bundles import CLASSES, World
from selftest.report.bundles import flips_in, pictures, write_bundle
from selftest.report.page import Page
from tools.base.cli import run
from tools.evidence.manifest import write_manifest
from tools.evidence.record_file import read_acceptance, write_acceptance
from tools.judge.files import check_manifest
from tools.judge.layout import SPEC_JSON
from tools.report_bundle import main

Command = Callable[..., int]


def small(rate_over_published: float = 1.1) -> World:
    """A little run whose tool measures the same rate each time."""
    return World(images=300, logit_noise=0.05, rate_noise=0.0, ais_bench=False, rate_over_published=rate_over_published)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    def call(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["report_bundle.py", *map(str, arguments)])
        return run(main)

    return call


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "evidence", small())
    return tmp_path / "evidence"


def test_reports_are_written_again_and_the_manifest_fits(bundle: Path, command: Command) -> None:
    before = (bundle / "report.html").read_bytes()
    (bundle / "report.html").write_text("changed")
    (bundle / "results.md").unlink()
    (bundle / "result" / "result.json").write_text("changed")
    assert command(bundle) == 0
    assert (bundle / "report.html").read_bytes() == before
    assert "Top1 accuracy" in (bundle / "result" / "result.json").read_text()
    assert (bundle / "results.md").is_file()
    assert check_manifest(bundle)[1] == []


def test_images_give_thumbnails(bundle: Path, command: Command, tmp_path: Path) -> None:
    flips = flips_in(bundle, read_acceptance(bundle).variants)
    assert flips is not None
    (tmp_path / "val").mkdir()
    pictures(tmp_path / "val", [flip.id for flip in flips.shown], side=64)
    assert command(bundle, "--images", tmp_path / "val") == 0
    assert len(Page(bundle / "report.html").attributes("img", "src")) == flips.images > 0
    assert check_manifest(bundle)[1] == []


def test_names_of_classes_come_from_a_file(
    bundle: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"kind {index}" for index in range(CLASSES)), encoding="utf-8")
    assert command(bundle, "--class-names", names) == 0
    assert "kind 7" in Page(bundle / "report.html").text
    names.write_text("one\n", encoding="utf-8")
    assert command(bundle, "--class-names", names) == 2
    assert f"found 1 names; allowed {CLASSES} classes" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["acceptance.json", "spec.json", "predictions/pth.top5.npy", "MANIFEST.sha256"])
@pytest.mark.parametrize("fault", ["changed", "missing"])
def test_a_damaged_bundle_is_refused_and_left_alone(
    file: str, fault: str, bundle: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    path, manifest = bundle / file, (bundle / "MANIFEST.sha256").read_bytes()
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    (bundle / "report.html").write_text("untouched")
    assert command(bundle) == 2
    error = capsys.readouterr().err
    assert file in error
    assert error.count("\n") == 1
    assert (bundle / "report.html").read_text() == "untouched"
    if file != "MANIFEST.sha256":
        assert (bundle / "MANIFEST.sha256").read_bytes() == manifest


@pytest.mark.parametrize("file", ["acceptance.json", "predictions/om_bs1.top5.npy", "logs/npu-smi/stdout.txt"])
def test_a_change_that_can_still_be_read_is_refused_too(
    file: str, bundle: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (bundle / file).read_bytes()
    (bundle / file).write_bytes(content.replace(b"PASS", b"FAIL", 1) if b"PASS" in content else content[:-2] + b"\0\0")
    assert command(bundle) == 2
    assert f"{file} was changed" in capsys.readouterr().err


def test_a_record_of_another_shape_is_refused(
    bundle: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    from tools.evidence.manifest import write_manifest

    (bundle / "acceptance.json").write_text("{}")
    (bundle / "report.html").write_text("as it was")
    write_manifest(bundle)
    assert command(bundle) == 2
    assert "not a record that this suite reads" in capsys.readouterr().err


def test_runs_that_began_before_stand_beside_a_run_in_its_own_folder(tmp_path: Path, command: Command) -> None:
    names = ("20251231T000000Z-0000000a", "20260102T000000Z-0000000b")
    before, now = (tmp_path / name for name in names)
    run = write_bundle(before, small())
    write_acceptance(before, dataclasses.replace(run, finished_utc="2025-12-31T00:10:00+00:00"))
    write_bundle(now, small())
    (tmp_path / "latest").symlink_to(now.name)
    assert command(tmp_path / "latest") == 0
    text = Page(now / "report.html").text
    assert f"this run 2026-01-01T00:10:00+00:00 {run.verdict.passed} passed" in text
    assert f"{before.name} 2025-12-31T00:10:00+00:00 {run.verdict.passed} passed" in text


def test_a_baseline_as_good_is_status_0(
    bundle: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "old", small())
    assert command(bundle, "--baseline", tmp_path / "old") == 0
    assert "BASELINE: PASS" in capsys.readouterr().out
    assert "Against the baseline" in Page(bundle / "report.html").text


def test_a_loss_against_the_baseline_is_status_1_and_stands_on_the_first_screen(
    bundle: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "old", small(rate_over_published=1.32))
    assert command(bundle, "--baseline", tmp_path / "old") == 1
    assert "bs16 dataset: lost 16.67, allowed 5 percent" in capsys.readouterr().out
    first = Page(bundle / "report.html").text.partition("At a glance")[0]
    assert "Against the baseline: FAIL" in first
    assert "bs16 dataset lost 16.67, allowed 5 (percent)" in first


def test_a_baseline_of_other_images_is_refused_and_nothing_written(
    bundle: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "old", World(images=299))
    (bundle / "report.html").write_text("untouched")
    assert command(bundle, "--baseline", tmp_path / "old") == 2
    assert "another data set" in capsys.readouterr().err
    assert (bundle / "report.html").read_text() == "untouched"


def test_a_folder_that_is_no_bundle_is_refused(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "nothing") == 2
    assert command(tmp_path) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_a_spec_that_the_ports_files_do_not_come_to_is_refused(
    bundle: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = json.loads((bundle / SPEC_JSON).read_bytes())
    spec["accuracy"]["top1_drop_pp"]["at_most"] = 99.0
    (bundle / SPEC_JSON).write_text(json.dumps(spec))
    (bundle / "report.html").write_text("as it was")
    write_manifest(bundle)
    assert command(bundle) == 2
    assert "spec.json is not what the files in port/ come to" in capsys.readouterr().err
    assert (bundle / "report.html").read_text() == "as it was"
