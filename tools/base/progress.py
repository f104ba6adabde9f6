"""Progress of long work: a bar with count, rate and time left on a terminal, silence in logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Iterable[Item], *, what: str, total: int | None, unit: str = "image") -> Iterator[Item]:
    """Yield `items`, drawing a bar on stderr when that is a terminal (tqdm: `disable=None` means "only on a TTY")."""
    from tqdm import tqdm

    yield from tqdm(items, desc=what, total=total, unit=unit, disable=None, leave=False)
