"""What CONTRIBUTING.md, CHANGELOG.md and LICENSE say is so: files that are named exist, the version is the schema's."""

from __future__ import annotations

import hashlib
import re
import tomllib

import pytest

from tools.base.errors import Stage
from tools.base.files import ROOT
from tools.judge.acceptance import SCHEMA

PAGES = ("CONTRIBUTING.md", "CHANGELOG.md", "docs/first-run.md")
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""sha256 of https://www.apache.org/licenses/LICENSE-2.0.txt."""
MADE = {"build", ".venv"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def page(name: str) -> str:
    """A page's text."""
    return (ROOT / name).read_text(encoding="utf-8")


def named_files(text: str) -> set[str]:
    """Everything in it that looks like a file or folder of the checkout, and links to such."""
    quoted = {word for span in re.findall(r"`([^`\n]+)`", text) for word in span.split()}
    linked = set(re.findall(r"\]\(([^)#\s]+)[^)]*\)", text))
    paths = {word for word in quoted if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*/?", word) and ("/" in word or "." in word)}
    return {word for word in paths | linked if "://" not in word and word.split("/")[0] not in MADE}


@pytest.mark.parametrize("name", PAGES)
def test_files_that_a_page_names_are_there(name: str) -> None:
    suffixes = (".py", ".md", ".yaml", ".json", ".toml", "/")
    top = {path.name for path in ROOT.iterdir()}
    named = {word for word in named_files(page(name)) if word.endswith(suffixes) or word.split("/")[0] in top}
    if name != "CONTRIBUTING.md":  # others name files of a bundle, or the reader's own
        named = {word for word in named if "/" in word}
    assert len(named) > 2
    here = (ROOT / name).parent
    assert sorted(word for word in named if not ((ROOT / word).exists() or (here / word).exists())) == []


@pytest.mark.parametrize("stage", list(Stage))
def test_the_steps_fit_every_stage(stage: Stage) -> None:
    """The files that they name of one stage, the others have too."""
    for place in ("tools/judge/stages/{}.py", "tests/test_{}.py", "selftest/faults/{}_faults.py"):
        assert (ROOT / place.format(stage)).is_file()
        assert any(place.format(other) in page("CONTRIBUTING.md") for other in Stage)


def test_the_version_is_the_newest_of_the_changelog_and_says_the_schema() -> None:
    versions = re.findall(r"^## (\S+)$", page("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == PROJECT["version"]
    assert PROJECT["version"].split(".")[1] == str(SCHEMA)
    assert versions == sorted(versions, key=lambda said: [int(part) for part in said.split(".")], reverse=True)


def test_the_licence_is_the_whole_text_of_what_the_project_says() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
