"""What changed between two sets of bundles, beyond noise, in both directions: by the judge's own statistics.

Accuracy is compared on the same images, OM against OM, by the paired interval that a drop is judged by; throughput by
the intervals of the true rates that a floor is judged by. Nothing here is a verdict over a port.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from tools.base.text_enum import TextEnum
from tools.judge.bundle import Bundle, open_files, read_bundle
from tools.judge.ids import Variant
from tools.judge.paired import loss_interval_pp
from tools.judge.predictions import pair
from tools.judge.results import Word
from tools.judge.verify import GOOD_WORDS
from tools.report.scorecard.figures import Rate
from tools.report.scorecard.reading import Place, Reading
from tools.report.scorecard.runs import Runs

NO_GOOD_WORD = (Word.REJECTED, Word.INCOMPLETE)
"""Of these none is better than the other: what failed may be what the other run did not come to."""


class Direction(TextEnum):
    """Where a figure went; UNCHANGED is all that noise explains."""

    BETTER = "BETTER"
    WORSE = "WORSE"
    UNCHANGED = "UNCHANGED"
    NOT_COMPARED = "NOT COMPARED"


@dataclass(frozen=True)
class Change:
    """One figure in two runs of a place: `old` and `new` in words, what they differ by with its 95 % interval.

    `detail` gives the difference, or says why nothing can be said.
    """

    place: Place
    figure: str
    old: str
    new: str
    direction: Direction
    detail: str


def changes_between(old: Runs, new: Runs) -> list[Change]:
    """Every figure of the newest runs of both sets; a place that one set lacks, or bundles that do not verify, too."""
    before, now = old.newest, new.newest
    found: list[Change] = []
    for place in sorted({*before, *now}):
        if place in before and place in now:
            found += _between(before[place], now[place])
        else:
            side = "new" if place in now else "old"
            found.append(_silent(place, "run", f"only in the {side} set"))
    refused = [(reading, side) for runs, side in ((old, "old"), (new, "new")) for reading in runs.refused]
    return found + [_silent(reading.place, "run", f"the {side} set's does not verify") for reading, side in refused]


def _silent(place: Place, figure: str, why: str) -> Change:
    return Change(place, figure, "", "", Direction.NOT_COMPARED, why)


def _between(old: Reading, new: Reading) -> list[Change]:
    return [*_verdict(old, new), *_accuracy(old, new), *_throughput(old, new)]


def _verdict(old: Reading, new: Reading) -> Iterator[Change]:
    assert old.verdict is not None
    assert new.verdict is not None
    if old.verdict.banner == new.verdict.banner:
        return
    before, now = _rank(old.verdict.word), _rank(new.verdict.word)
    moved = Direction.WORSE if now < before else Direction.BETTER
    direction = Direction.NOT_COMPARED if now == before else moved
    detail = "neither word is the better one" if now == before else ""
    yield Change(new.place, "verdict", old.verdict.banner, new.verdict.banner, direction, detail)


def _rank(word: Word) -> int:
    """0 for what is no good word, more for a stronger one."""
    return 0 if word in NO_GOOD_WORD else 1 + GOOD_WORDS.index(word)


def _accuracy(old: Reading, new: Reading) -> list[Change]:
    before, now = _with_predictions(old), _with_predictions(new)
    if before is None or now is None:
        return [_silent(new.place, "accuracy", "an OM's predictions are in one set only")] if before or now else []
    why = _not_the_same(before, now)
    if why:
        return [_silent(new.place, "accuracy", why)]
    variants = [variant for variant in before.variants if variant.batch and variant in now.variants]
    found = [change for variant in variants for change in _paired(new.place, before, now, variant)]
    return list(_folded(found))


def _with_predictions(reading: Reading) -> Bundle | None:
    """The bundle of a run that holds the predictions of OMs."""
    bundles = (read_bundle(str(folder), open_files(folder)) for folder in reading.folders)
    return next((bundle for bundle in bundles if any(variant.batch for variant in bundle.variants)), None)


def _not_the_same(old: Bundle, new: Bundle) -> str:
    """Why the two did not predict the same images with the same weights, empty where they did."""
    weights = [bundle.digests.get("checkpoint") for bundle in (old, new)]
    if weights[0] is None or weights[1] is None or old.record.dataset is None or new.record.dataset is None:
        return "checkpoint or images are not recorded"
    if weights[0].sha256 != weights[1].sha256:
        return "another checkpoint"
    before, now = old.dataset(), new.dataset()
    same = old.ids == new.ids and before.images_sha256 == now.images_sha256 and list(old.labels) == list(new.labels)
    return "" if same else "other images or labels"


def _paired(place: Place, old: Bundle, new: Bundle, variant: Variant) -> Iterator[tuple[Change, int]]:
    """Top-1 and Top-5 of an OM in both runs, with its batch size."""
    before, now = old.top_five(variant), new.top_five(variant)
    for k in (1, 5):
        table = pair(before, now, k)
        interval = loss_interval_pp(table)
        direction = Direction.WORSE if interval.low > 0 else Direction.BETTER if interval.high < 0 else None
        gain = f"{-table.drop_pp:+.3f} pp ({-interval.high:+.3f} to {-interval.low:+.3f})"
        old_share, new_share = (f"{top.top_k(k).percent:.3f} %" for top in (before, now))
        detail = f"{gain}, {table.lost} images lost and {table.gained} gained"
        batch = variant.batch or 0
        yield Change(place, f"OM Top-{k}", old_share, new_share, direction or Direction.UNCHANGED, detail), batch


def _folded(changes: Sequence[tuple[Change, int]]) -> Iterator[Change]:
    """Batch sizes that say the same as one change."""

    def said(entry: tuple[Change, int]) -> tuple[str, str, str, str]:
        change = entry[0]
        return change.figure, change.old, change.new, change.detail

    for _, group in groupby(sorted(changes, key=said), key=said):
        alike = list(group)
        change, batches = alike[0][0], sorted(batch for _, batch in alike)
        name = f"{change.figure}, bs {' '.join(map(str, batches))}"
        yield Change(change.place, name, change.old, change.new, change.direction, change.detail)


def _throughput(old: Reading, new: Reading) -> Iterator[Change]:
    """The batch sizes of both runs; the simulator's have none."""
    before, now = ({rate.batch: rate for rate in _rates(reading)} for reading in (old, new))
    for batch in sorted({*before, *now}):
        figure = f"images/s per chip, bs {batch}"
        if batch in before and batch in now:
            yield _rate_change(new.place, figure, before[batch], now[batch])
        else:
            yield _silent(new.place, figure, f"only in the {'new' if batch in now else 'old'} set")


def _rates(reading: Reading) -> tuple[Rate, ...]:
    return () if reading.figures is None else reading.figures.rates


def _rate_change(place: Place, figure: str, old: Rate, new: Rate) -> Change:
    """Beyond noise are two rates of which the intervals of the true rates do not overlap."""
    doubt = old.doubt or new.doubt
    before, now = old.interval, new.interval
    if doubt or before is None or now is None:
        return _silent(place, figure, doubt)
    if old.mode != new.mode:
        return _silent(place, figure, f"measured otherwise: {old.mode} and {new.mode}")
    direction = Direction.WORSE if now.high < before.low else Direction.UNCHANGED
    direction = Direction.BETTER if now.low > before.high else direction
    percent, least, most = (
        100 * (ratio - 1) for ratio in (new.per_chip / old.per_chip, now.low / before.high, now.high / before.low)
    )
    old_rate, new_rate = (f"{rate.per_chip:,.1f}" for rate in (old, new))
    return Change(place, figure, old_rate, new_rate, direction, f"{percent:+.2f} % ({least:+.2f} to {most:+.2f})")
