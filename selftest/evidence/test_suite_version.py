"""Which suite made a bundle is said in words that hold: version, commit, and whether files differ from it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.base.files import ROOT
from tools.evidence.host import versions
from tools.evidence.suite_version import suite_version
from tools.judge.machine_records import Versions

GIT = shutil.which("git")
AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")


@pytest.fixture(autouse=True)
def asked_anew() -> None:
    """The answer is kept for a process."""
    suite_version.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a version and no repository."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")
    return tmp_path


def git(folder: Path, *words: str) -> str:
    """Run it there."""
    assert GIT is not None
    done = subprocess.run([GIT, "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(GIT is None, reason="git is not installed")
def test_a_checkout_says_its_commit_and_whether_it_was_changed(checkout: Path) -> None:
    git(checkout, "init", "-q")
    git(checkout, "add", ".")
    git(checkout, *AUTHOR, "commit", "-q", "-m", "x")
    git(checkout, *AUTHOR, "tag", "-a", "-m", "x", "v9")
    commit = git(checkout, "rev-parse", "HEAD")[:12]
    assert suite_version(checkout) == f"1.2.3, commit {commit}"
    suite_version.cache_clear()
    (checkout / "pyproject.toml").write_text('[project]\nversion = "1.2.4"\n', encoding="utf-8")
    assert suite_version(checkout) == f"1.2.4, commit {commit} (changed)"


def test_without_a_repository_of_its_own_no_commit_is_claimed(checkout: Path) -> None:
    """Also where git would find somebody else's further up."""
    if GIT is not None:
        git(checkout, "init", "-q")
    below = checkout / "below"
    below.mkdir()
    shutil.copy(checkout / "pyproject.toml", below)
    assert suite_version(below) == "1.2.3"


@pytest.mark.parametrize("text", ["", "[project", "[project]\nversion = 3\n", '[project]\nversion = "a\\nb"\n'])
def test_a_version_that_is_none_is_not_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert suite_version(tmp_path) == ""


def test_a_record_says_the_suites_own() -> None:
    found = versions()
    assert found.suite == suite_version(ROOT)
    assert found.suite_words == f"{found.suite}, code {found.suite_sha256[:12]}"


def test_evidence_of_before_says_its_code_alone() -> None:
    assert Versions("3.11", {}, "0" * 64).suite_words == "code 000000000000"
