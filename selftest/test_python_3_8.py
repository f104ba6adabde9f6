"""What the offline judge is made of runs on Python 3.8, whether or not this machine has one.

Grammar is the parser's to say, newer calls of the standard library are vermin's, and what neither looks for (methods of
values whose type only an annotation tells, classes subscripted or united outside annotations) is looked for here.
"""

from __future__ import annotations

import ast
import builtins
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.base.files import ROOT
from tools.pack_judge import judge_files

OLDEST = (3, 8)
MODULES = [name for name in judge_files() if name.endswith(".py")]
NEWER_METHODS = {
    *("removeprefix", "removesuffix", "bit_count", "with_stem", "with_segments", "readlink"),
    *("hardlink_to", "is_relative_to", "full_match"),
}
OWN_ANNOTATIONS = ("typing", "tools")
"""Modules whose classes may be subscripted on Python 3.8: typing's, and generic ones of the suite."""


def annotations_of(node: ast.AST) -> Iterator[ast.AST]:
    """The annotations that stand in this very node; they are texts where annotations come from the future."""
    for name in ("annotation", "returns"):
        found = getattr(node, name, None)
        if found is not None:
            yield found


def run_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node that is executed: no annotations, and nothing for type checkers only."""
    yield node
    only_types = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    below = node.orelse if isinstance(node, ast.If) and only_types else ast.iter_child_nodes(node)
    annotations = list(annotations_of(node))
    for child in below:
        if child not in annotations:
            yield from run_nodes(child)


def newer_than_3_8(source: str) -> list[str]:
    """What neither the parser nor vermin finds, a line each."""
    tree = ast.parse(source)
    nodes = list(run_nodes(tree))
    imported = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] not in OWN_ANNOTATIONS
        for alias in node.names
    }
    classes = imported | {name for name, value in vars(builtins).items() if isinstance(value, type)}
    found = [f"{node.lineno}: {why}" for node in nodes if isinstance(node, ast.expr) and (why := _newer(node, classes))]
    annotated = any(list(annotations_of(node)) for node in ast.walk(tree))
    if annotated and "from __future__ import annotations" not in source:
        found.append("1: annotations are evaluated")
    return found


def _newer(node: ast.expr, classes: set[str]) -> str:
    """Why an expression is newer, empty where it is not."""
    if isinstance(node, ast.Attribute) and node.attr in NEWER_METHODS and ast.unparse(node) != "os.readlink":
        return f"a method .{node.attr}"
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in classes:
        return f"{node.value.id} is subscripted"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = (node.left, node.right)
        if any(isinstance(side, ast.Constant) and side.value is None for side in sides):
            return "a union with None"
        if any(isinstance(side, ast.Name) and side.id in classes for side in sides):
            return "a union of classes"
    return ""


def vermin(*paths: Path) -> subprocess.CompletedProcess[str]:
    """What is newer than OLDEST by its list of the standard library; status 0 when nothing is."""
    target = f"-t={'.'.join(map(str, OLDEST))}-"
    words = [
        sys.executable,
        "-c",
        "from vermin import main; main()",
        target,
        "--violations",
        "--no-tips",
        *map(str, paths),
    ]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_of_the_judge_is_in_the_grammar_of_3_8(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    ast.parse(source, feature_version=OLDEST)
    assert newer_than_3_8(source) == []


def test_the_judge_calls_nothing_newer_than_3_8() -> None:
    done = vermin(*(ROOT / name for name in MODULES))
    assert done.returncode == 0, done.stdout + done.stderr


HEAD = "from __future__ import annotations\n"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("from collections.abc import Callable\nA = Callable[[int], int]\n", "2: Callable is subscripted"),
        ("A = list[int]\n", "1: list is subscripted"),
        ("class A(dict[str, int]): ...\n", "1: dict is subscripted"),
        ("A = int | str\n", "1: a union of classes"),
        ("def f(x): return isinstance(x, int | None)\n", "1: a union with None"),
        ("def f(x): return x.removeprefix('a')\n", "1: a method .removeprefix"),
        ("def f(x): return x.bit_count()\n", "1: a method .bit_count"),
        ("def f(x: int): ...\n", "1: annotations are evaluated"),
    ],
)
def test_what_is_newer_is_found_here(source: str, why: str) -> None:
    assert newer_than_3_8(source) == [why]


@pytest.mark.parametrize(
    "source",
    [
        "def f(x: int | None, y: list[int]) -> dict[str, int]: ...\n",
        "from typing import Dict\nA = Dict[str, int]\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    A = list[int]\n",
        "A = {1} | {2}\nB = [1][0]\n",
    ],
)
def test_what_3_8_runs_is_let_pass(source: str) -> None:
    assert newer_than_3_8(HEAD + source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import math\nmath.lcm(3, 4)\n",
        "import functools\nfunctools.cache(print)\n",
        "import enum\nclass A(enum.StrEnum): ...\n",
        "zip([], [], strict=True)\n",
        "from dataclasses import dataclass\n@dataclass(slots=True)\nclass A: ...\n",
        "from dataclasses import dataclass\n@dataclass(kw_only=True)\nclass A: ...\n",
        "A = {} | {}\n",
        "'ab'.removeprefix('a')\n",
        "import hashlib\nhashlib.file_digest\n",
        "import statistics\nstatistics.fmean([1], weights=[1])\n",
    ],
)
def test_a_call_that_is_newer_is_found_by_vermin(source: str, tmp_path: Path) -> None:
    (tmp_path / "newer.py").write_text(source)
    done = vermin(tmp_path / "newer.py")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Target versions not met" in done.stdout


@pytest.mark.parametrize("source", ["match 1:\n    case 1: ...\n", "try: ...\nexcept* E: ...\n"])
def test_newer_grammar_is_refused_by_the_parser(source: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse(source, feature_version=OLDEST)
