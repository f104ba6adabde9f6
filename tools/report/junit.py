"""A gate's figures as JUnit properties, so that CI shows what was measured and not only red or green."""

from __future__ import annotations

from tools.judge.results import GateResult


def junit_properties(result: GateResult) -> list[tuple[str, str]]:
    """(name, value) pairs for pytest's record_property: measured, threshold, unit, verdict, headroom if any."""
    check = result.check
    headroom = [] if check.headroom is None else [("headroom", f"{check.headroom:.10g}")]
    measured = f"{check.measured:.10g}" if isinstance(check.measured, float) else check.measured
    return [
        ("measured", measured),
        ("threshold", check.threshold),
        ("unit", check.unit),
        ("verdict", str(check.verdict)),
        *headroom,
    ]
