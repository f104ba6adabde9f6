"""The page docs/speed.md: what stands between a pair of markers is replaced, everything else is kept."""

from __future__ import annotations

from pathlib import Path

from bench.rows import Row
from tools.base.errors import SuiteError
from tools.base.files import ROOT, atomic

PAGE, PLOT = ROOT / "docs" / "speed.md", ROOT / "docs" / "speed.svg"
BAR_PX, LINE_PX, LABEL_PX = 320, 24, 430


def replace_part(page: Path, name: str, text: str) -> None:
    """Put `text` between the markers of this name; SuiteError where the page has not one of each."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    content = page.read_text(encoding="utf-8")
    if content.count(begin) != 1 or content.count(end) != 1:
        raise SuiteError(f"the page has no part {begin} … {end}", where=page)
    before, _, rest = content.partition(begin)
    _, _, after = rest.partition(end)
    with atomic(page) as partial:
        partial.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def table(rows: list[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = ["| what | against | times as quick, or share | goal | |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_line, rows)])


def plot(rows: list[Row]) -> str:
    """The ratios as bars with their spread, SVG; a short line marks the goal."""
    ratios = [row for row in rows if not row.share]
    widest = max(max(row.value.high, row.goal or 0.0) for row in ratios)
    scale = BAR_PX / widest
    parts = [_bar(row, place * LINE_PX + 10, scale) for place, row in enumerate(ratios)]
    width, height = LABEL_PX + BAR_PX + 70, len(ratios) * LINE_PX + 20
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *parts, "</svg>\n"])


def _line(row: Row) -> str:
    value = row.value.percent() if row.share else str(row.value)
    if row.goal is None:
        return f"| {row.step} | {row.compared} | {value} | | |"
    bound = "at most " if row.at_most else ""
    goal = f"{100 * row.goal:.0f} %" if row.share else f"{bound}{row.goal:g}"
    return f"| {row.step} | {row.compared} | {value} | {goal} | {'met' if row.met else 'not met'} |"


def _bar(row: Row, top: int, scale: float) -> str:
    low, middle, high = (value * scale + LABEL_PX for value in (row.value.low, row.value.median, row.value.high))
    centre = top + 8
    parts = [
        f'<text x="{LABEL_PX - 8}" y="{top + 12}" font-size="12" text-anchor="end">{row.step}</text>',
        f'<rect x="{LABEL_PX}" y="{top}" width="{middle - LABEL_PX:.1f}" height="16" fill="#4878a8"/>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{centre}" y2="{centre}" stroke="black"/>',
        f'<text x="{high + 6:.1f}" y="{top + 12}" font-size="12">{row.value.median:.2f}</text>',
    ]
    if row.goal is not None:
        place = row.goal * scale + LABEL_PX
        parts.append(f'<path d="M{place:.1f} {top - 2}V{top + 18}" stroke="#c03020" stroke-width="2"/>')
    return "".join(parts)
