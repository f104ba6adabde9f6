"""Is the port as accurate as its checkpoint? Paired on the same images: plain gate, non-inferiority, tight bound."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.base.errors import SuiteError
from tools.base.text_enum import TextEnum
from tools.judge.numbers import AtMost
from tools.judge.paired import (
    CONFIDENCE,
    Interval,
    PairedTable,
    images_needed,
    loss_interval_pp,
    mcnemar_p,
    wilson_percent,
)
from tools.judge.results import Check, Verdict

PLACES = 5


@dataclass(frozen=True)
class TopK:
    """Top-k accuracy of one model variant with Wilson's interval."""

    k: int
    right: int
    images: int
    percent: float
    interval_percent: Interval


class TightBound(TextEnum):
    """Where the loss stands against the tight bound (default 0.1 pp), which the margin of 1 pp would hide."""

    HELD = "HELD"
    EXCEEDED = "EXCEEDED"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True)
class Loss:
    """The loss of a candidate against the pth at one k, with all that its verdict rests on.

    `warning` is not empty exactly when the tight bound is exceeded, whatever the verdict; `images_needed` is None
    where the upper limit is below the bound already or where no number of images can prove it at the drop observed.
    """

    k: int
    table: PairedTable
    pth: TopK
    candidate: TopK
    drop_pp: float
    interval_pp: Interval
    mcnemar_p: float
    tight: TightBound
    images_needed: int | None
    warning: str
    check: Check


def top_k_of(right: int, images: int, k: int) -> TopK:
    """Top-k accuracy from a count; SuiteError for no images."""
    if images < 1:
        raise SuiteError(f"no images to take Top-{k} over")
    return TopK(
        k=k,
        right=right,
        images=images,
        percent=100 * right / images,
        interval_percent=wilson_percent(right, images),
    )


def judge_loss(table: PairedTable, *, k: int, margin: AtMost, tight: AtMost, strict: bool) -> Loss:
    """The verdict over one 2x2 table.

    FAIL when the measured drop exceeds `margin`. PASS when it does not and the upper limit of the 95 % interval of the
    loss lies below `margin` (non-inferiority). INCONCLUSIVE in between: too few images. The tight bound is EXCEEDED
    when the measured drop exceeds it and the lower limit is above 0 (the loss is no chance finding), HELD when the
    upper limit lies below it, else UNDECIDED. `strict` makes it a gate of its own: EXCEEDED is FAIL and UNDECIDED
    INCONCLUSIVE. Where the checkpoint is right on so few images that a candidate right on none would not FAIL, nothing
    passes either: INCONCLUSIVE. ValueError unless 0 <= tight <= margin.
    """
    if not 0 <= tight.at_most <= margin.at_most:
        raise ValueError(f"tight bound {tight.at_most} must lie in 0..{margin.at_most}, the margin")
    interval = loss_interval_pp(table)
    state = _tight_state(table.drop_pp, interval, tight.at_most)
    needed_for = tight.at_most if strict else margin.at_most
    needed = None if interval.high < needed_for else images_needed(table, needed_for)
    return Loss(
        k=k,
        table=table,
        pth=top_k_of(table.both_right + table.lost, table.images, k),
        candidate=top_k_of(table.both_right + table.gained, table.images, k),
        drop_pp=table.drop_pp,
        interval_pp=interval,
        mcnemar_p=mcnemar_p(table),
        tight=state,
        images_needed=needed,
        warning=_warning(table, k, tight) if state is TightBound.EXCEEDED else "",
        check=_check(table, interval, state, margin, tight, strict, needed),
    )


def doubted(loss: Loss, doubt: str) -> Loss:
    """The loss beside a reference that `doubt` speaks against: nothing is proven where nothing could be lost."""
    if not doubt or loss.check.verdict is Verdict.FAIL:
        return loss
    detail = f"the checkpoint is no reference on these images, so that a drop means nothing: {doubt}"
    return replace(loss, check=replace(loss.check, verdict=Verdict.INCONCLUSIVE, detail=detail))


def _tight_state(drop_pp: float, interval: Interval, bound_pp: float) -> TightBound:
    if interval.high < bound_pp:
        return TightBound.HELD
    return TightBound.EXCEEDED if drop_pp > bound_pp and interval.low > 0 else TightBound.UNDECIDED


def _verdict(drop_pp: float, interval: Interval, state: TightBound, margin_pp: float, strict: bool) -> Verdict:
    if drop_pp > margin_pp or (strict and state is TightBound.EXCEEDED):
        return Verdict.FAIL
    proven = interval.high < margin_pp and (not strict or state is TightBound.HELD)
    return Verdict.PASS if proven else Verdict.INCONCLUSIVE


def _check(
    table: PairedTable,
    interval: Interval,
    state: TightBound,
    margin: AtMost,
    tight: AtMost,
    strict: bool,
    needed: int | None,
) -> Check:
    verdict = _verdict(table.drop_pp, interval, state, margin.at_most, strict)
    nothing_to_lose = verdict is Verdict.PASS and not _could_fail(table, margin, tight, strict)
    verdict = Verdict.INCONCLUSIVE if nothing_to_lose else verdict
    bound = tight if strict else margin
    threshold = f"<= {margin.at_most:.10g}, upper {100 * CONFIDENCE:g} % limit < {bound.at_most:.10g}"
    return Check(
        measured=table.drop_pp,
        threshold=threshold + (" (strict)" if strict else ""),
        unit=margin.unit,
        verdict=verdict,
        headroom=bound.at_most - interval.high,
        detail=_too_few_right(table) if nothing_to_lose else _detail(table, interval, verdict, needed),
        source=f"{bound.source}; interval: Tango 1998 with continuity correction",
    )


def _could_fail(table: PairedTable, margin: AtMost, tight: AtMost, strict: bool) -> bool:
    """Whether a candidate that loses every image which the checkpoint gets right would be told by this gate."""
    right = table.both_right + table.lost
    none_right = PairedTable(both_right=0, lost=right, gained=0, both_wrong=table.images - right)
    interval = loss_interval_pp(none_right)
    state = _tight_state(none_right.drop_pp, interval, tight.at_most)
    return _verdict(none_right.drop_pp, interval, state, margin.at_most, strict) is Verdict.FAIL


def _too_few_right(table: PairedTable) -> str:
    right = table.both_right + table.lost
    return (
        f"the checkpoint is right on {right} of {table.images} images: a model that is right on none would lose "
        f"{100 * right / table.images:.3f} pp, which the bound allows, so that nothing could fail here; judge images "
        "that the checkpoint classifies"
    )


def _detail(table: PairedTable, interval: Interval, verdict: Verdict, needed: int | None) -> str:
    if verdict is Verdict.PASS:
        return ""
    seen = (
        f"{table.lost} lost and {table.gained} gained of {table.images} images, "
        f"loss {table.drop_pp:.3f} pp, 95 % interval {interval.low:.3f} to {interval.high:.3f} pp"
    )
    if verdict is Verdict.FAIL:
        return seen
    if needed is None:
        return f"{seen}: the loss seen is not below the bound, so more images alone will not prove it"
    return f"{seen}: about {needed} images are needed to prove the bound if loss and discordance stay as seen"


def _warning(table: PairedTable, k: int, tight: AtMost) -> str:
    return (
        f"Top-{k} loss of {table.drop_pp:.3f} pp exceeds the tight bound of {tight.at_most:.10g} pp "
        f"and is no chance finding (McNemar p {mcnemar_p(table):.2g}, {table.lost} lost, {table.gained} gained)"
    )
