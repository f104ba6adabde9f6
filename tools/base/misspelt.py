"""What a name that nobody knows was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like it, empty where none is like it."""
    return next(iter(difflib.get_close_matches(name, sorted(known), 1)), "")
