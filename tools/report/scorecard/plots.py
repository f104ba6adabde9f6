"""The scorecard's plots as plotly figures: data, layout and nothing else, with every text of others made harmless."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tools.base.messages import Catalogue
from tools.base.printable import one_line
from tools.report.scorecard.reading import Place, Reading
from tools.report.scorecard.runs import Runs

if TYPE_CHECKING:
    from tools.report.scorecard.figures import Figures

PALETTE = ("#2f74b5", "#c9610f", "#3d8b4a", "#a04bab", "#a88408", "#0f8f94")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star")
GREY, CLEAR = "#7f8b97", "rgba(0,0,0,0)"
ROW_PX, HEAD_PX, PLAIN_PX, LEGEND_PX = 22, 130, 560, 120
LONGEST_LABEL = 40
SHOWN = frozenset({"name", "text", "label", "hovertemplate"})
"""What plotly calls the texts that it shows."""
Figure = dict[str, Any]


def plots(runs: Runs) -> dict[str, tuple[str, Figure]]:
    """Title and figure by the id of their place on the page; a plot that nothing was measured for is left out."""
    newest = runs.newest
    found: dict[str, tuple[str, Figure]] = {}
    for number, chip in enumerate(_chips(newest)):
        title = f"Throughput by batch size on {chip}, images/s per chip"
        found[f"throughput-{number}"] = title, _throughput(newest, chip)
    for name, title, figure in (
        ("drop", "Top-1 lost against the checkpoint, percentage points with 95 % interval", _drops(newest)),
        ("utilisation", "Share of the chip's peak TFLOPS at the best batch size, percent", _utilisation(newest)),
        ("trend", "Trend over dates, of one port and chip", _trend(runs)),
    ):
        if figure is not None:
            found[name] = title, figure
    return found


def figure_in(part: Any, language: Catalogue, key: str = "") -> Any:  # noqa: ANN401 - a tree of plain data
    """A figure with every text that is shown in a language: what its keys say are names, texts and templates."""
    if isinstance(part, dict):
        return {name: figure_in(below, language, name) for name, below in part.items()}
    if isinstance(part, (list, tuple)):
        return [figure_in(below, language, key) for below in part]
    return language.head(part) if isinstance(part, str) and key in SHOWN else part


def label(text: str) -> str:
    """A text of others as plotly takes it: it reads a little HTML, so none may be left in it."""
    line = one_line(text)
    return html.escape(line if len(line) <= LONGEST_LABEL else f"{line[: LONGEST_LABEL - 1]}…")


def _chips(newest: dict[Place, Reading]) -> list[str]:
    measured = (place.chip for place, run in newest.items() if run.figures and run.figures.rates)
    return sorted(set(measured))


def _throughput(newest: dict[Place, Reading], chip: str) -> Figure:
    """A line a port; both axes are logarithmic, as batches double and networks differ a hundredfold."""
    traces: list[Figure] = []
    for place, run in sorted(newest.items()):
        rates = run.figures.rates if run.figures else ()
        if place.chip == chip and rates:
            batches, values = [rate.batch for rate in rates], [round(rate.per_chip, 2) for rate in rates]
            traces.append(_line(_name(place), len(traces), batches, values))
    batches = sorted({batch for trace in traces for batch in trace["x"]})
    values = [value for trace in traces for value in trace["y"]]
    across = {"type": "log", "tickvals": batches, "ticktext": [f"bs{batch}" for batch in batches]}
    up = {"type": "log", "tickvals": list(_round_numbers(min(values), max(values))), "tickformat": ","}
    layout = _layout(PLAIN_PX, xaxis=across, yaxis=up)
    return {"data": traces, "layout": layout}


def _round_numbers(low: float, high: float) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten from below `low` to above `high`."""
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        yield from (times * 10.0**power for times in (1, 2, 5))


def _line(name: str, number: int, x: Sequence[object], y: Sequence[float]) -> Figure:
    color, symbol = PALETTE[number % len(PALETTE)], SYMBOLS[number // len(PALETTE) % len(SYMBOLS)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(x),
        "y": list(y),
        "line": {"color": color, "width": 1.5},
        "marker": {"color": color, "symbol": symbol, "size": 7},
        "hovertemplate": f"{name}<br>%{{x}}: %{{y:,.1f}} images/s<extra></extra>",
    }


def _drops(newest: dict[Place, Reading]) -> Figure | None:
    """A whisker a row, chips side by side, and the margin of each port as a tick."""
    measured = [(place, run.figures) for place, run in newest.items() if run.figures and 1 in run.figures.losses]
    if not measured:
        return None
    traces = []
    for number, kind in enumerate(sorted({_kind(place) for place, _ in measured})):
        traces.append(_whiskers(kind, number, [entry for entry in measured if _kind(entry[0]) == kind]))
    margins = {label(place.port): figures.margins_pp[1] for place, figures in measured}
    ports = sorted(margins, reverse=True)
    layout = _rows_layout(ports, lanes=len(traces))
    layout["xaxis"] |= {"zeroline": True, "zerolinecolor": GREY, "ticksuffix": " pp"}
    return {"data": [*traces, _margins(ports, margins)], "layout": layout}


def _margins(ports: Sequence[str], margins: dict[str, float]) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "allowed",
        "orientation": "h",
        "x": [margins[port] for port in ports],
        "y": list(ports),
        "marker": {"symbol": "line-ns-open", "color": "#c0392b", "size": 12},
        "hovertemplate": "%{y}: at most %{x:g} pp<extra></extra>",
    }


def _whiskers(kind: str, number: int, rows: Sequence[tuple[Place, Figures]]) -> Figure:
    losses = [figures.losses[1].loss for _, figures in rows]
    above = [round(loss.interval_pp.high - loss.drop_pp, 4) for loss in losses]
    below = [round(loss.drop_pp - loss.interval_pp.low, 4) for loss in losses]
    bars = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": kind,
        "orientation": "h",
        "x": [round(loss.drop_pp, 4) for loss in losses],
        "y": [label(place.port) for place, _ in rows],
        "offsetgroup": str(number),
        "error_x": {**bars, "thickness": 1.5, "width": 3},
        "marker": {"color": PALETTE[number % len(PALETTE)], "size": 6},
        "hovertemplate": f"%{{y}}, {kind}: %{{x:+.3f}} pp<extra></extra>",
    }


def _utilisation(newest: dict[Place, Reading]) -> Figure | None:
    """A bar a row, by port; those whose operations nobody counted, or whose chip nobody knows, have none."""
    known = [(place, run.figures.utilisation_percent) for place, run in newest.items() if run.figures]
    found = [(place, percent) for place, percent in known if percent is not None]
    if not found:
        return None
    traces = []
    for number, kind in enumerate(sorted({_kind(place) for place, _ in found})):
        rows = [(label(place.port), round(percent, 2)) for place, percent in found if _kind(place) == kind]
        bar = {"type": "bar", "orientation": "h", "name": kind, "marker": {"color": PALETTE[number % len(PALETTE)]}}
        hover = {"hovertemplate": f"%{{y}}, {kind}: %{{x:.1f}} % of peak<extra></extra>"}
        traces.append({**bar, **hover, "x": [percent for _, percent in rows], "y": [port for port, _ in rows]})
    ports = sorted({label(place.port) for place, _ in found}, reverse=True)
    layout = _rows_layout(ports, lanes=len(traces))
    layout["xaxis"] |= {"ticksuffix": " %", "rangemode": "tozero"}
    return {"data": traces, "layout": layout}


def _trend(runs: Runs) -> Figure | None:
    """Images/s of the best batch and the Top-1 drop over dates; a menu says of which port and chip."""
    found = [(place, list(reversed(of_place))) for place, of_place in runs.of_place.items() if len(of_place) > 1]
    if not found:
        return None
    first = _trend_values(found[0][1])
    traces = [
        {"type": "scatter", "mode": "lines+markers", "name": name, "line": {"color": color}, "marker": {"size": 7}}
        | {key: values[number] for key, values in first.items()}
        | {"yaxis": axis, "hovertemplate": f"%{{x}}: %{{y:,.4~g}} {unit}, %{{text}}<extra></extra>"}
        for number, (name, color, axis, unit) in enumerate(
            (("images/s per chip", PALETTE[0], "y", "images/s"), ("Top-1 drop", PALETTE[1], "y2", "pp"))
        )
    ]
    menu = ((label(str(place)), _trend_values(readings)) for place, readings in found)
    buttons = [{"label": name, "method": "restyle", "args": [values]} for name, values in menu]
    layout = _layout(
        PLAIN_PX, xaxis={"type": "date", "anchor": "y2"}, yaxis={"domain": [0.55, 1], "title": {"text": "images/s"}}
    )
    layout["yaxis2"] = {**_axis(), "domain": [0, 0.42], "title": {"text": "Top-1 drop, pp"}}
    layout["updatemenus"] = [{"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.28, "yanchor": "top"}]
    return {"data": traces, "layout": layout}


def _trend_values(readings: Sequence[Reading]) -> Figure:
    """x, y and text of both traces, the oldest run first."""
    dates, words = [run.finished_utc for run in readings], [_said(run) for run in readings]
    return {"x": [dates, dates], "y": [list(_best(readings)), list(_lost(readings))], "text": [words, words]}


def _said(run: Reading) -> str:
    assert run.verdict is not None
    return f"{run.verdict.banner}, {label(run.toolkit) or 'toolkit not said'}"


def _best(readings: Sequence[Reading]) -> Iterator[float | None]:
    for run in readings:
        best = run.figures.best if run.figures else None
        yield None if best is None else round(best.per_chip, 2)


def _lost(readings: Sequence[Reading]) -> Iterator[float | None]:
    for run in readings:
        yield round(run.figures.losses[1].loss.drop_pp, 4) if run.figures and 1 in run.figures.losses else None


def _name(place: Place) -> str:
    return f"{label(place.port)}, sample" if place.sample else label(place.port)


def _kind(place: Place) -> str:
    """The chip with what makes it no statement about one."""
    words = [label(place.chip) or "no chip", *["simulator"] * place.simulated, *["sample"] * place.sample]
    return ", ".join(words)


def _rows_layout(ports: Sequence[str], lanes: int) -> Figure:
    """A row for each port, as high as its lanes need."""
    height = HEAD_PX + len(ports) * max(ROW_PX, 14 * lanes)
    order = {"categoryorder": "array", "categoryarray": list(ports), "range": [-0.7, len(ports) - 0.3], "dtick": 1}
    return _layout(height, xaxis={"side": "top"}, yaxis=order) | {"scattermode": "group"}


def _layout(height: int, *, xaxis: Figure, yaxis: Figure) -> Figure:
    return {
        "height": height,
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"color": GREY, "size": 12},
        "margin": {"l": 60, "r": 10, "t": 50, "b": 40},
        "legend": {"orientation": "h", "y": -0.12, "yanchor": "top", "maxheight": LEGEND_PX},
        "hovermode": "closest",
        "modebar": {"bgcolor": CLEAR, "color": GREY, "activecolor": PALETTE[0]},
        "xaxis": {**_axis(), **xaxis},
        "yaxis": {**_axis(), **yaxis},
    }


def _axis() -> Figure:
    return {"gridcolor": "rgba(127,139,151,.25)", "zeroline": False, "automargin": True}
