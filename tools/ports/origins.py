"""Where each value of a resolved port was read: file and line, or nowhere because it is the default."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.base.files import ROOT
from tools.ports.document import child, place, read_document
from tools.ports.spec import PUBLISHED_SPEC, Port

DEFAULT = "by default"


@dataclass(frozen=True)
class Shared:
    """What all ports share where this port overrides it, and the reason that it gives."""

    node: yaml.Node
    reason: str | None

    @property
    def where(self) -> str:
        """File and line of the shared value."""
        return origin(self.node)


class Origins:
    """The nodes of a port's file and of what it shares, to look values up in."""

    def __init__(self, port: Port) -> None:
        self._root, _ = read_document(port.path)
        others = None if child(self._root, "shared") else read_document(PUBLISHED_SPEC)[0]
        self._shared = child(others or self._root, "shared")

    def of(self, node: yaml.Node | None, path: tuple[str, ...]) -> str:
        """Where the value at a path of the resolved port was read; `node` is what stands there."""
        own = child(self._root, "port")
        unsaid = path == ("kind",) and own is not None and child(own, "kind") is None
        return DEFAULT if node is None or unsaid else origin(node)

    def overridden(self, path: tuple[str, ...]) -> Shared | None:
        """The shared value, where the port's policy says another."""
        own, shared = _at(child(self._root, "policy"), path), _at(self._shared, path)
        if own is None or shared is None:
            return None
        reasons = child(self._root, "reasons")
        said = child(reasons, ".".join(path))
        return Shared(shared, None if said is None else str(said.value))


def origin(node: yaml.Node) -> str:
    """File and line; a file below the suite's folder or this one is named from there."""
    file, _, line = place(node).rpartition(":")
    return f"{short(Path(file))}:{line}"


def short(file: Path) -> str:
    """A file's name for people."""
    absolute = Path(os.path.abspath(file))  # noqa: PTH100 - links stay as they were named
    for folder in (ROOT, Path.cwd()):
        if absolute.is_relative_to(folder) and folder.name:  # below `/` lies everything
            return str(absolute.relative_to(folder))
    return str(absolute)


def _at(node: yaml.Node | None, path: tuple[str, ...]) -> yaml.Node | None:
    for name in path:
        node = child(node, name)
    return node
