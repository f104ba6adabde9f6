"""One command collects what a first runner sends back, one archive holds it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools.base.files import ROOT

QUESTIONS = ("npu-smi-info", "npu-smi-list", "npu-smi-map", "npu-smi-info-during-00", "pip-list", "python", "uname")


def collect(out: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "selftest.contracts", str(out), *words],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


def contents(out: Path) -> dict[str, str]:
    """The archive's files by name, in its order."""
    with tarfile.open(out) as archive:
        files = ((entry.name, archive.extractfile(entry)) for entry in archive.getmembers())
        return {name: file.read().decode() for name, file in files if file is not None}


def test_one_command_writes_one_archive(tmp_path: Path) -> None:
    info = tmp_path / "root" / "usr" / "local" / "Ascend" / "driver" / "version.info"
    info.parent.mkdir(parents=True)
    info.write_text("Version=26.0\n/home/ann/x\n")
    out = tmp_path / "back.tar.gz"
    words = ("-k", "names_cards or has_two_rows or prints_both", "--root", str(tmp_path / "root"))
    (tmp_path / "hypothesis.py").write_text("raise ModuleNotFoundError")  # a runner has what `make accept` installs
    done = collect(out, *words, PYTHONPATH=str(tmp_path), PYTEST_ADDOPTS="-p no:hypothesispytest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{out}: send this file back; the tests passed: " in done.stdout
    found = contents(out)
    asked = {f"contracts/asked/{name}/{file}.txt" for name in QUESTIONS for file in ("command", "stdout", "stderr")}
    assert asked <= found.keys()
    assert found["contracts/installed/usr/local/Ascend/driver/version.info"] == "Version=26.0\n<home>/x\n"
    assert "npu-smi" in found["contracts/asked/npu-smi-info/stdout.txt"]
    assert " passed" in found["contracts/pytest/stdout.txt"]
    assert any(name.startswith("contracts/logs/test_a_conversion_prints") for name in found)
    assert not any(str(tmp_path) in text or str(ROOT) in text for text in found.values())
    names = [name for name in found if name not in ("contracts/left-out.txt", "contracts/host.txt")]
    assert names == sorted(names)
    with tarfile.open(out) as archive:
        assert {(entry.mtime, entry.uid, entry.uname) for entry in archive} == {(0, 0, "")}


def test_failing_tests_are_sent_back_too(tmp_path: Path) -> None:
    out = tmp_path / "back.tar.gz"
    done = collect(out, "-k", "has_two_rows", ACCEPTANCE_TARGET="ascend", ACCEPTANCE_SOC="Ascend310", PATH="/usr/bin")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search("the tests FAILED: .*1 failed", done.stdout), done.stdout
    found = contents(out)
    assert "npu-smi is not on PATH" in found["contracts/pytest/stdout.txt"]
    assert "cannot be run" in found["contracts/asked/npu-smi-info/stderr.txt"]


@pytest.mark.nightly
def test_tests_that_could_not_begin_say_why(tmp_path: Path) -> None:
    done = collect(tmp_path / "back.tar.gz", "-k", "has_two_rows or")
    assert (done.returncode, "the tests DID NOT RUN: ERROR: Wrong expression" in done.stdout) == (1, True), done.stdout


@pytest.mark.parametrize("name", ["back.zip", "old.tar.gz"])
def test_the_archive_is_a_new_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "old.tar.gz").write_text("kept")
    done = collect(tmp_path / name)
    assert done.returncode == 2
    assert "the archive is a new file that ends in .tar.gz" in done.stderr
    assert (tmp_path / "old.tar.gz").read_text() == "kept"
