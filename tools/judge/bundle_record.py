"""A bundle's record beside its files: what all answers of a bundle rest on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

from tools.judge import records
from tools.judge.acceptance import Acceptance, InputDigest
from tools.judge.differences import differences
from tools.judge.documents import texts
from tools.judge.evidence import Evidence, NoEvidence
from tools.judge.files import Files, Refused, read_npy, short
from tools.judge.handed_in import HandedIn
from tools.judge.layout import FILE, IDS, LABELS
from tools.judge.spec import Spec

CLASS_CODES = {"<i2": "h", "<i4": "i"}
SCORE_CODES = {"<f4": "f"}
TARGETS = {"ascend": True, "simulator": False}
"""Whether OMs were meant to run on a device."""
T = TypeVar("T")


class RecordedRun(Evidence):
    """One bundle whose files are whole, to be judged by its own spec or, with `judged_by`, by another one.

    `problems` collects every disagreement found in it.
    """

    def __init__(self, name: str, files: Files, record: Acceptance, spec: Spec) -> None:
        if record.target not in TARGETS:
            raise Refused(f"{FILE}.target: {short(record.target)} is no target")
        super().__init__(
            spec,
            on_device=TARGETS[record.target],
            strict=record.strict_accuracy,
            tolerate_busy=record.tolerate_busy,
        )
        self.name, self.files, self.record = name, files, record
        self.problems: list[str] = []

    def compare(self, where: str, recorded: object, ours: object) -> None:
        """Collect in `problems` wherever what was recorded differs from what the judge finds."""
        self.problems += differences(records.plain(recorded), records.plain(ours), where)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The image ids, row after row."""
        return texts(self.files.json(IDS), IDS)

    @cached_property
    def labels(self) -> Sequence[int]:
        """The label of each id."""
        return read_npy(self.files.read(LABELS), LABELS, CLASS_CODES, None)

    @cached_property
    def digests(self) -> dict[str, InputDigest]:
        """Digests of the inputs by name."""
        return once({entry.name: entry for entry in self.record.digests}, self.record.digests, "digests")

    def digest(self, name: str) -> InputDigest:
        """See Evidence."""
        if name not in self.digests:
            raise NoEvidence(f"no digest of {name}")
        return self.digests[name]

    def handed_in(self, name: str) -> HandedIn | None:
        """See Evidence."""
        recorded = self.record.handed_in
        return once({entry.name: entry for entry in recorded}, recorded, "handed_in").get(name)


def there(value: T | None, missing: str) -> T:
    """What was recorded; NoEvidence, in the words of `missing`, where it was not."""
    if value is None:
        raise NoEvidence(missing)
    return value


def once(by_key: dict[Any, T], entries: Sequence[Any], where: str) -> dict[Any, T]:
    """The entries by key; Refused when a key stands there twice."""
    if len(by_key) < len(entries):
        keys = [getattr(entry, "id", None) or getattr(entry, "name", None) for entry in entries]
        again = next((key for key in keys if key is not None and keys.count(key) > 1), "an entry")
        raise Refused(f"{FILE}.{where}: {short(str(again))} stands there twice")
    return by_key
