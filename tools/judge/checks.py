"""The comparisons gates are made of: a measured value against a bound of the spec, or two sides of a hand-over."""

from __future__ import annotations

import math
from dataclasses import replace

from tools.judge.handover import Handover, first_few
from tools.judge.numbers import AtLeast, AtMost, Bound, Exactly
from tools.judge.results import Check, Verdict

MADE = "made without an error"
"""The threshold of a gate that asks for a product and no number."""


def within(measured: float, bound: Bound, *, detail: str = "") -> Check:
    """Compare a number with its bound; NaN and infinities fail every bound because no comparison with them is true."""
    if isinstance(bound, AtMost):
        threshold, headroom = f"<= {bound.at_most:.10g}", bound.at_most - measured
    elif isinstance(bound, AtLeast):
        threshold, headroom = f">= {bound.at_least:.10g}", measured - bound.at_least
    else:
        threshold, headroom = f"== {bound.exactly:.10g}", -abs(measured - bound.exactly)
    passed = math.isfinite(measured) and headroom >= 0
    return Check(
        measured=measured if math.isfinite(measured) else str(measured),
        threshold=threshold,
        unit=bound.unit,
        verdict=Verdict.PASS if passed else Verdict.FAIL,
        headroom=headroom if math.isfinite(headroom) else None,
        detail="" if passed else detail,
        source=bound.source,
    )


def same(measured: str, expected: str, *, unit: str, source: str) -> Check:
    """Two texts (a digest, a name and shape) must be identical."""
    verdict = Verdict.PASS if measured == expected else Verdict.FAIL
    return Check(measured=measured, threshold=f"== {expected}", unit=unit, verdict=verdict, source=source)


def none_of(offenders: tuple[str, ...], *, among: int, unit: str, source: str) -> Check:
    """No offender may be found among `among` things looked at; having looked at nothing is a failure too."""
    passed = not offenders and among > 0
    return Check(
        measured=f"{len(offenders)} of {among}",
        threshold="== 0" if among else "== 0, of at least 1",
        unit=unit,
        verdict=Verdict.PASS if passed else Verdict.FAIL,
        detail=first_few(offenders) if among else "nothing was looked at",
        source=source,
    )


def conserved(handover: Handover) -> Check:
    """The ids on both sides of a hand-over must be the same set, each id once, at least one."""
    return Check(
        measured=f"{handover.expected} ids" if handover.conserved else str(handover),
        threshold="the same ids",
        unit="ids",
        verdict=Verdict.PASS if handover.conserved else Verdict.FAIL,
        detail="" if handover.conserved else str(handover),
        source=f"every id of {handover.giver} must be in {handover.taker}, once, and no other",
    )


def not_run(reason: str, *, threshold: str, unit: str, source: str = "") -> Check:
    """A gate that this run cannot decide, with the reason; it stays missing."""
    return Check(measured="-", threshold=threshold, unit=unit, verdict=Verdict.NOT_RUN, detail=reason, source=source)


def not_judged(reason: str, *, unit: str, source: str = "") -> Check:
    """A gate that asks for nothing because nobody has stated what it could hold the measured value against."""
    return Check(measured="-", threshold="-", unit=unit, verdict=Verdict.NOT_JUDGED, detail=reason, source=source)


def made(what: str, *, failed: bool = False) -> Check:
    """A step's own gate: its product exists, or the step died with the error in `what`."""
    return Check(
        measured="failed" if failed else what,
        threshold=MADE,
        unit="step",
        verdict=Verdict.FAIL if failed else Verdict.PASS,
        detail=what if failed else "",
    )


def complete(gap: str, images: Exactly, *, required: bool) -> Check:
    """The data set is the one that the spec asks for; with a `gap` the gate fails if `required`, else stays missing."""
    if gap and required:
        return Check(
            measured="another data set",
            threshold=f"== {images.exactly:g}",
            unit=images.unit,
            verdict=Verdict.FAIL,
            detail=gap,
            source=images.source,
        )
    if gap:
        return not_run(gap, threshold=f"== {images.exactly:g}", unit=images.unit, source=images.source)
    return within(images.exactly, images)


def pinned(measured: str, stated: str | None, *, gap: str, source: str) -> Check:
    """A digest is the one that the port pins; with a `gap` (other images, a part of them) the question stays open."""
    if gap or stated is None:
        return not_run(gap or "no digest is pinned", threshold="the pinned digest", unit="sha256")
    check = same(measured, stated, unit="sha256", source=source)
    return check if check.passed else replace(check, detail="names are the port's, the content is another one")
