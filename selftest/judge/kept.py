"""A record as the evidence keeps it: written to JSON and read back strictly."""

from __future__ import annotations

import json
from typing import TypeVar

from tools.judge import records, strict_json

T = TypeVar("T")


def kept(record: T) -> T:
    """The record after it was written to JSON and read again."""
    return records.read(type(record), strict_json.parse(json.dumps(records.plain(record)).encode()))
