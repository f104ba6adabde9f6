"""JSON, read strictly: what readers disagree on is refused."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

LARGEST_WHOLE = (1 << 63) - 1


def parse(content: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The document; ValueError for a key given twice, NaN and infinities, numbers that no double or 64-bit integer
    holds, half a surrogate pair, nesting beyond what Python reads, and whatever is no JSON."""
    try:
        document = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_int=_whole_in_range,
            parse_float=_finite,
        )
        if re.search(rb"\\u[dD][89a-fA-F]", content):
            json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"key {name[:60]!r} stands there twice")
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _whole_in_range(text: str) -> int:
    # 3.8 has no limit of digits of its own; a number of 20 is out of range in any case
    value = int(text) if len(text) <= 20 else LARGEST_WHOLE + 1
    if not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        raise ValueError(f"{text[:40]} is too large for a whole number")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large for a number")
    return value
