"""What a port comes to in the end, and where each value was read: `python tools/show_port.py [NAME-or-FILE]`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base.cli import EXIT_OK, Parser, run
from tools.ports.arguments import HELP, default_port
from tools.ports.consequences import consequences
from tools.ports.overview import overview
from tools.ports.show import shown
from tools.ports.spec import load_port, port_path
from tools.ports.spec_json import spec_json


def main() -> int:
    """Print one port, or the names of all."""
    parser = Parser(description="Print a port as it is judged by, each value with its file and line.")
    parser.add_argument("port", nargs="?", default=default_port(), help=HELP)
    parser.add_argument("--json", action="store_true", help="print it as evidence bundles carry it, without origins")
    parser.add_argument("--list", action="store_true", help="print the suite's ports and what was published for them")
    arguments = parser.parse_args()
    if arguments.list:
        print(overview())
        return EXIT_OK
    port = load_port(port_path(arguments.port))
    if arguments.json:
        print(spec_json(port.spec).decode(), end="")  # byte for byte, so that its digest is the port's
        return EXIT_OK
    width = shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else None
    print(shown(port, width), "", *consequences(port.spec), sep="\n")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main))
