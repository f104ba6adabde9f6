"""What vendor tools print when they succeed or fail: the run and the judge of its logs go by the same words."""

from __future__ import annotations

import re

ATC_SUCCESS, ATC_FAILURE = "ATC run success", "ATC run failed"
_ERROR_LINE = re.compile(r"\[ERROR\].*")
_OF_A_LIBRARY = re.compile(r"\[(?:DEBUG|INFO|WARNING|ERROR|EVENT|TRACE)\]\s*\w{1,40}\(\d{1,10},[^)]{0,80}\):")
"""How CANN's libraries begin a line of their own log, which ASCEND_SLOG_PRINT_TO_STDOUT=1 mixes into every output."""
_CODED = re.compile(r"\bE[A-Z]?[0-9][0-9A-Z]{3,4}\b")


def error_lines(text: str) -> tuple[str, ...]:
    """Each `[ERROR] …` of an inference tool's output, also one glued to a progress bar; a library's own are none."""
    found = (_ERROR_LINE.search(line) for line in re.split(r"[\r\n]", text))
    return tuple(match[0].strip() for match in found if match and not _OF_A_LIBRARY.match(match[0]))


def is_error(line: str) -> bool:
    """Whether a line tells an error, by its mark or by a code: two that differ in digits alone are two."""
    return bool(error_lines(line) or _CODED.search(line))
