"""A spec as JSON, for readers without a YAML parser."""

from __future__ import annotations

import json

from tools.judge import records
from tools.judge.spec import Spec


def spec_json(spec: Spec) -> bytes:
    """The spec as it was understood, every number typed, in the order of its fields."""
    return json.dumps(records.plain(spec), indent=1, ensure_ascii=False).encode()
