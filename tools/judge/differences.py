"""Where two documents differ: what was recorded, and what the judge finds."""

from __future__ import annotations

from typing import Any

from tools.judge.files import short

RELATIVE, ABSOLUTE = 1e-9, 1e-12  # how far a recorded figure may lie from ours: the formulas are the same


def close(recorded: object, ours: object) -> bool:
    """Equal, for numbers up to the last digits: another processor's library may round another way."""
    if isinstance(recorded, bool) or isinstance(ours, bool):
        return recorded is ours
    if isinstance(recorded, (int, float)) and isinstance(ours, (int, float)):
        if recorded == ours:
            return True
        return abs(recorded - ours) <= max(RELATIVE * max(abs(recorded), abs(ours)), ABSOLUTE)
    return recorded == ours


def differences(recorded: Any, ours: Any, where: str) -> list[str]:  # noqa: ANN401 - any JSON
    """Where two documents differ, a line each, named as `acceptance.json.variants[0].accuracy[1].percent`."""
    if isinstance(recorded, dict) and isinstance(ours, dict) and recorded.keys() == ours.keys():
        return [line for name in ours for line in differences(recorded[name], ours[name], f"{where}.{name}")]
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        pairs = enumerate(zip(recorded, ours))
        return [line for index, (a, b) in pairs for line in differences(a, b, f"{where}[{index}]")]
    return [] if close(recorded, ours) else [f"{where}: {short(recorded)} recorded, {short(ours)} recomputed"]
