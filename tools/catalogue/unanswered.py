"""Ports that were asked for and left no evidence, as the tables of tools/accept_ports.py tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.base.printable import one_line
from tools.catalogue.rows import FILE, Row, State, has_folder, read_table
from tools.judge.layout import FILE as RECORD
from tools.report.scorecard.found import files_named
from tools.report.scorecard.rows import Row as ScorecardRow
from tools.report.scorecard.rows import row_without_evidence

NOT_COME_TO = {State.WAITING: "it was not come to yet"}


def unanswered(places: Sequence[Path]) -> list[ScorecardRow]:
    """A row for each port without a bundle, in every table below `places`; a table that is none is a row of no port."""
    return [row for table in files_named(places, FILE) for row in _of_table(table)]


def _of_table(path: Path) -> Iterator[ScorecardRow]:
    try:
        table = read_table(path)
    except (OSError, ValueError, RecursionError) as error:
        problem = f"{path} is no table of ports: {error}; remove it, or let accept_ports.py write it anew"
        yield row_without_evidence("", (one_line(problem),), path.parent)
        return
    for row in (*table.rows, *table.earlier):
        if not row.evidence and not _has_bundle(path.parent, row):
            said = row.said or NOT_COME_TO.get(row.state, str(row.state))
            why = (one_line(said), f"says {FILE}, written {one_line(table.written_utc)}")
            yield row_without_evidence(row.port, why, path.parent)


def _has_bundle(folder: Path, row: Row) -> bool:
    """Whether another command has put one there since."""
    return has_folder(row, folder) and (folder / row.port / "evidence" / RECORD).is_file()
