"""The bundle of an earlier run, moved aside: kept as it was, and never where the evidence of this run is expected."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tools.evidence.place import STAMP
from tools.judge.files import EARLIER


def set_aside(place: Path) -> Path | None:
    """Move the bundle of an earlier run to `<name>.earlier-<UTC>`, which is returned; None where there is none."""
    if not place.is_dir() or not any(place.iterdir()):
        return None
    stamp = datetime.now(UTC).strftime(STAMP)
    names = (f"{place.name}{EARLIER}{stamp}{again}" for again in ("", *(f"-{number}" for number in range(2, 1000))))
    aside = next(path for name in names if not (path := place.with_name(name)).exists())
    return place.rename(aside)
