"""A name that a library does not know is refused with those that it may have been meant for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from tools.base.errors import SuiteError

MOST_SHOWN = 5


def refuse_unknown(where: str, name: str, known: Sequence[str]) -> None:
    """SuiteError unless the name is known; few names are all shown, of many the nearest."""
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=MOST_SHOWN, cutoff=0.5)
    allowed = close or (known if len(known) <= MOST_SHOWN else ())
    raise SuiteError(f"{where} has no {name}", fix=f"did you mean {', '.join(allowed)}?" if allowed else None)
