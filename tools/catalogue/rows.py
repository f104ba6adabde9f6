"""The answer about one port, the file that keeps all of them (docs/accept-ports.md), and the table for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.base.files import atomic
from tools.base.printable import printable
from tools.base.reading import small_file
from tools.base.text_enum import TextEnum
from tools.catalogue.entry import TABLE
from tools.judge import records
from tools.judge.verify import REFUSED

FILE = TABLE
SCHEMA = 1
LONGEST_SAID = 150
COLUMNS = ("port", "answer", "status", "took", "what was found")


class State(TextEnum):
    """How a port came to its answer, or why it has none."""

    JUDGED = "judged"
    KEPT = "kept"
    REFUSED = "refused"
    DIED = "died"
    TOO_LONG = "too long"
    WAITING = "waiting"


@dataclass(frozen=True)
class Row:
    """What is known of a port.

    `status` is the exit status that it alone would have (tools/judge/verify.py), None where it has no answer yet.
    `answer` is the verdict with what it was made on, empty where there is no evidence; `said` the same in a sentence,
    or what went wrong; `why` says why it was judged again, or that it was not. `evidence` and `log` are folders below
    that of the file, `tail` the last lines of the log where the status is not 0.
    """

    port: str
    file: str
    state: State
    status: int | None = None
    answer: str = ""
    said: str = ""
    why: str = ""
    run: str = ""
    finished_utc: str = ""
    seconds: float | None = None
    evidence: str = ""
    log: str = ""
    tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """All rows in the order of the command line; `interrupted` where some were never come to.

    `earlier` are the last answers about ports that this call did not name, of those whose folders are still here: a
    crash is not forgotten because the next call is about another port.
    """

    rows: tuple[Row, ...]
    status: int
    interrupted: bool
    written_utc: str
    schema: int = SCHEMA
    earlier: tuple[Row, ...] = ()


def worst(rows: Iterable[Row]) -> int:
    """The exit status over all ports: the worst of theirs; a port without an answer is no good one."""
    return max(REFUSED if row.status is None else row.status for row in rows)


def write_table(rows: Sequence[Row], folder: Path, *, interrupted: bool) -> Path:
    """Write the file, whole or not at all."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    table = Table(tuple(rows), worst(rows), interrupted, now, earlier=_about_others(rows, folder))
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(records.plain(table), indent=1, ensure_ascii=False)
    with atomic(folder / FILE) as partial:
        partial.write_text(
            text, encoding="utf-8", errors="backslashreplace"
        )  # a path may be any bytes: as JSON has them
    return folder / FILE


def read_table(path: Path) -> Table:
    """The table of a file; OSError, ValueError or RecursionError for a file that holds none."""
    table: Table = records.read(Table, json.loads(small_file(path)))
    return table


def has_folder(row: Row, folder: Path) -> bool:
    """Whether the port has a folder here; a name that is no name of a folder has none."""
    return Path(row.port).name == row.port and (folder / row.port).is_dir()


def _about_others(rows: Sequence[Row], folder: Path) -> tuple[Row, ...]:
    asked = {row.port for row in rows}
    try:
        before = read_table(folder / FILE)
    except (OSError, ValueError, RecursionError):
        return ()  # there is none, or none that can be read: tools/scorecard.py says so where it matters
    return tuple(row for row in (*before.rows, *before.earlier) if row.port not in asked and has_folder(row, folder))


def table_lines(rows: Sequence[Row]) -> list[str]:
    """The table, and below it the end of the log of each port that left no evidence."""
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in cells
    ]
    tails = [f"  {line}" for row in rows for line in _told(row)]
    return [printable(line) for line in (*lines, *tails)]


def _cells(row: Row) -> tuple[str, ...]:
    status = "-" if row.status is None else str(row.status)
    took = "-" if row.seconds is None else duration(row.seconds)
    said = row.said if len(row.said) <= LONGEST_SAID else f"{row.said[: LONGEST_SAID - 1]}…"
    kept = " (kept)" if row.state is State.KEPT else ""
    return row.port, f"{row.answer or row.state}{kept}", status, took, said


def _told(row: Row) -> list[str]:
    return [f"{row.port}: {line}" for line in row.tail] if row.state in (State.DIED, State.TOO_LONG) else []


def duration(seconds: float) -> str:
    """A time for people."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
