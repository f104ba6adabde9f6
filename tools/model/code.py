"""Functions that a port names (`python:FILE-or-module:FUNCTION`): loading them, and what code they are made of.

A port's own code runs with the rights of whoever runs the suite, as pytest's conftest.py does: take ports from people
whose code you would run.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from tools.base.errors import SpecError
from tools.store.dependencies import version

PREFIX = "python:"
PACKAGES = frozenset(("site-packages", "dist-packages"))
"""Where libraries lie, whoever's: those of a venv's base, of the user, and of Debian are no folders of this Python."""


def load_function(place: str, folder: Path) -> Callable[..., Any]:
    """The function at a place such as `python:my_net.py:network`; files are looked for below the port's folder.

    SpecError with the module's own error when it cannot be imported, or has no such function.
    """
    module_name, function = _parts(place)
    try:
        with _importable(folder):
            module = _module(module_name, folder)
    except Exception as error:
        raise SpecError(f"the port's code cannot be imported: {type(error).__name__}: {error}", where=place) from error
    found = getattr(module, function, None)
    if not callable(found):
        raise SpecError("the port's module has no such function", where=place, measured=function)
    return found  # type: ignore[no-any-return]


def code_digests(place: str, folder: Path) -> dict[str, str]:
    """What the function is made of: file -> sha256 for code outside the environment, library -> version for the rest.

    Found by reading imports, from the module on: those of files below the port's folder, and on the path of Python.
    """
    module_name, _ = _parts(place)
    known: dict[str, str] = {}
    waiting = _start(module_name, folder)
    while waiting:
        path = waiting.pop()
        source = path.read_bytes()
        known[f"code {_label(path, folder)}"] = hashlib.sha256(source).hexdigest()
        for name in _imported(source, path, folder):
            found = _local(name, folder)
            if found is None:
                known |= _library(name)
            elif f"code {_label(found, folder)}" not in known:
                waiting.append(found)
    return known | ({} if module_name.endswith(".py") else _library(module_name))


def own_file(name: str, folder: Path) -> Path:
    """A module of the port's own, which lies below its folder; SpecError when it does not."""
    path = folder / name
    inside = os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
    if ".." in PurePosixPath(name).parts or not inside or not path.is_file():
        fix = "a file below the port's folder"
        raise SpecError("there is no such module beside the port", where=folder, measured=name, fix=fix)
    return path


def _parts(place: str) -> tuple[str, str]:
    module, _, function = place.removeprefix(PREFIX).rpartition(":")
    return module, function


def _module(name: str, folder: Path) -> Any:  # noqa: ANN401 - a module
    if not name.endswith(".py"):
        return importlib.import_module(name)
    path = own_file(name, folder)
    unique = f"port_{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:12]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(unique, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = sys.modules[unique] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[unique]
        raise
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Modules beside the port can be imported by it."""
    sys.path.insert(0, str(folder.absolute()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.absolute()))


def _start(name: str, folder: Path) -> list[Path]:
    if name.endswith(".py"):
        return [own_file(name, folder)]
    found = _local(name, folder)
    return [] if found is None else [found]


def _imported(source: bytes, path: Path, folder: Path) -> Iterator[str]:
    """Dotted names that a source imports; those relative to itself as files below the folder name them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.parents[node.level - 1] if node.level else None
            start = ".".join(_relative(above, folder)) if above is not None else ""
            module = ".".join(filter(None, (start, node.module)))
            yield from filter(None, (module, *(f"{module}.{alias.name}".lstrip(".") for alias in node.names)))


def _relative(above: Path, folder: Path) -> tuple[str, ...]:
    for root in _roots(folder):
        if above.resolve().is_relative_to(root):
            return above.resolve().relative_to(root).parts
    return ()


def _local(name: str, folder: Path) -> Path | None:
    """The file of a module outside the environment's packages, None for a library's or a name inside a module."""
    for root in _roots(folder):
        place = root.joinpath(*name.split("."))
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if path.is_file():
                return path
    return None


def _roots(folder: Path) -> list[Path]:
    """Where code lies that is no library's: the port's folder, wherever that is, and others on the path of Python."""
    installed = [Path(path).resolve() for path in sysconfig.get_paths().values()]
    places = (Path(entry).resolve() for entry in sys.path if entry)
    own = (place for place in places if PACKAGES.isdisjoint(place.parts))
    outside = (place for place in own if not any(place == root or root in place.parents for root in installed))
    return list(dict.fromkeys((folder.resolve(), *filter(Path.is_dir, outside))))


def _library(name: str) -> dict[str, str]:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return {}
    return {f"version {found}": version(found) for found in _distributions(tuple(sys.path)).get(top, [])}


@functools.cache
def _distributions(_path: tuple[str, ...]) -> Mapping[str, list[str]]:
    """Which libraries hold a module, on this path of Python: half a second, in which something is read of each."""
    return metadata.packages_distributions()


def _label(path: Path, folder: Path) -> str:
    """A file's name for people and keys: below the folder that it was found in, the port's first."""
    place = path.resolve()
    return next((str(place.relative_to(root)) for root in _roots(folder) if place.is_relative_to(root)), str(place))
