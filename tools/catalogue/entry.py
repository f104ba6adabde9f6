"""The ports of a command line, each with a name of its own and the folder in which all that is its own lies."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.base.errors import SuiteError
from tools.ports.spec import PUBLISHED_SPEC, port_path

PUBLISHED = "alexnet"
TABLE = "ports.json"
"""The file of all answers, which lies beside the ports' folders."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Entry:
    """A port: its `name` in tables and folders, the file that says what it is, and its own `folder`."""

    name: str
    file: Path
    folder: Path

    @property
    def evidence(self) -> Path:
        """The bundle of its run."""
        return self.folder / "evidence"

    @property
    def log(self) -> Path:
        """What its run printed."""
        return self.folder / "log"

    @property
    def prepare_log(self) -> Path:
        """What was printed while the host prepared it."""
        return self.folder / "prepare"

    @property
    def finished(self) -> Path:
        """What its last run that came to an end was asked."""
        return self.folder / "finished.json"


def entries(words: Sequence[str], out: Path) -> tuple[Entry, ...]:
    """The ports named by `words`, names or files, in their order; SuiteError for one that is not there or named twice.

    Whether a file can be read is not asked here: that is an answer about one port alone.
    """
    found: dict[str, Entry] = {}
    for word in words:
        entry = _entry(word, out)
        if entry.name in found:
            raise SuiteError(
                f"two ports are called {entry.name}, and each has one folder below --out",
                where=f"{found[entry.name].file} and {entry.file}",
                fix="name one of them, or give each a folder of its own with --out",
            )
        found[entry.name] = entry
    return tuple(found.values())


def _entry(word: str, out: Path) -> Entry:
    file = port_path(word)
    if not os.path.isfile(file):  # noqa: PTH113 - a name too long for any file is one that does not exist
        raise SuiteError("there is no such port file", where=file)
    name = PUBLISHED if file.absolute() == PUBLISHED_SPEC else file.stem
    if not _PLAIN.fullmatch(name) or name == TABLE:
        raise SuiteError(
            "a port's file names the folder of its results, and this is no plain name",
            measured=repr(name),
            allowed=f"letters, digits and . _ -, at most 100, and not {TABLE}",
            fix="rename the file",
        )
    return Entry(name, file.absolute(), out / name)
