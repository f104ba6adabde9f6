"""A spec as JSON, for readers without a YAML parser: `python tools/spec_json.py SPEC.yaml OUT.json`."""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools.base.cli import EXIT_OK, Parser, run
from tools.base.files import atomic
from tools.ports.spec import load_spec
from tools.ports.spec_json import spec_json


def main() -> int:
    """Convert one file."""
    parser = Parser(
        description="Write a spec as JSON, as evidence bundles carry it and verify_bundle.py --spec reads it."
    )
    parser.add_argument("spec", type=Path, help="a spec such as thresholds.yaml")
    parser.add_argument("out", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    with atomic(arguments.out) as partial:
        partial.write_bytes(spec_json(load_spec(arguments.spec)))
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main))
