"""Bounds on an OM's logits for an error so many times as large: cosine distances grow as its square."""

from __future__ import annotations

from dataclasses import replace

from tools.judge.numbers import AtLeast, AtMost, Fact
from tools.judge.spec import Agreement, LogitAgreement

EVERY = 100.0
ERRORS = ("max_abs_error", "slope_error", "mean_error", "column_error", "image_slope_error")


def wider_agreement(asked: Agreement, multiple: float, why: str) -> Agreement:
    """The simulator's and the device's bounds, which keep their own multiple between them; no others."""
    return replace(
        asked,
        om_on_simulator=_wider(asked.om_on_simulator, multiple, why),
        om_on_device=_wider(asked.om_on_device, multiple, why),
    )


def _wider(asked: LogitAgreement, multiple: float, why: str) -> LogitAgreement:
    errors = {name: _at_most(getattr(asked, name), multiple, why) for name in ERRORS}
    changed = _at_most(asked.top5_set_changed_percent, multiple, why)
    least = 1 - min(1.0, (1 - asked.min_cosine.at_least) * multiple**2)
    return replace(
        asked,
        **errors,
        min_cosine=AtLeast(least, asked.min_cosine.unit, _source(multiple**2, asked.min_cosine.source), why),
        mean_cosine_distance=_at_most(asked.mean_cosine_distance, multiple**2, why),
        near_tie_logits=Fact(
            asked.near_tie_logits.value * multiple,
            asked.near_tie_logits.unit,
            _source(multiple, asked.near_tie_logits.source),
            why,
        ),
        top5_set_changed_percent=replace(changed, at_most=min(EVERY, changed.at_most)),
    )


def _at_most(asked: AtMost, times: float, why: str) -> AtMost:
    return AtMost(asked.at_most * times, asked.unit, _source(times, asked.source), why)


def _source(times: float, source: str) -> str:
    return f"{times:g} times the port's own: {source}"
