"""The JSON Schema of acceptance.json, made from its records: `python tools/evidence_schema.py`."""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import msgspec

from tools.base.cli import EXIT_OK, Parser, run
from tools.base.files import ROOT, atomic
from tools.judge.acceptance import Acceptance

SCHEMA_FILE = ROOT / "docs" / "acceptance.schema.json"


def main() -> int:
    """Write the schema."""
    parser = Parser(description="Write docs/acceptance.schema.json anew after a change of tools/judge/acceptance.py.")
    parser.parse_args()
    with atomic(SCHEMA_FILE) as partial:
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Acceptance)), indent=1) + b"\n")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main))
