"""Every claim of docs/security.md names a test, and every test that it names exists."""

from __future__ import annotations

import ast
import re

import pytest

from tools.base.files import ROOT

NOTE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TESTS = re.findall(r"^- `(selftest/[\w/]+\.py)::(\w+)`$", NOTE, re.MULTILINE)


@pytest.mark.parametrize(("file", "name"), TESTS, ids=[name for _, name in TESTS])
def test_the_named_test_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_list_item_names_a_test() -> None:
    assert len(TESTS) == len(re.findall(r"^- ", NOTE, re.MULTILINE))


def test_every_paragraph_about_something_untrusted_names_its_tests() -> None:
    section = NOTE.partition("## Not trusted")[2].partition("\n## ")[0]
    paragraphs = re.split(r"^\*\*", section, flags=re.MULTILINE)[1:]
    assert len(paragraphs) == 11
    assert [text for text in paragraphs if "- `selftest/" not in text] == []
