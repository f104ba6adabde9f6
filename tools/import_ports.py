"""Ports of a model zoo's table: `python tools/import_ports.py TABLE.csv [--write FOLDER] [--catalogue PAGE]`.

Rows of networks that torchvision or timm can build become port files, as tools/new_port.py drafts them, with the
figures that apply to them. A figure that cannot be, or that belongs to something else, is refused with its reason.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base.cli import EXIT_OK, Parser, run, say
from tools.base.files import atomic
from tools.model.library.new_port import write_port
from tools.model.library.published_ports import Imported, exported_as, imported, port_file
from tools.ports.catalogue import catalogue
from tools.ports.published_slips import Refusal
from tools.ports.published_table import Row, read_table
from tools.ports.spec import PORTS, PUBLISHED_SPEC, load_spec


def main() -> int:
    """Print what would be written, or write it."""
    arguments = _arguments()
    table = read_table(arguments.table)
    ports, refused = imported(table, load_spec(PUBLISHED_SPEC))
    chosen = [found for found in ports if not arguments.only or found.stated.name in arguments.only]
    for found in chosen:
        if arguments.write is not None:
            out = port_file(arguments.write, found).absolute()
            write_port(exported_as(found.stated, out), out)
        _say(found)
    if arguments.catalogue is not None:
        left_out = {found.stated.name: found.refused for found in ports}
        with atomic(arguments.catalogue) as partial:
            partial.write_text(catalogue(table, left_out, refused), encoding="utf-8")
    if not arguments.only:
        _say_rest([row for row in table.rows if row["no_port"]], refused)
    return EXIT_OK


def _arguments() -> argparse.Namespace:
    parser = Parser(description="Write ports of the rows of a model zoo's table, with the figures that apply to them.")
    parser.add_argument("table", type=Path, help="a CSV file; docs/ports.md says what its columns hold")
    parser.add_argument(
        "--write", type=Path, metavar="FOLDER", help=f"write the ports, the suite's own into {PORTS.name}/"
    )
    parser.add_argument("--catalogue", type=Path, metavar="PAGE", help="write the page of all ports of the suite")
    parser.add_argument("--only", nargs="+", metavar="PORT", help="these ports alone")
    return parser.parse_args()


def _say(found: Imported) -> None:
    published = found.stated.publication
    assert published is not None  # every imported port has one
    figures = sum(chip.figures for chip in published.chips)
    names = ", ".join(row.name for row in found.rows)
    say(f"{found.stated.name}: {found.stated.source}, {figures} figures of {names}")
    for refusal in found.refused:
        say(f"  left out: {refusal.line}")


def _say_rest(rows: list[Row], refused: tuple[Refusal, ...]) -> None:
    for row in rows:
        say(f"no port: {row.name}: {row['no_port']}")
    for refusal in refused:
        say(f"  refused: {refusal.line}")


if __name__ == "__main__":
    sys.exit(run(main))
