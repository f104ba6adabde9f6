"""The pieces of a run's evidence: records and files that its workers put into one hidden folder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.evidence.scrub import Scrubber
from tools.judge import records
from tools.judge.acceptance import InputDigest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


PIECES = "pieces"
REFERENCES = ("checkpoint", "pth")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

T = TypeVar("T")


class EvidenceError(SuiteError):
    """The evidence cannot be written where it was asked for, or its pieces contradict each other."""


@dataclass(frozen=True)
class Pieces:
    """The hidden folder of a run's pieces: `.<name>.<pid of the reporting process>.partial` beside the final place."""

    place: Path
    folder: Path
    scrub: Scrubber

    def put(self, record: T, key: str) -> T:
        """Keep a record under its type and `key`; the same key again replaces it (two workers know the same).

        SuiteError for the digest of a file that is another by now: workers would judge one each, as one run.
        """
        path = self.folder / PIECES / type(record).__name__ / f"{plain(key)}.json"
        if isinstance(record, InputDigest) and path.is_file():
            _require_same(records.read(InputDigest, json.loads(path.read_bytes())), record)
        with atomic(path) as partial:
            partial.write_text(json.dumps(records.plain(self.scrub.record(record))), encoding="utf-8")
        return record

    def pieces(self, kind: type[T]) -> list[T]:
        """Every record of this type: the checkpoint's first, then by key, numbers in keys as numbers."""
        paths = (self.folder / PIECES / kind.__name__).glob("*.json")
        return [records.read(kind, json.loads(path.read_bytes())) for path in sorted(paths, key=_natural)]

    def piece(self, kind: type[T]) -> T | None:
        """The only record of this type, None where there is none."""
        found = self.pieces(kind)
        return found[0] if found else None

    def write(self, name: str, content: bytes) -> None:
        """Put a file into the folder, whole or not at all."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        with atomic(self.folder / name) as partial:
            partial.write_bytes(content)

    def write_array(self, name: str, array: NDArray[np.generic]) -> None:
        """The same with an array, as .npy of version 1.0."""
        import numpy as np

        with atomic(self.folder / name) as partial, partial.open("wb") as handle:
            np.lib.format.write_array(handle, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def _require_same(known: InputDigest, found: InputDigest) -> None:
    if known.sha256 != found.sha256:
        raise SuiteError(
            f"{found.name} was replaced while the run went on",
            measured=f"sha256 {found.sha256}",
            allowed=known.sha256,
            fix="run it again",
        )


def plain(name: str) -> str:
    """A name that is one plain path component everywhere; others become dashes."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    if not _PLAIN.fullmatch(plain):
        raise EvidenceError("a piece of evidence needs a plain name", measured=repr(name))
    return plain


def _natural(path: Path) -> tuple[bool, list[str | int]]:
    """The checkpoint before all that was made from it, then by name, numbers in names as numbers."""
    parts: list[str | int] = [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.stem)]
    return path.stem not in REFERENCES, parts
