"""The scorecard as CSV, for other programs, and as Markdown, for a release note."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from tools.base.messages import ENGLISH, Catalogue
from tools.base.printable import one_line
from tools.judge.pages import REPORT
from tools.report.markdown import escaped, line
from tools.report.scorecard.changes import Change, Direction
from tools.report.scorecard.rows import Drop, Row

NOTHING = "–"
Cell = str | int | float | None
COLUMNS: dict[str, Callable[[Row], Cell]] = {
    "port": lambda row: row.port,
    "chip": lambda row: row.chip,
    "verdict": lambda row: row.verdict,
    "why": lambda row: "; ".join(row.why),
    "reference_top1_percent": lambda row: row.top1.reference_percent,
    "om_top1_percent": lambda row: row.top1.om_percent,
    "top1_drop_pp": lambda row: row.top1.drop_pp,
    "top1_drop_low_pp": lambda row: _end(row.top1, "low"),
    "top1_drop_high_pp": lambda row: _end(row.top1, "high"),
    "reference_top5_percent": lambda row: row.top5.reference_percent,
    "om_top5_percent": lambda row: row.top5.om_percent,
    "top5_drop_pp": lambda row: row.top5.drop_pp,
    "top5_drop_low_pp": lambda row: _end(row.top5, "low"),
    "top5_drop_high_pp": lambda row: _end(row.top5, "high"),
    "no_drop": lambda row: row.no_drop,
    "best_batch": lambda row: row.best_batch,
    "images_per_second_per_chip": lambda row: row.per_chip,
    "images_per_second_per_card": lambda row: row.per_card,
    "share_of_published_percent": lambda row: row.share_percent,
    "ms_per_image": lambda row: row.ms_per_image,
    "share_of_peak_tflops_percent": lambda row: row.utilisation_percent,
    "no_throughput": lambda row: row.no_rate,
    "not_judged": lambda row: "; ".join(row.not_judged),
    "finished_utc": lambda row: row.finished_utc,
    "toolkit": lambda row: row.toolkit,
    "earlier_runs": lambda row: row.earlier,
    "bundles": lambda row: os.pathsep.join(map(str, row.folders)),
}
"""What a column holds, by its name; a figure that there is none of is an empty cell."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_text(rows: Sequence[Row]) -> str:
    """One line a row, figures in full; no text in it can become a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_plain(column(row)) for column in COLUMNS.values()] for row in rows)
    return out.getvalue()


def markdown_text(rows: Sequence[Row], changes: Sequence[Change] | None, out: Path, words: Catalogue = ENGLISH) -> str:
    """The rows as a table with links to the reports, then what changed where two sets were compared."""
    titles = (
        *("port", "chip", "verdict", "Top-1 %", "OM", "drop pp (95 %)", "Top-5 drop pp (95 %)", "batch"),
        *("images/s per chip", "per card", "of published", "ms per image", "not judged", "date", "toolkit"),
    )
    lines = [*_heads(titles, words), *(line(_cells(row, out, words)) for row in rows)]
    return "\n".join([*lines, *_changes(changes, words)]) + "\n"


def report_links(row: Row, out: Path) -> list[str]:
    """Relative addresses of a row's reports, as seen from the folder `out`; none of a bundle that does not verify."""
    if not row.holds:
        return []
    reports = [folder / REPORT for folder in row.folders if (folder / REPORT).is_file()]
    return [quote(os.fsencode(os.path.relpath(report.resolve(), out.resolve()))) for report in reports]


def drop_text(drop: Drop) -> str:
    """`+0.012 (-0.030 to +0.055)`, in percentage points."""
    if drop.drop_pp is None or drop.interval_pp is None:
        return NOTHING
    return f"{drop.drop_pp:+.3f} ({drop.interval_pp.low:+.3f} to {drop.interval_pp.high:+.3f})"


def number(value: float | None, digits: int, unit: str = "") -> str:
    """A figure with so many places, or a dash."""
    return NOTHING if value is None else f"{value:,.{digits}f}{unit}"


def _end(drop: Drop, name: str) -> float | None:
    return None if drop.interval_pp is None else float(getattr(drop.interval_pp, name))


def _plain(value: Cell) -> Cell:
    if not isinstance(value, str):
        return "" if value is None else value
    text = one_line(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _cells(row: Row, out: Path, words: Catalogue) -> list[str]:
    links = report_links(row, out)
    word = escaped(row.verdict)
    why = f" {escaped('; '.join(map(words.say, row.why)))}" if row.why else ""
    return [
        escaped(row.port) or NOTHING,
        escaped(words.cell(row.chip)) or NOTHING,
        (f"[{word}]({links[0]})" if links else word) + why,
        number(row.top1.reference_percent, 3),
        number(row.top1.om_percent, 3),
        drop_text(row.top1),
        drop_text(row.top5),
        NOTHING if row.best_batch is None else str(row.best_batch),
        number(row.per_chip, 1) if row.per_chip is not None else escaped(words.say(row.no_rate)) or NOTHING,
        number(row.per_card, 1),
        number(row.share_percent, 1, " %"),
        number(row.ms_per_image, 3),
        escaped(", ".join(row.not_judged)) or NOTHING,
        escaped(row.finished_utc[:10]) or NOTHING,
        escaped(words.head(row.toolkit)) or NOTHING,
    ]


def _changes(changes: Sequence[Change] | None, words: Catalogue) -> list[str]:
    """Everything beyond noise and everything that cannot be said, and how many figures did not move."""
    if changes is None:
        return []
    still = sum(change.direction is Direction.UNCHANGED for change in changes)
    titles = ("port", "figure", "old", "new", "", "change (95 %)")
    told = [change for change in changes if change.direction is not Direction.UNCHANGED]
    cells = [(str(c.place), c.figure, c.old, c.new, str(c.direction), c.detail) for c in told]
    lines = [*_heads(titles, words), *(line(escaped(words.head(cell)) for cell in row) for row in cells)]
    within = words.say(f"{still} figures within noise.")
    return ["", f"### {words.head('Changes')}", "", within, "", *(lines if told else [])]


def _heads(titles: Sequence[str], words: Catalogue) -> list[str]:
    """The first two lines of a table."""
    return [line(escaped(words.head(title)) for title in titles), line("---" for _ in titles)]
