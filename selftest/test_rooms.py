"""Imports run one way: a room uses the rooms below it, commands are used by nobody, the judge needs nothing."""

from __future__ import annotations

import ast
import functools
import sys
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
        "catalogue",
        "fixtures",
        "tests",
    )
)
"""From the bottom up; rooms of one line do not import each other."""
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
SIMULATOR = "tools.ascend.simulator"
Sources = dict[str, str]
Graph = dict[str, set[str]]


@functools.cache
def sources_of(root: Path) -> Sources:
    """Every module of tools/, fixtures/ and tests/ by its name, with its source."""
    found = (path for room in ("tools", "fixtures", "tests") for path in sorted((root / room).rglob("*.py")))
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path.read_text("utf-8")
        for path in found
        if not {"site", "site_ais_bench"} & set(path.parts)
    }


@functools.cache
def imports(source: str) -> frozenset[str]:
    """What a source imports, at its top and inside functions; `from a import b` is a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def room_of(name: str) -> str:
    """The room of a module: `tools.judge.run` lies in judge, `tools.pth2onnx` is a command."""
    parts = name.split(".")
    if parts[0] != "tools":
        return parts[0]
    return parts[1] if len(parts) > 1 and parts[1] in LEVEL else "command"


def graph(sources: Sources) -> Graph:
    """Module -> the suite's own modules that it imports."""

    def own(imported: str) -> str | None:
        return next((name for name in (imported, imported.rpartition(".")[0]) if name in sources), None)

    named = {name: {own(imported) for imported in imports(source)} for name, source in sources.items()}
    return {name: {imported for imported in found if imported is not None} for name, found in named.items()}


def forbidden(sources: Sources) -> list[str]:
    """Every import that runs the wrong way, as `importer imports imported: why`."""
    pairs = [(name, other) for name, imported in graph(sources).items() for other in sorted(imported)]
    return [f"{name} imports {other}: {why}" for name, other in pairs if (why := _objection(name, other))]


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


def cycles(own: Graph) -> list[str]:
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


def reached(own: Graph, room: str) -> set[str]:
    """The modules of a room and all that they import in the end."""
    waiting = [name for name in own if room_of(name) == room]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += own[name]
    return found


def foreign(sources: Sources) -> list[str]:
    """Imports of the judge, and of whatever it uses, that a bare Python does not have."""
    own = {*sys.stdlib_module_names, "tools"}
    return [
        f"{name} imports {imported}, which the judge reaches"
        for name in sorted(reached(graph(sources), "judge"))
        for imported in sorted(imports(sources[name]))
        if imported.partition(".")[0] not in own
    ]


SOURCES = sources_of(ROOT)


def test_every_room_has_its_place() -> None:
    assert {room_of(name) for name in SOURCES} <= {*LEVEL, "command"}
    assert {path.name for path in (ROOT / "tools").iterdir() if (path / "__init__.py").is_file()} <= LEVEL.keys()


def test_imports_run_one_way() -> None:
    assert forbidden(SOURCES) == []


def test_no_module_imports_itself_in_the_end() -> None:
    assert cycles(graph(SOURCES)) == []


def test_no_file_of_tests_has_the_name_of_a_self_test() -> None:
    """Both are modules without a package: where one has been imported pytest refuses the other."""
    assert {path.name for path in (ROOT / "tests").glob("*.py")} & {
        path.name for path in (ROOT / "selftest").rglob("*.py") if not (path.parent / "__init__.py").is_file()
    } == set()


def test_the_judge_needs_the_standard_library_only() -> None:
    assert foreign(SOURCES) == []


FORBIDDEN = {
    "the judge uses a vendor tool": ("tools.judge.run", "from tools.ascend import atc"),
    "the judge uses a library": ("tools.judge.run", "import numpy"),
    "what the judge uses uses a library": ("tools.base.errors", "def f(): import msgspec"),
    "a room reaches up inside a function": ("tools.model.export", "def f(): from tools.pipeline import inputs"),
    "two rooms of one line": ("tools.report.words", "from tools.evidence.scrub import scrubber"),
    "a module uses a command": ("tools.engines.compare", "from tools import vision_metric"),
    "somebody imports the simulator": ("tools.ascend.atc", "import tools.ascend.simulator.chips"),
    "the simulator uses the suite": ("tools.ascend.simulator.chips", "from tools.base.files import sha256_of"),
    "tools know pytest's side": ("tools.pipeline.inputs", "from fixtures.setup import RUN"),
    "a ring": ("tools.base.errors", "import tools.base.files; from tools.base import cli"),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_import_is_seen(name: str) -> None:
    module, statement = FORBIDDEN[name]
    changed = {**SOURCES, module: f"{SOURCES[module]}\n{statement}\n"}
    found = [*forbidden(changed), *cycles(graph(changed)), *foreign(changed)]
    assert any(module in line for line in found), found
