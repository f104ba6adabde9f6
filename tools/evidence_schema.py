"""The JSON Schema of acceptance.json, made from its records: `python tools/evidence_schema.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require(oldest=(3, 8))

from tools.base.cli import EXIT_OK, Parser, run
from tools.base.files import ROOT, atomic
from tools.evidence.json_schema import json_schema
from tools.judge.acceptance import SCHEMA, Acceptance

SCHEMA_FILE = ROOT / "docs" / "acceptance.schema.json"


def acceptance_schema() -> bytes:
    """The schema file's content."""
    document = json_schema(Acceptance)
    document["$defs"][Acceptance.__name__]["properties"]["schema"] = {"const": SCHEMA}
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def main() -> int:
    """Write the schema."""
    parser = Parser(description="Write docs/acceptance.schema.json anew after a change of the records in tools/judge.")
    parser.parse_args()
    with atomic(SCHEMA_FILE) as partial:
        partial.write_bytes(acceptance_schema())
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main))
