"""Published figures that cannot be: each rule looks at the numbers alone, and says what it measured and what may be.

A refused figure goes into no port. That a figure is not refused says only that no rule found it impossible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.ports.published_table import CHIPS, Figure, Row

PROPORTIONAL = 0.1
"""Images per second per image of batch within this of each other, where published ones lie 0.3 and more apart: a batch
that takes as long whatever its size is not computed, or its size was multiplied in afterwards."""
SPAN = 8
"""How many times the smallest batch the largest must be before such a shape says anything."""
LEAST_PERCENT = 0.3
"""Percent of a chip's fp16 peak that the best figure of a cell reaches at least: published classifiers reach 0.7 and
more. A time in milliseconds, batches per second, or a batch size in the figure's place lies far below."""
FALL = 4.0
"""How far images per second may fall below the best: published classifiers lose up to 2.3 times by cache and memory at
large batches; batches per second printed as images fall 15 times and more."""
DIP = 2.0
"""A figure this many times below (or above) both its neighbours was measured or typed wrongly."""
SAME_DIGITS = 4
"""So many digits do not agree by chance among the few figures of a row..."""
SAME_DIGITS_NEARBY = 5
"""...nor so many at the next batch size, where a network that is saturated gains 1 %, or at one batch size of all
rows..."""
SAME_DIGITS_ANYWHERE = 6
"""...nor so many among the few hundred figures of a chip."""
PRODUCT = 5e-4
"""Rounding of a printed product, relative."""
CARD_CHIPS = 4
"""Chips of a card whose figure is printed beside one chip's (Ascend310)."""
FASTER = 2.0
"""How many times a chip of 70 TFLOPS is at least as fast as one of 11: 2.9 to 34 times in 149 published pairs. A card's
figure in the place of a chip's makes it a quarter of that."""
VARIES_PP = 0.1
"""What accuracy may differ by batch size, which changes no weight: the shared bound of an OM's accuracy."""


@dataclass(frozen=True)
class Refusal:
    """Figures of a cell that are not taken: those of `batches`, or the whole cell where there are none."""

    row: str
    column: str
    batches: tuple[int, ...]
    measured: str
    allowed: str
    reason: str

    @property
    def line(self) -> str:
        """The refusal in a line."""
        at = f"[bs {', '.join(map(str, self.batches))}]" if self.batches else ""
        return f"{self.row}, {self.column}{at}: {self.reason}: {self.measured}, allowed {self.allowed}"


@dataclass(frozen=True)
class Limits:
    """What the suite holds every port to: peak TFLOPS by chip, and how far accuracy may fall and rise, in pp."""

    peak_tflops: Mapping[str, float]
    drop_pp: float
    gain_pp: float
    reference_pp: float


@dataclass(frozen=True)
class Asked:
    """One row among all; `flops` of an image is None where nobody counted."""

    row: Row
    table: Sequence[Row]
    flops: float | None
    limits: Limits


Rule = Callable[[Asked], Iterator[Refusal]]


def refusals(asked: Asked) -> tuple[Refusal, ...]:
    """Every figure of the row that cannot be, once for each rule that it breaks."""
    return tuple(refusal for rule in RULES for refusal in rule(asked))


def _above_peak(asked: Asked) -> Iterator[Refusal]:
    """More multiplications a second than the chip has: the figure counts something else, or the OM is quantised."""
    for column, chip in _throughputs(asked):
        peak = asked.limits.peak_tflops[chip]
        for batch, figure in asked.row.throughput(column).items():
            tflops = 0.0 if asked.flops is None else asked.flops * figure.value / 1e12
            if tflops > peak:
                said = f"{figure.text} images/s are {tflops:.3g} TFLOPS"
                yield _refused(asked, column, [batch], said, f"{peak:g} TFLOPS", f"above the fp16 peak of {chip}")


def _below_peak(asked: Asked) -> Iterator[Refusal]:
    """Next to nothing of what the chip can do, at any batch size: the figures are no images per second."""
    for column, chip in _throughputs(asked):
        figures, peak = asked.row.throughput(column), asked.limits.peak_tflops[chip]
        best = max(figures.values(), key=lambda figure: figure.value)
        percent = None if asked.flops is None else 100 * asked.flops * best.value / 1e12 / peak
        if percent is not None and percent < LEAST_PERCENT:
            said = f"{best.text} images/s at best are {percent:.2g} %"
            reason = f"below {LEAST_PERCENT:g} % of the peak of {chip}: a time, batches, or a batch size in its place"
            yield _refused(asked, column, figures, said, f"{LEAST_PERCENT:g} %", reason)


def _proportional(asked: Asked) -> Iterator[Refusal]:
    """Every batch takes the same time, over batch sizes far apart; or they are times, which grow so with the batch."""
    for column, _ in _throughputs(asked):
        figures = asked.row.throughput(column)
        if not (in_proportion := _in_proportion(figures)):
            continue
        rates = [figures[batch].value / batch for batch in in_proportion]
        said = f"{min(rates):.5g} batches/s at each of them, within {100 * (max(rates) / min(rates) - 1):.2g} %"
        allowed = f"a spread above {100 * PROPORTIONAL:g} %"
        yield _refused(asked, column, in_proportion, said, allowed, "in proportion to batch")


def _in_proportion(figures: Mapping[int, Figure]) -> list[int]:
    """The longest run of batch sizes, far enough apart, at which the figure is the batch size times one number."""
    batches = sorted(figures)
    runs = (batches[start:end] for start in range(len(batches)) for end in range(len(batches), start + 1, -1))
    return max((run for run in runs if _wide(run) and _one_rate(figures, run)), key=len, default=[])


def _one_rate(figures: Mapping[int, Figure], batches: Sequence[int]) -> bool:
    rates = [figures[batch].value / batch for batch in batches]
    return max(rates) <= (1 + PROPORTIONAL) * min(rates)


def _falling(asked: Asked) -> Iterator[Refusal]:
    """Batches a second printed as images: the figure falls as the batch grows."""
    for column, _ in _throughputs(asked):
        figures = asked.row.throughput(column)
        if not _wide(figures):
            continue
        best, last = max(figure.value for figure in figures.values()), figures[max(figures)].value
        if best > FALL * last:
            said = f"{last:g} at batch {max(figures)} is {best / last:.3g} times below the best, {best:g}"
            yield _refused(asked, column, figures, said, f"{FALL:g} times", "batches per second printed as images")


def _dips(asked: Asked) -> Iterator[Refusal]:
    for column, _ in _throughputs(asked):
        figures = asked.row.throughput(column)
        batches = sorted(figures)
        for before, batch, after in zip(batches, batches[1:], batches[2:], strict=False):
            sides, own = (figures[before].value, figures[after].value), figures[batch].value
            if DIP * own < min(sides) or own > DIP * max(sides):
                said = f"{own:g} between {sides[0]:g} and {sides[1]:g}"
                yield _refused(asked, column, [batch], said, f"a factor of {DIP:g}", "far from both neighbours")


def _equal(asked: Asked) -> Iterator[Refusal]:
    """The same digits at another batch size, or in the row of another network: one of the two was copied."""
    for column, _ in _throughputs(asked):
        for batch, figure in asked.row.throughput(column).items():
            if twin := _twin(asked, column, batch, figure):
                reason = "one of the two was copied"
                yield _refused(asked, column, [batch], f"{figure.text} as {twin}", "figures of their own", reason)


def _twin(asked: Asked, column: str, batch: int, figure: Figure) -> str | None:
    """Where the same digits stand: at another batch size, or in the row of another network."""
    own = asked.row.throughput(column)
    places = sorted(own)
    for other in places:
        apart = abs(places.index(other) - places.index(batch))
        if apart and _alike(own[other], figure, SAME_DIGITS if apart > 1 else SAME_DIGITS_NEARBY):
            return f"at batch {other}"
    for row in asked.table:
        same = row["checkpoint_file"] == asked.row["checkpoint_file"] and row["classes"] == asked.row["classes"]
        if row.line == asked.row.line or same or str(int(figure.value)) not in row[column]:
            continue  # a network that the zoo has twice, as a rule
        for other, theirs in row.throughput(column).items():
            if _alike(theirs, figure, SAME_DIGITS_NEARBY if other == batch else SAME_DIGITS_ANYWHERE):
                return f"in the row {row.name}"
    return None


def _alike(one: Figure, other: Figure, digits: int) -> bool:
    return one.value == other.value and min(one.digits, other.digits) >= digits


def _products(asked: Asked) -> Iterator[Refusal]:
    """A card's figure that is not four times the chip's, where another of the row is."""
    chip, card = asked.row.throughput("throughput_310"), asked.row.throughput("card_310")
    common = sorted(chip.keys() & card.keys())
    wrong = [batch for batch in common if not _product(chip[batch], card[batch])]
    if len(wrong) == len(common):
        return  # not products at all: another release's figures
    for batch in wrong:
        said = f"{chip[batch].text} of one chip beside {card[batch].text} of {CARD_CHIPS}"
        allowed = f"{CARD_CHIPS} x {chip[batch].text} = {CARD_CHIPS * chip[batch].value:g}"
        yield _refused(asked, "throughput_310", [batch], said, allowed, "the product is wrong, so one of the two is")


def _cards(asked: Asked) -> Iterator[Refusal]:
    """A card that is no faster than one of its chips: the two stand in each other's place, or one was copied."""
    chip, card = asked.row.throughput("throughput_310"), asked.row.throughput("card_310")
    for batch in sorted(chip.keys() & card.keys()):
        if card[batch].value <= chip[batch].value:
            said, reason = f"{card[batch].text} of a card", "a card is no faster than its chip"
            allowed = f"more than {chip[batch].text} of a chip"
            yield _refused(asked, "throughput_310", [batch], said, allowed, reason)


def _other_chip(asked: Asked) -> Iterator[Refusal]:
    """Too fast for its chip beside the other one: a card's figure, or the other's are batches per second."""
    small, large = (asked.row.throughput(f"throughput_{chip}") for chip in CHIPS)
    peaks = [asked.limits.peak_tflops[soc] for soc in CHIPS.values()]
    for batch in sorted(small.keys() & large.keys()):
        if large[batch].value < FASTER * small[batch].value:
            for (chip, _), own, other in zip(CHIPS.items(), (small, large), (large, small), strict=True):
                said = f"{own[batch].text}, and {other[batch].text} on the other chip"
                allowed = f"{FASTER:g} times more on {peaks[1]:g} TFLOPS than on {peaks[0]:g}"
                yield _refused(asked, f"throughput_{chip}", [batch], said, allowed, "of a card, or of batches")


def _product(chip: Figure, card: Figure) -> bool:
    return abs(card.value / (CARD_CHIPS * chip.value) - 1) <= PRODUCT


def _best(asked: Asked) -> Iterator[Refusal]:
    """A best figure that is printed apart and stands in no line of the table."""
    for batch, figure in asked.row.throughput("best_310P3").items():
        known = asked.row.throughput("throughput_310P3")
        if figure.value not in [own.value for own in known.values()]:
            printed = ", ".join(own.text for own in known.values())
            yield _refused(asked, "best_310P3", [batch], figure.text, printed, "the best is in no line of the table")


def _accuracy(asked: Asked) -> Iterator[Refusal]:
    """Accuracy that is not one number, is too coarse to be asked, or lies too far from the checkpoint's own."""
    limits = asked.limits
    for column in (name for name in asked.row.cells if name.startswith(("ref_", "om_"))):
        figures = asked.row.percents(column)
        if not figures:
            continue
        values, text = [figure.value for figure in figures], asked.row[column]
        if max(values) > 100:
            yield _refused(asked, column, (), text, "100 %", "no percent")
        elif max(values) <= 1:
            yield _refused(asked, column, (), text, "percent", "a fraction, or no accuracy")
        elif max(values) - min(values) > VARIES_PP:
            yield _refused(asked, column, (), text, f"{VARIES_PP:g} pp apart", "accuracy varies by batch")
        elif figures[0].rounding > limits.reference_pp / 2:
            yield _refused(asked, column, (), text, "a decimal more", f"rounded too far for {limits.reference_pp:g} pp")
        else:
            yield from _too_far(asked, column, figures[0])


def _too_far(asked: Asked, column: str, figure: Figure) -> Iterator[Refusal]:
    """An OM's accuracy against the reference of the same row, beyond what fp16 does; where above, both are in doubt."""
    limits, k = asked.limits, column.split("_")[1]
    if column.startswith("ref_"):
        above = [om for om in (f"om_{k}_{chip}" for chip in CHIPS) if _gain(asked.row, om, figure) > limits.gain_pp]
        for om in above:
            said = f"{figure.text} below {asked.row[om]} of {om}"
            yield _refused(asked, column, (), said, f"{limits.gain_pp:g} pp", "not of the weights of the OM")
        return
    reference = asked.row.percents(f"ref_{k}")
    if not reference:
        return
    lost = reference[0].value - figure.value
    said = f"{figure.text} against {reference[0].text}"
    if lost > limits.drop_pp:
        yield _refused(asked, column, (), said, f"{limits.drop_pp:g} pp less", "lost more than any port may")
    if -lost > limits.gain_pp + reference[0].rounding:
        yield _refused(asked, column, (), said, f"{limits.gain_pp:g} pp more", "fp16 gains nothing: other weights")


def _gain(row: Row, om: str, reference: Figure) -> float:
    return max((figure.value - reference.value - reference.rounding for figure in row.percents(om)), default=0.0)


def _chips_apart(asked: Asked) -> Iterator[Refusal]:
    """The same weights in fp16 on two chips: where they differ, the figure nearer to the reference may stay."""
    for k in ("top1", "top5"):
        columns = [f"om_{k}_{chip}" for chip in CHIPS]
        figures = [asked.row.percents(column) for column in columns]
        if not all(len(found) == 1 for found in figures):
            continue
        values, reference = [found[0].value for found in figures], asked.row.percents(f"ref_{k}")
        if abs(values[0] - values[1]) <= 2 * asked.limits.gain_pp:
            continue
        off = [abs(value - reference[0].value) if reference else 0.0 for value in values]
        for column, own, value, other in zip(columns, off, values, reversed(values), strict=True):
            if own == max(off):
                said = f"{value:g}, and {other:g} on the other chip"
                yield _refused(asked, column, (), said, f"{2 * asked.limits.gain_pp:g} pp apart", "chips differ")


def _in_order(asked: Asked) -> Iterator[Refusal]:
    """A Top-1 above the Top-5, or as high: of many classes some of the four next ones are right."""
    for ending in ("ref", *(f"om_{chip}" for chip in CHIPS)):
        kind, _, chip = ending.partition("_")
        first, fifth = (f"{kind}_{k}{'_' if chip else ''}{chip}" for k in ("top1", "top5"))
        pair = asked.row.percents(first), asked.row.percents(fifth)
        if all(pair) and pair[0][0].value >= pair[1][0].value < 100:
            said = f"Top-1 {pair[0][0].text}, Top-5 {pair[1][0].text}"
            for column in (first, fifth):
                yield _refused(asked, column, (), said, "Top-1 below Top-5", "not in order")


def _quantised(asked: Asked) -> Iterator[Refusal]:
    """Figures of an int8 OM say nothing of a port in fp16."""
    if not asked.row.int8:
        return
    for column in (name for name in asked.row.cells if name.startswith(("om_", "throughput_"))):
        if asked.row[column]:
            batches = asked.row.throughput(column) if column.startswith("throughput_") else ()
            yield _refused(asked, column, batches, asked.row[column], "fp16", "an int8 OM's")


RULES: tuple[Rule, ...] = (
    *(
        _above_peak,
        _below_peak,
        _proportional,
        _falling,
        _dips,
        _equal,
        _products,
        _cards,
        _other_chip,
        _best,
        _accuracy,
        _chips_apart,
        _in_order,
        _quantised,
    ),
)


def _throughputs(asked: Asked) -> Iterator[tuple[str, str]]:
    """The columns of throughput and their chips, those that have figures."""
    for ending, chip in CHIPS.items():
        if asked.row[f"throughput_{ending}"]:
            yield f"throughput_{ending}", chip


def _wide(batches: Iterable[int]) -> bool:
    known = tuple(batches)
    return max(known) >= SPAN * min(known)


def _refused(asked: Asked, column: str, batches: Iterable[int], measured: str, allowed: str, reason: str) -> Refusal:
    return Refusal(asked.row.name, column, tuple(sorted(batches)), measured, allowed, reason)
