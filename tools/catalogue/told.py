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
        to_go = total - count
        left = f", about {duration((time.monotonic() - began) / whole * to_go)} left" if whole else ""
        more = f"; {to_go} to go{left}" if to_go else ""
        took = "" if row.seconds is None else f", {duration(row.seconds)}"
        tell(f"[{count}/{total}] {row.port}: {row.answer or row.said}{took}{more}")
        yield row
