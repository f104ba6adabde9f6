"""A pytest plugin: the seconds of each passed test, set-up included, as JSON in the file SELFTEST_DURATIONS."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

_seconds: defaultdict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the phases of a test that passes."""
    if report.passed:
        _seconds[report.nodeid] += report.duration


def pytest_sessionfinish() -> None:
    """Write them."""
    Path(os.environ["SELFTEST_DURATIONS"]).write_text(json.dumps(_seconds), encoding="utf-8")
