"""What a result depends on besides its inputs: the code that makes it, and the libraries which that code imports.

Found by reading the imports, not listed by hand: a list forgets the module that a later change began to use, and what
was kept then stays believed although it was made by code with a mistake.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

from tools.base.files import IMPORTED_FROM

PACKAGE = __name__.partition(".")[0]
DISTRIBUTIONS = {"PIL": "Pillow", "google": "protobuf", "yaml": "PyYAML"}
"""Distributions whose name is not that of the package that is imported."""
WITHOUT_INFLUENCE = {"filelock", "tqdm"}
version = functools.cache(metadata.version)  # read from a file each time; a process keeps the libraries it has imported


def dependencies(modules: Iterable[ModuleType]) -> dict[str, str]:
    """Every module of the suite that these import, they themselves, and every library: name to sha256 or version."""
    known: dict[str, str] = {}
    libraries: set[str] = set()
    waiting = {module.__name__: Path(str(module.__file__)) for module in modules}
    while waiting:
        name, path = waiting.popitem()
        source = path.read_bytes()
        known[f"code {name}"] = hashlib.sha256(source).hexdigest()
        for imported in _imported(source):
            if f"code {imported}" in known or imported in waiting:
                continue
            found = _file_of(imported)
            if found is None:
                libraries |= set(_library(imported))
            else:
                waiting[imported] = found
    return known | {f"version {library}": _version(library) for library in libraries}


@functools.cache
def _imported(source: bytes) -> frozenset[str]:
    """Names of modules that a source imports at its top or inside functions; of `from a import b` both a and a.b."""
    tree = ast.parse(source)
    nodes = ast.walk(tree) if b"import_module" in source else _statements(tree)  # expressions are most of a tree
    return frozenset(name for node in nodes for name in _names(node))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below a node, inside functions too: an import stands nowhere else."""
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(node, block, ()):
            yield child
            yield from _statements(child)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _imports(node.func):
        yield from (word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str))


def _imports(called: ast.expr) -> bool:
    """Whether `importlib.import_module` is called."""
    if not isinstance(called, ast.Attribute) or called.attr != "import_module":
        return False
    return isinstance(called.value, ast.Name) and called.value.id == "importlib"


def _file_of(name: str) -> Path | None:
    """The suite's own module of this name; None for anything else, such as a function of a module."""
    package, *rest = name.split(".")
    if package != PACKAGE:
        return None
    place = IMPORTED_FROM.joinpath(package, *rest)
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in files if path.is_file()), None)


def _library(name: str) -> Iterator[str]:
    top = name.partition(".")[0]
    if top != PACKAGE and top not in sys.stdlib_module_names and top not in WITHOUT_INFLUENCE:
        yield DISTRIBUTIONS.get(top, top)


def _version(library: str) -> str:
    try:
        return version(library)
    except metadata.PackageNotFoundError:
        return "not installed"
