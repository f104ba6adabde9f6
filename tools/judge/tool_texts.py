"""What vendor tools print when they succeed or fail: the run and the judge of its logs go by the same words."""

from __future__ import annotations

import re

ATC_SUCCESS, ATC_FAILURE = "ATC run success", "ATC run failed"
_ERROR_LINE = re.compile(r"\[ERROR\].*")


def error_lines(text: str) -> tuple[str, ...]:
    """Each `[ERROR] …` of an inference tool's output, also one glued to a progress bar."""
    return tuple(match[0].strip() for line in re.split(r"[\r\n]", text) if (match := _ERROR_LINE.search(line)))
