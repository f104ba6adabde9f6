"""One page over many bundles: which ports run on which chips, and what is proven of them.

    python tools/scorecard.py DIR [DIR …] [--out DIR] [--against OLD …] [--require PORTS.txt --toolkit VERSION]

Bundles are found wherever they lie below DIR, and each is judged again as tools/verify_bundle.py does; jobs that are
parts of one run count as one, and ports of which tools/accept_ports.py got no bundle are rows without figures.
docs/scorecard.md says what stands in which column.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base.cli import EXIT_FAILED, EXIT_OK, Parser, run, say
from tools.base.errors import SuiteError
from tools.base.files import ROOT, atomic, cpu_count
from tools.base.language import catalogue, language
from tools.base.messages import Catalogue
from tools.base.printable import one_line
from tools.catalogue.unanswered import unanswered
from tools.judge.spec import Spec
from tools.report.scorecard.changes import Change, Direction, changes_between
from tools.report.scorecard.found import bundle_folders
from tools.report.scorecard.page import checked, html_text, read_scripts, require_libraries
from tools.report.scorecard.plots import plots
from tools.report.scorecard.release import Listed, held_against, problems, read_list
from tools.report.scorecard.rows import NO_EVIDENCE, Row, earlier_rows, table_rows
from tools.report.scorecard.runs import Runs, judge_all
from tools.report.scorecard.texts import csv_text, markdown_text

OUT = ROOT / "build" / "scorecard"
PAGE, CSV, MARKDOWN = "scorecard.html", "scorecard.csv", "scorecard.md"


def main() -> int:
    """Write the scorecard; status 1 where --require names ports that may not be released."""
    asked = _arguments()
    words = catalogue(language(asked.lang, os.environ))
    if not asked.no_html:
        require_libraries()
    listed = read_list(asked.require) if asked.require else ()
    specs: dict[str, Spec] = {port.spec.port: port.spec for port in listed}
    folders = bundle_folders(asked.folders)
    _require_outside(asked.out, [*folders, *(bundle_folders(asked.against) if asked.against else ())])
    runs = judge_all(folders, specs, asked.jobs)
    if listed:
        _require_toolkit(asked.toolkit, runs)
    old = judge_all(bundle_folders(asked.against), specs, asked.jobs) if asked.against else None
    changes = None if old is None else changes_between(old, runs)
    rows = table_rows(runs, unanswered(asked.folders))
    _write(asked.out, rows, runs, changes, words, page=not asked.no_html)
    wrote = asked.out / (MARKDOWN if asked.no_html else PAGE)
    say(*map(one_line, [*_said(rows, changes), f"wrote {wrote}"]), words=words)
    return _release(listed, runs, asked.toolkit, old, words) if listed else EXIT_OK


def _arguments() -> argparse.Namespace:
    parser = Parser(
        description="Write scorecard.html, .csv and .md over all bundles below some folders.",
        epilog="exit status: 0 written; 1 written, and --require does not hold; 2 bad input, nothing written",
    )
    parser.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="a folder with bundles somewhere below it")
    parser.add_argument("--out", metavar="DIR", type=Path, default=OUT, help="where to write (default build/scorecard)")
    parser.add_argument("--against", metavar="OLD", nargs="+", type=Path, help="folders of an earlier set of bundles")
    parser.add_argument("--require", metavar="FILE", type=Path, help="the ports of a release, one a line")
    parser.add_argument("--toolkit", metavar="VERSION", help="the release of CANN that --require asks for")
    parser.add_argument("--jobs", metavar="N", type=int, default=cpu_count(), help="processes that judge")
    parser.add_argument("--no-html", action="store_true", help="no page, for which this Python may lack the libraries")
    parser.add_argument("--lang", metavar="LANGUAGE", help="of page and table: en or zh (default: that of the locale)")
    asked = parser.parse_args()
    if asked.jobs < 1:
        raise SuiteError("--jobs must be at least 1", measured=asked.jobs)
    if asked.toolkit and not asked.require:
        raise SuiteError("--toolkit is what --require asks for: name the list of ports")
    return asked


def _require_outside(out: Path, bundles: list[Path]) -> None:
    """SuiteError where the scorecard would become a part of evidence, which then holds no more."""
    place = out.resolve()
    inside = next((bundle for bundle in bundles if bundle.resolve() in (place, *place.parents)), None)
    if inside is not None:
        raise SuiteError(
            "--out lies in a bundle, which would not verify any more", where=inside, fix="name another --out"
        )


def _require_toolkit(toolkit: str | None, runs: Runs) -> None:
    if not toolkit:
        raise SuiteError(
            "--require needs --toolkit: bundles of another release of CANN prove nothing for this one",
            measured="none",
            allowed=", ".join(name or "(not said)" for name in runs.toolkits) or "no bundle here is of a device",
        )


def _write(
    out: Path, rows: list[Row], runs: Runs, changes: list[Change] | None, words: Catalogue, *, page: bool
) -> None:
    """The files, each whole or not at all; page and table speak the language of `words`, CSV is for programs."""
    found = {CSV: csv_text(rows), MARKDOWN: markdown_text(rows, changes, out, words)}
    if page:
        drawn = {name: (title, checked(figure)) for name, (title, figure) in plots(runs).items()}
        found[PAGE] = html_text(rows, earlier_rows(runs), changes, drawn, out, read_scripts(), words)
    for name, text in found.items():
        with atomic(out / name) as partial:
            partial.write_text(text, encoding="utf-8")


def _said(rows: list[Row], changes: list[Change] | None) -> list[str]:
    counts = Counter(row.verdict for row in rows)
    lines = [f"{len(rows)} rows: {', '.join(f'{count} {word}' for word, count in sorted(counts.items()))}"]
    lines += [_objection(row) for row in rows if not row.holds]
    if changes is not None:
        moved = Counter(change.direction for change in changes)
        lines.append(f"changes: {', '.join(f'{moved[way]} {way}' for way in Direction)}")
    return lines


def _objection(row: Row) -> str:
    if row.word == NO_EVIDENCE:
        return f"no evidence: {row.port or '(no port)'}: {row.why[0]}"
    return f"not verified: {' '.join(map(str, row.folders))}: {row.why[0]}"


def _release(listed: tuple[Listed, ...], runs: Runs, toolkit: str, old: Runs | None, words: Catalogue) -> int:
    found = problems(listed, runs, toolkit, old)
    compared = "" if old is None else f"; {held_against(listed, runs, toolkit, old)}"
    held = f"{len(listed)} ports, toolkit {one_line(toolkit)}{compared}"
    word = f"RELEASE: REFUSED - {len(found)} problems ({held})" if found else f"RELEASE: HELD ({held})"
    say(*map(one_line, found), word, words=words)
    return EXIT_FAILED if found else EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main))
