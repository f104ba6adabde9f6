"""acceptance.json in a folder of evidence: written whole, read strictly."""

from __future__ import annotations

import json
from pathlib import Path

from tools.base.files import atomic
from tools.judge import records, strict_json
from tools.judge.acceptance import Acceptance
from tools.judge.layout import FILE


def write_acceptance(folder: Path, acceptance: Acceptance) -> Path:
    """Write `acceptance.json` into the evidence folder, whole or not at all."""
    path = folder / FILE
    with atomic(path) as partial:
        partial.write_text(json.dumps(records.plain(acceptance), indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def read_acceptance(folder: Path) -> Acceptance:
    """Read what write_acceptance wrote; RecordError or ValueError when it is something else."""
    return records.read(Acceptance, strict_json.parse((folder / FILE).read_bytes()))
