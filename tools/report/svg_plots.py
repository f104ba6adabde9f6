"""The page's three plots as inline SVG: drawn 360 units wide, so that their text is readable on a phone as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup

from tools.base.errors import Stage
from tools.judge.acceptance import Timing
from tools.judge.accuracy import Loss
from tools.judge.results import Verdict
from tools.judge.spec import Spec
from tools.report.tables import AccuracyRow, ThroughputRow
from tools.report.words import MINUS, printable, seconds

WIDTH = 360
CHARACTER = 6  # about the width of one, to keep a label inside the picture
EMPTY = Markup("")


def throughput_plot(rows: Sequence[ThroughputRow]) -> Markup:
    """A bar for each batch size measured, with floor and published value across it; empty when nothing was measured."""
    measured = [row for row in rows if row.record is not None]
    if not measured:
        return EMPTY
    left, right, top, bottom = 46, WIDTH - 6, 40, 196
    highest = max(value for row in measured for value in _rates(row))
    ticks = _ticks(0, highest)
    scale = (bottom - top) / max(highest, ticks[-1])
    slot = (right - left) / len(measured)
    shapes = [_grid(tick, bottom - tick * scale, left, right) for tick in ticks]
    for number, row in enumerate(measured):
        shapes += _bar(row, left + number * slot, slot, bottom, scale)
    records = [row.record for row in measured if row.record]
    legend = [("bar", "measured")]
    legend += [("floor", "floor")] * any(record.floor_images_per_second_per_chip is not None for record in records)
    legend += [("published", "published")] * any(
        record.published_images_per_second_per_chip is not None for record in records
    )
    shapes += _legend(legend, left)
    shapes.append(_text((left + right) / 2, bottom + 34, "batch size", "middle"))
    return _svg(bottom + 42, "Throughput by batch size, images per second per chip", shapes)


def loss_plot(rows: Sequence[AccuracyRow], spec: Spec | None) -> Markup:
    """The loss of each variant with its 95 % interval against 0, the tight bound and the margin; empty without any."""
    losses = [(f"{row.name} Top-{loss.k}", loss) for row in rows if row.record for loss in row.record.losses]
    if not losses:
        return EMPTY
    bounds = _bounds(spec)
    low = min(0.0, *(loss.interval_pp.low for _, loss in losses))
    high = max(0.0, *(loss.interval_pp.high for _, loss in losses), *(bound for _, bound, _ in bounds))
    room = 0.04 * (high - low) or 0.1
    low, high = low - room, high + room
    left, right, top, step = 92, WIDTH - 10, 46, 17
    bottom = top + step * len(losses) + 4

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    shapes = [_tick_below(tick, x(tick), top, bottom) for tick in _ticks(low, high) if low <= tick <= high]
    for number, (kind, bound, name) in enumerate((("zero", 0.0, "no loss"), *bounds)):
        shapes += _bound_line(kind, name, x(bound), 10 + 12 * number, bottom)
    for number, (name, loss) in enumerate(losses):
        shapes += _whisker(name, loss, x, top + step * (number + 0.6))
    shapes.append(_text((left + right) / 2, bottom + 28, "loss against the pth, percentage points", "middle"))
    return _svg(bottom + 36, "Accuracy lost against the checkpoint, with 95 % intervals", shapes)


def time_plot(timings: Sequence[Timing]) -> Markup:
    """Wall time of each stage, its steps as parts of one bar; empty when nothing was timed."""
    stages = [(stage, [timing for timing in timings if timing.stage is stage]) for stage in Stage]
    timed = [(stage, steps) for stage, steps in stages if steps]
    if not timed:
        return EMPTY
    total = math.fsum(timing.seconds for timing in timings)
    longest = max(math.fsum(step.seconds for step in steps) for _, steps in timed)
    left, step_height, shapes = 92, 30, []
    for number, (stage, steps) in enumerate(timed):
        y = 6 + step_height * number
        shapes.append(_text(left - 6, y + 14, stage, "end"))
        shapes += _segments(steps, left, y, (WIDTH - left - 6) / (longest or 1))
        spent = math.fsum(step.seconds for step in steps)
        share = f" ({100 * spent / total:.0f} %)" if total else ""
        shapes.append(_text(left, y + 27, seconds(spent) + share, "start", "muted"))
    return _svg(6 + step_height * len(timed), "Wall time of each stage", shapes)


def _rates(row: ThroughputRow) -> list[float]:
    record = row.record
    assert record is not None
    figures = (
        record.images_per_second_per_chip,
        record.published_images_per_second_per_chip,
        record.floor_images_per_second_per_chip,
    )
    return [figure for figure in figures if figure is not None]


def _bar(row: ThroughputRow, left: float, slot: float, bottom: float, scale: float) -> list[Markup]:
    record = row.record
    assert record is not None
    chip, width = record.images_per_second_per_chip, min(0.62 * slot, 44)
    middle = left + slot / 2
    kind = {Verdict.FAIL: "bar fail", Verdict.INCONCLUSIVE: "bar unsure"}.get(row.verdict or Verdict.PASS, "bar")
    published = record.published_images_per_second_per_chip
    highest = max(_rates(row))
    shapes = [
        _rect(kind, middle - width / 2, bottom - chip * scale, width, chip * scale),
        _text(middle, bottom - highest * scale - 6, f"{chip:,.0f}", "middle", "value"),
        _text(middle, bottom + 14, f"bs{row.batch}", "middle"),
    ]
    floor = record.floor_images_per_second_per_chip
    if floor is not None:
        shapes.append(_line("floor", middle - 0.46 * slot, bottom - floor * scale, middle + 0.46 * slot))
    if published is not None:
        shapes.append(_diamond(middle, bottom - published * scale))
    return shapes


def _bounds(spec: Spec | None) -> list[tuple[str, float, str]]:
    """(kind, loss in pp, name) of the lines that a loss is held against."""
    if spec is None:
        return []
    asked = spec.accuracy
    margins = dict.fromkeys((asked.top1_drop_pp.at_most, asked.top5_drop_pp.at_most))
    tight = ("tight", asked.tight_drop_pp.at_most, f"tight bound {asked.tight_drop_pp.at_most:g}")
    return [tight, *(("margin", margin, f"margin {margin:g}") for margin in margins)]


def _whisker(name: str, loss: Loss, x: Callable[[float], float], y: float) -> list[Markup]:
    interval = loss.interval_pp
    state = {Verdict.FAIL: "fail", Verdict.INCONCLUSIVE: "unsure"}.get(loss.check.verdict, "")
    kind = state or ("warn" if loss.warning else "good")
    return [
        _text(84, y + 4, name, "end"),
        _line(f"whisker {kind}", x(interval.low), y, x(interval.high)),
        Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(kind, x(loss.drop_pp), y),
    ]


def _bound_line(kind: str, name: str, x: float, label_y: float, bottom: float) -> list[Markup]:
    anchor = "end" if x + CHARACTER * len(name) > WIDTH else "start"
    return [
        Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
            kind, x, label_y - 8, x, bottom
        ),
        _text(x - 4 if anchor == "end" else x + 4, label_y, name, anchor, f"label {kind}"),
    ]


def _tick_below(tick: float, x: float, top: float, bottom: float) -> Markup:
    line = Markup('<line class="grid" x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}"/>').format(x, top, bottom)
    return line + _text(x, bottom + 13, _number(tick), "middle", "muted")


def _segments(steps: Sequence[Timing], left: float, y: float, scale: float) -> list[Markup]:
    shapes, at = [], left
    for number, step in enumerate(steps):
        width = step.seconds * scale
        title = Markup("<title>{}: {}</title>").format(printable(step.step), seconds(step.seconds))
        # A gap of half a unit tells the steps apart, but must not swallow a short one.
        shapes.append(_rect(f"step{number % 2}", at, y + 3, max(width - 0.5, 0.2), 14, title))
        at += width
    return shapes


def _grid(tick: float, y: float, left: float, right: float) -> Markup:
    return _line("grid", left, y, right) + _text(left - 5, y + 4, f"{tick:,.4g}", "end", "muted")


def _legend(entries: Iterable[tuple[str, str]], left: float) -> list[Markup]:
    shapes, x = [], left
    for kind, name in entries:
        if kind == "bar":
            shapes.append(_rect("bar", x, 7, 12, 9))
        elif kind == "floor":
            shapes.append(_line("floor", x - 2, 12, x + 14))
        else:
            shapes.append(_diamond(x + 6, 12))
        shapes.append(_text(x + 18, 16, name, "start"))
        x += 30 + 7 * len(name)
    return shapes


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers (1, 2 or 5 times a power of ten) that enclose `low` and `high`."""
    rough = (high - low) / 5 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough)
    return [round(number * step, 12) for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _number(value: float) -> str:
    return f"{value:g}".replace("-", MINUS)


def _rect(kind: str, x: float, y: float, width: float, height: float, inside: Markup = EMPTY) -> Markup:
    shape = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">{}</rect>')
    return shape.format(kind, x, y, width, height, inside)


def _line(kind: str, x1: float, y: float, x2: float) -> Markup:
    return Markup('<line class="{0}" x1="{1:.1f}" y1="{2:.1f}" x2="{3:.1f}" y2="{2:.1f}"/>').format(kind, x1, y, x2)


def _diamond(x: float, y: float) -> Markup:
    points = f"{x:.1f},{y - 5:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + 5:.1f} {x - 5:.1f},{y:.1f}"
    return Markup('<polygon class="published" points="{}"/>').format(points)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> Markup:
    shape = Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    return shape.format(kind, x, y, anchor, printable(text))


def _svg(height: float, title: str, shapes: Iterable[Markup]) -> Markup:
    start = Markup('<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">').format(WIDTH, height, title)
    return start + EMPTY.join(shapes) + Markup("</svg>")
