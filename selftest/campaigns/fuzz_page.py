"""The tables of docs/fuzzing.md: what was fuzzed, and how much of each module the kept cases reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from selftest.campaigns.fuzz_result import Coverage, Result, united
from tools.base.errors import SuiteError
from tools.base.files import ROOT

PAGE = ROOT / "docs" / "fuzzing.md"
END = "<!-- end -->"


def line(result: Result) -> str:
    """One target's result on a terminal."""
    rate = result.cases / result.seconds if result.seconds else 0
    return f"{result.name}: {result.cases:,} cases, {rate:,.0f} a second; {result.finding or 'nothing found'}"


def written(
    text: str, results: Sequence[Result], reached: Mapping[str, Mapping[str, Coverage]], stale: Collection[str]
) -> str:
    """The page's text with both tables anew; `reached` by target and file, `stale` are targets that ran other code."""
    text = _between("<!-- targets", text, _targets(results, reached, stale))
    return _between("<!-- modules", text, _modules(united(reached.values())))


def _between(mark: str, text: str, rows: Sequence[str]) -> str:
    """The text with these rows between the line that begins with `mark` and the next END."""
    before, begun, rest = text.partition(f"{mark}:")
    opening, _, rest = rest.partition("\n")
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise SuiteError(f"no place for a table: {mark}: … {END}", where=PAGE)
    return "\n".join([f"{before}{begun}{opening}", *rows, f"{ended}{after}"])


def _targets(
    results: Sequence[Result], reached: Mapping[str, Mapping[str, Coverage]], stale: Collection[str]
) -> list[str]:
    rows = [
        "| target | cases | findings | reached of its modules | dearest case | peak memory | cases per second |",
        "|---|--:|---|--:|--:|--:|--:|",
    ]
    for result in results:
        name = result.name + (" (the code has changed since)" if result.name in stale else "")
        coverages = reached[result.name].values()
        hit, missed = (sum(len(getattr(entry, side)) for entry in coverages) for side in ("reached", "missed"))
        dearest = "-" if result.slowest_seconds is None else f"{1000 * result.slowest_seconds:.1f} ms"
        cells = (
            *(name, f"{result.cases:,}", result.finding or "none", f"{100 * hit / (hit + missed):.0f} %", dearest),
            *(f"{result.peak_memory_mb} MB", f"{result.cases / result.seconds:,.0f}"),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _modules(reached: Mapping[str, Coverage]) -> list[str]:
    rows = ["| module | lines | branches | together | functions not entered |", "|---|--:|--:|--:|---|"]
    for name, coverage in reached.items():
        lines, branches = (" of ".join(map(str, coverage.part(sides))) for sides in (1, 2))
        unreached = ", ".join(f"`{function}`" for function in coverage.unreached_functions()) or "none"
        rows.append(f"| `{name}` | {lines} | {branches} | {coverage.percent:.0f} % | {unreached} |")
    return rows
