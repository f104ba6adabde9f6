"""Does a variant reach the accuracy that was published for it? Only the full data set says yes, a part may say no."""

from __future__ import annotations

from tools.judge.accuracy import TopK
from tools.judge.checks import not_judged, not_run, within
from tools.judge.numbers import AtMost, Fact
from tools.judge.results import Check, Verdict


def published_accuracy(
    measured: TopK, published: Fact | None, error: AtMost, *, whose: str, incomplete: str, refuted: str = ""
) -> Check:
    """Compare an accuracy with the published one, `error` percentage points either way.

    `incomplete` says why these are not the images that the figure was published for (empty when they are): the
    comparison would mean nothing then, and the gate is NOT RUN, unless `refuted` says why even so few cannot come
    from that accuracy. Where nobody published `whose` accuracy it is
    NOT JUDGED.
    """
    if published is None:
        return not_judged(f"nobody published {whose} Top-{measured.k}", unit=error.unit)
    if incomplete and refuted:
        return Check(
            measured=abs(measured.percent - published.value),
            threshold=f"<= {error.at_most:.10g}, or what so few images explain",
            unit=error.unit,
            verdict=Verdict.FAIL,
            detail=refuted,
            source=published.source,
        )
    if incomplete:
        return not_run(
            f"Top-{measured.k} {published.value} % was published for another set of images: {incomplete}",
            threshold=f"<= {error.at_most:.10g}",
            unit=error.unit,
            source=published.source,
        )
    return within(
        abs(measured.percent - published.value),
        error,
        detail=refuted
        or f"Top-{measured.k} is {measured.percent:.3f} %, published {published.value} % ({published.source})",
    )
