"""Files that the porter has made and the suite judges in place of its own: an ONNX file, OMs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tools.judge.handover import first_few

FOLDER = "handed_in"
"""Where a bundle keeps those that are small enough."""
DIGITS = 12


@dataclass(frozen=True)
class DataFile:
    """A file beside an ONNX file that holds some of its tensors, by its path from there."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class HandedIn:
    """One file as it was handed in: `name` is that of its digest (onnx, om_bs1 …), `file` its own.

    An ONNX file that keeps tensors in `data` beside it is taken in as one file, so that its digest is another; any
    other is taken in byte for byte. `kept` is where the bundle has what was taken in, empty where that is too large.
    """

    name: str
    file: str
    sha256: str
    size_bytes: int
    data: tuple[DataFile, ...] = ()
    kept: str = ""

    @property
    def is_onnx(self) -> bool:
        """Whether it is an ONNX file, else it is an OM."""
        return self.name.startswith("onnx")

    def __str__(self) -> str:
        beside = f" with {len(self.data)} files of tensors beside it" if self.data else ""
        return f"{self.name} ({self.file}, sha256 {self.sha256[:DIGITS]}{beside})"


def said(files: Sequence[HandedIn]) -> tuple[str, ...]:
    """What must be read beside the verdict."""
    if not files:
        return ()
    names = ", ".join(str(file) for file in sorted(files, key=lambda file: file.name))
    return (f"handed in, not made by the suite: {names}",)


def of_declared(names: Sequence[str], reason: str) -> tuple[str, ...]:
    """What must be read beside the verdict of weights that the port declares as not the checkpoint's."""
    if not names:
        return ()
    count = "1 weight is" if len(names) == 1 else f"{len(names)} weights are"
    return (f"{count} not the checkpoint's, the outputs alone are judged ({first_few(names)}): {reason}",)


def declares(patterns: Sequence[str], name: str) -> bool:
    """Whether a port says of a tensor, by its name or a pattern such as `features.*.weight`, that it differs."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
