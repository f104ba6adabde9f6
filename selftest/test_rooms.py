"""Imports run one way: a room uses the rooms below it, commands are used by nobody, the judge needs nothing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.base.files import ROOT

ORDER: tuple[frozenset[str], ...] = tuple(
    frozenset(rooms.split())
    for rooms in (
        "base",
        "judge",
        "ports store",
        "model",
        "data",
        "ascend",
        "engines",
        "evidence report diagnosis sample",
        "pipeline",
        "fixtures",
        "tests",
    )
)
"""From the bottom up; rooms of one line do not import each other."""
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
SIMULATOR = "tools.ascend.simulator"
STANDARD_LIBRARY_ONLY = ("tools/judge", "tools/base/errors.py")


def modules(root: Path) -> dict[str, Path]:
    """Every module of tools/, fixtures/ and tests/ by its name."""
    found = (path for room in ("tools", "fixtures", "tests") for path in (root / room).rglob("*.py"))
    return {_name(path.relative_to(root)): path for path in found if "site" not in path.parts}


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """What a module imports, at its top and inside functions; of `from a import b` both a.b and a."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str:
    """The room of a module: `tools.judge.run` lies in judge, `tools.pth2onnx` is a command."""
    parts = name.split(".")
    if parts[0] != "tools":
        return parts[0]
    return parts[1] if len(parts) > 1 and parts[1] in LEVEL else "command"


def graph(root: Path) -> dict[str, set[str]]:
    """Module -> the suite's own modules that it imports."""
    known = modules(root)
    own: dict[str, set[str]] = {}
    for name, path in known.items():
        named = (imported if imported in known else imported.rpartition(".")[0] for imported in imports(path))
        own[name] = {imported for imported in named if imported in known}
    return own


def forbidden(root: Path) -> list[str]:
    """Every import that runs the wrong way, as `importer imports imported: why`."""
    found = []
    for name, imported in graph(root).items():
        found += [f"{name} imports {other}: {why}" for other in sorted(imported) if (why := _objection(name, other))]
    return found


def _objection(name: str, other: str) -> str:
    mine, theirs = room_of(name), room_of(other)
    if other.startswith(SIMULATOR):
        return "" if name.startswith(SIMULATOR) else "the simulator is executed, and imported by nobody"
    if name.startswith(SIMULATOR):
        return "the simulator stands for a vendor's tool, which knows nothing of the suite"
    if theirs == "command":
        return "commands are used by people, not by modules"
    if mine in ("command", theirs) or LEVEL[theirs] < LEVEL[mine]:
        return ""
    return f"{theirs} does not lie below {mine}"


def cycles(own: dict[str, set[str]]) -> list[str]:
    """Modules that import themselves in the end."""
    done: set[str] = set()
    found: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            found.append(" -> ".join((*above[above.index(name) :], name)))
        elif name not in done:
            for other in sorted(own[name]):
                visit(other, (*above, name))
            done.add(name)

    for name in own:
        visit(name, ())
    return found


def foreign(root: Path) -> list[str]:
    """Imports of the judge, and of what it uses, that a bare Python does not have."""
    places = [root / place for place in STANDARD_LIBRARY_ONLY]
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    return [
        f"{path.relative_to(root)} imports {name}"
        for path in files
        for name in imports(path)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not name.startswith(("tools.judge", "tools.base.errors"))
    ]


def test_every_room_has_its_place() -> None:
    assert {room_of(name) for name in modules(ROOT)} <= {*LEVEL, "command"}
    assert {path.name for path in (ROOT / "tools").iterdir() if (path / "__init__.py").is_file()} <= LEVEL.keys()


def test_imports_run_one_way() -> None:
    assert forbidden(ROOT) == []


def test_no_module_imports_itself_in_the_end() -> None:
    assert cycles(graph(ROOT)) == []


def test_the_judge_needs_the_standard_library_only() -> None:
    assert foreign(ROOT) == []


FORBIDDEN = {
    "the judge uses a vendor tool": ("tools/judge/run.py", "from tools.ascend import atc"),
    "the judge uses a library": ("tools/judge/run.py", "import numpy"),
    "a room reaches up inside a function": ("tools/model/export.py", "def f(): from tools.pipeline import inputs"),
    "two rooms of one line": ("tools/report/words.py", "from tools.evidence.scrub import scrubber"),
    "a module uses a command": ("tools/engines/compare.py", "from tools import vision_metric"),
    "somebody imports the simulator": ("tools/ascend/atc.py", "import tools.ascend.simulator.chips"),
    "the simulator uses the suite": ("tools/ascend/simulator/chips.py", "from tools.base.files import sha256_of"),
    "tools know pytest's side": ("tools/pipeline/inputs.py", "from fixtures.setup import SETUP"),
    "a ring": ("tools/base/errors.py", "import tools.base.files; from tools.base import cli"),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_import_is_seen(name: str, tmp_path: Path) -> None:
    place, statement = FORBIDDEN[name]
    for known, path in modules(ROOT).items():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        added = f"\n{statement}\n" if path == ROOT / place else ""
        copy.write_text(path.read_text(encoding="utf-8") + added, encoding="utf-8")
        assert known
    found = [*forbidden(tmp_path), *cycles(graph(tmp_path)), *foreign(tmp_path)]
    stem = place.removesuffix(".py").replace("/", ".")
    assert any(stem in line.replace("/", ".") for line in found), found
