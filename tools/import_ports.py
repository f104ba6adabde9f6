"""Ports of a model zoo's table: `python tools/import_ports.py TABLE.csv [--write FOLDER] [--catalogue PAGE]`.

Rows of networks that torchvision or timm can build become port files, as tools/new_port.py drafts them, with the
figures that apply to them. A figure that cannot be, or that belongs to something else, is refused with its reason.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base.cli import EXIT_OK, Parser, run, say
from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.model.library.new_port import write_port
from tools.model.library.published_ports import Imported, exported_as, imported, port_file
from tools.ports.catalogue import catalogue
from tools.ports.draft import draft
from tools.ports.published_slips import Refusal
from tools.ports.published_table import Row, read_table
from tools.ports.spec import PORTS, PUBLISHED_SPEC, load_spec
from tools.ports.stated import Stated


def main() -> int:
    """Print what would be written, or write it."""
    arguments = _arguments()
    table = read_table(arguments.table)
    ports, refused = imported(table, load_spec(PUBLISHED_SPEC))
    chosen = _chosen(ports, arguments.only)
    written = {} if arguments.write is None else _written(chosen, arguments.write, force=arguments.force)
    for found in chosen:
        _say(found, written.get(found.stated.name, ""))
    if arguments.catalogue is not None:
        left_out = {found.stated.name: found.refused for found in ports}
        with atomic(arguments.catalogue) as partial:
            partial.write_text(catalogue(table, left_out, refused), encoding="utf-8")
    if not arguments.only:
        _say_rest([row for row in table.rows if row["no_port"]], refused)
    return EXIT_OK


def _chosen(ports: Sequence[Imported], only: Sequence[str] | None) -> list[Imported]:
    """The ports that were asked for, all where none was; SuiteError for one that the table does not give."""
    names = [found.stated.name for found in ports]
    unknown = [name for name in only or () if name not in names]
    if unknown:
        raise SuiteError("the table gives no such port", measured=", ".join(unknown), allowed=", ".join(names))
    return [found for found in ports if not only or found.stated.name in only]


def _written(ports: Sequence[Imported], folder: Path, *, force: bool) -> dict[str, str]:
    """Write the ports, and say of each by its name what became of its file; SuiteError, before anything is written,
    where what somebody may have put into a file (a pinned digest, floors of their own) would be lost."""
    places = {found.stated.name: port_file(folder, found).absolute() for found in ports}
    there = [found.stated for found in ports if places[found.stated.name].is_file()]
    same = {stated.name: _says(stated, places[stated.name]) for stated in there}
    others = [name for name, so in same.items() if not so]
    if others and not force:
        fix = "--force overwrites them; --only names others; or write into another folder and compare"
        raise SuiteError("ports that are there say something else", where=folder, measured=", ".join(others), fix=fix)
    for stated in (found.stated for found in ports if not same.get(found.stated.name)):
        write_port(exported_as(stated, places[stated.name]), places[stated.name])
    return {name: {None: "written", True: "unchanged", False: "overwritten"}[same.get(name)] for name in places}


def _says(stated: Stated, path: Path) -> bool:
    """Whether the file is what would be written."""
    return path.read_bytes() == draft(exported_as(stated, path)).encode()


def _arguments() -> argparse.Namespace:
    parser = Parser(description="Write ports of the rows of a model zoo's table, with the figures that apply to them.")
    parser.add_argument("table", type=Path, help="a CSV file; docs/ports.md says what its columns hold")
    parser.add_argument(
        "--write", type=Path, metavar="FOLDER", help=f"write the ports, the suite's own into {PORTS.name}/"
    )
    parser.add_argument("--force", action="store_true", help="overwrite ports that say something else")
    parser.add_argument("--catalogue", type=Path, metavar="PAGE", help="write the page of all ports of the suite")
    parser.add_argument("--only", nargs="+", metavar="PORT", help="these ports alone")
    return parser.parse_args()


def _say(found: Imported, written: str) -> None:
    published = found.stated.publication
    assert published is not None  # every imported port has one
    figures = sum(chip.figures for chip in published.chips)
    names = ", ".join(row.name for row in found.rows)
    said = f"{found.stated.name}: {found.stated.source}, {figures} figures of {names}"
    say(f"{said}; {written}" if written else said)
    for refusal in found.refused:
        say(f"  left out: {refusal.line}")


def _say_rest(rows: list[Row], refused: tuple[Refusal, ...]) -> None:
    for row in rows:
        say(f"no port: {row.name}: {row['no_port']}")
    for refusal in refused:
        say(f"  refused: {refusal.line}")


if __name__ == "__main__":
    sys.exit(run(main))
