"""Nothing lost, nothing invented: ids must match as sets at every hand-over before any ratio is computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.base.printable import cut, printable


@dataclass(frozen=True)
class Handover:
    """Two sides of one hand-over compared as sets: what is missing, extra or there twice (all sorted)."""

    giver: str
    taker: str
    expected: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    duplicated: tuple[str, ...]

    @property
    def conserved(self) -> bool:
        """True when both sides hold the same ids, each once, and there is at least one."""
        return self.expected > 0 and not (self.missing or self.extra or self.duplicated)

    def __str__(self) -> str:
        if self.conserved:
            return f"{self.expected} ids, the same in {self.giver} and {self.taker}"
        if self.expected == 0:
            return f"{self.giver} is empty"
        parts = [
            f"{len(ids)} {word} ({first_few(ids)})"
            for ids, word in (
                (self.missing, f"missing in {self.taker}"),
                (self.extra, f"not in {self.giver}"),
                (self.duplicated, "duplicated"),
            )
            if ids
        ]
        return ", ".join(parts)


def handover(giver: str, expected: Iterable[str], taker: str, found: Iterable[str]) -> Handover:
    """Compare the ids that one step gave with the ids that the next one holds."""
    given, taken = Counter(list(expected)), Counter(list(found))
    return Handover(
        giver=giver,
        taker=taker,
        expected=len(given),
        missing=tuple(sorted(given.keys() - taken.keys())),
        extra=tuple(sorted(taken.keys() - given.keys())),
        duplicated=tuple(sorted(key for side in (given, taken) for key, count in side.items() if count > 1)),
    )


def first_few(names: Sequence[str], most: int = 5) -> str:
    """The first few names in the order given, printable and of bounded length, and how many more there are."""
    shown = ", ".join(printable(cut(name)) for name in names[:most])
    return shown + (f", … {len(names) - most} more" if len(names) > most else "")
