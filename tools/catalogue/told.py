"""What is told while ports are judged: a bar on a terminal, in a log a line for each with the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from tools.base.cli import say
from tools.base.printable import printable
from tools.base.progress import progress
from tools.catalogue.rows import Row, State, duration


def tell(line: str) -> None:
    """A line on stderr, at once: stdout is the table's."""
    say(printable(line), to=sys.stderr)


def told(answers: Iterator[Row], total: int) -> Iterator[Row]:
    """The answers, each told as it comes."""
    if sys.stderr.isatty():
        yield from progress(answers, what="ports", total=total, unit="port")
        return
    began, whole = time.monotonic(), 0
    for count, row in enumerate(answers, start=1):
        whole += row.state is not State.DIED  # a crash tells nothing of the time that a port takes
        took = "" if row.seconds is None else f", {duration(row.seconds)}"
        left = _left(total - count, (time.monotonic() - began) / whole if whole else None)
        tell(f"[{count}/{total}] {row.port}: {row.answer or row.said}{took}{left and f'; {left}'}")
        yield row


def _left(to_go: int, seconds_each: float | None) -> str:
    """What is still to come: ports, and how long they will take where one has told."""
    if not to_go:
        return ""
    if seconds_each is None:
        return f"{to_go} to go"
    return f"{to_go} to go, about {duration(seconds_each * to_go)} left"
