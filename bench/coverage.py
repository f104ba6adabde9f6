"""How often the judge is right: Monte-Carlo of interval coverage and verdicts, written into docs/statistics.md.

`python bench/coverage.py` takes about two minutes and rewrites the part of the page between its markers;
`--quick` simulates less and only prints. Exit status 1 when a coverage falls below 94 %.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from bench/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.base.progress import progress
from tools.judge.accuracy import Loss, TightBound, judge_loss
from tools.judge.numbers import AtMost
from tools.judge.paired import PairedTable, loss_interval_pp, wilson_percent
from tools.judge.results import Verdict
from tools.judge.throughput import verdict_rates

PAGE = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"
BEGIN, END = "<!-- bench/coverage.py: begin -->", "<!-- bench/coverage.py: end -->"
SEED = 20210816
LOWEST_COVERAGE = 0.94
MARGIN = AtMost(at_most=1.0, unit="pp", source="guide")
TIGHT = AtMost(at_most=0.1, unit="pp", source="tight bound")
ACCURACIES_PERCENT = (56.527, 79.068)


@dataclass(frozen=True)
class Plan:
    """What is simulated; rates in percent of the images, drops in percentage points or as parts of the discordance.

    A drop of 1.0 of the discordance means that every image with a difference was lost, none gained: the case that is
    hardest for an approximate interval.
    """

    repeats: int
    images: tuple[int, ...]
    discordant_percent: tuple[float, ...]
    drops_pp: tuple[float, ...]
    drops_of_discordance: tuple[float, ...]
    verdict_images: tuple[int, ...]
    noise_percent: tuple[float, ...]
    tight_images: tuple[int, ...]
    tight_noise_percent: tuple[float, ...]
    tight_drops_pp: tuple[float, ...]


FULL = Plan(
    repeats=20_000,
    images=(300, 1000, 5000),
    discordant_percent=(0.2, 0.35, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0),
    drops_pp=(0.0, 0.5, 1.0, 1.5, 2.0),
    drops_of_discordance=(0.9, 1.0),
    verdict_images=(300, 1000, 2000, 5000, 50_000),
    noise_percent=(0.2, 1.0, 3.0),
    tight_images=(1000, 4000, 50_000),
    tight_noise_percent=(0.13, 0.35, 3.0),
    tight_drops_pp=(0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5),
)
QUICK = Plan(
    repeats=10_000,
    images=(300, 1000, 5000),
    discordant_percent=(0.2, 1.0, 5.0),
    drops_pp=(0.0, 1.0),
    drops_of_discordance=(1.0,),
    verdict_images=(300, 1000),
    noise_percent=(0.2,),
    tight_images=(1000,),
    tight_noise_percent=(0.35,),
    tight_drops_pp=(0.0, 0.1, 0.5),
)


def simulate(images: int, lost_percent: float, gained_percent: float, repeats: int) -> Counter[PairedTable]:
    """Draw `repeats` tables from a trinomial; the seed follows from the arguments, so cells do not depend on order.

    Concordant images are all counted as both right: neither interval nor verdict of the loss depends on that split.
    """
    import numpy as np

    shares = (lost_percent / 100, gained_percent / 100)
    seed = [SEED, images, round(lost_percent * 1e6), round(gained_percent * 1e6)]
    drawn = np.random.default_rng(seed).multinomial(images, [*shares, 1 - sum(shares)], size=repeats)
    pairs = Counter((int(lost), int(gained)) for lost, gained, _ in drawn)
    return Counter(
        {
            PairedTable(both_right=images - lost - gained, lost=lost, gained=gained, both_wrong=0): count
            for (lost, gained), count in pairs.items()
        }
    )


def loss_coverage(
    images: int, discordant_percent: float, drop_pp: float, repeats: int, *, corrected: bool = True
) -> float:
    """Share of simulated tables whose 95 % interval of the loss holds the true drop."""
    lost, gained = (discordant_percent + drop_pp) / 2, (discordant_percent - drop_pp) / 2
    covered = 0
    for table, count in simulate(images, lost, gained, repeats).items():
        interval = loss_interval_pp(table) if corrected else loss_interval_pp(table, continuity=0.0)
        covered += count * (interval.low <= drop_pp <= interval.high)
    return covered / repeats


def wilson_coverage(images: int, accuracy_percent: float, repeats: int) -> float:
    """Share of simulated accuracies whose Wilson interval holds the true one."""
    import numpy as np

    rng = np.random.default_rng([SEED, images, round(accuracy_percent * 1000)])
    drawn = Counter(rng.binomial(images, accuracy_percent / 100, size=repeats).tolist())
    covered = 0
    for right, count in drawn.items():
        interval = wilson_percent(right, images)
        covered += count * (interval.low <= accuracy_percent <= interval.high)
    return covered / repeats


def judged(images: int, noise_percent: float, drop_pp: float, repeats: int) -> dict[Loss, int]:
    """Verdicts over tables with `noise_percent` of harmless discordance, half each way, and a true drop on top."""
    tables = simulate(images, noise_percent / 2 + drop_pp, noise_percent / 2, repeats)
    return {_judge(table): count for table, count in tables.items()}


def true_drops(plan: Plan, discordant: float) -> list[float]:
    """The true drops looked at for one discordance, in the order of the table's columns."""
    return [*plan.drops_pp, *(part * discordant for part in plan.drops_of_discordance)]


def coverage_cells(plan: Plan) -> dict[tuple[int, float, float], float]:
    """Coverage of the loss interval for each (images, discordant percent, true drop) that can exist."""
    cells = dict.fromkeys(
        (images, discordant, drop)
        for images in plan.images
        for discordant in plan.discordant_percent
        for drop in true_drops(plan, discordant)
        if drop <= discordant
    )
    return {cell: loss_coverage(*cell, plan.repeats) for cell in progress(cells, what="coverage", total=len(cells))}


def lowest_coverage(plan: Plan) -> float:
    """The worst coverage of any interval in the plan, loss and Wilson."""
    wilson = [wilson_coverage(images, level, plan.repeats) for images in plan.images for level in ACCURACIES_PERCENT]
    return min(*coverage_cells(plan).values(), *wilson)


def report(plan: Plan) -> str:
    """All tables as Markdown."""
    parts = (
        _coverage_table(plan),
        _wilson_table(plan),
        _verdict_table(plan),
        _tight_table(plan),
        _throughput_table(),
    )
    error = 100 * (0.95 * 0.05 / plan.repeats) ** 0.5
    seen = f"Seed {SEED}, {plan.repeats:,} data sets per cell: a share near 95 % has a standard error of {error:.2f} %."
    return "\n\n".join((seen, *parts))


def write_between_markers(page: Path, text: str, markers: tuple[str, str] = (BEGIN, END)) -> None:
    """Replace what stands between the markers; SuiteError unless each marker is there once, in order."""
    first, last = markers
    before, begin, rest = page.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in rest or last in after:
        raise SuiteError("the page must hold each marker once", where=page, allowed=f"{first} … {last}")
    with atomic(page) as partial:
        partial.write_text(f"{before}{first}\n\n{text}\n\n{last}{after}", encoding="utf-8")


@cache
def _judge(table: PairedTable) -> Loss:
    return judge_loss(table, k=1, margin=MARGIN, tight=TIGHT, strict=False)


def _coverage_table(plan: Plan) -> str:
    cells = coverage_cells(plan)
    rows = []
    for images in plan.images:
        for discordant in plan.discordant_percent:
            drops = true_drops(plan, discordant)
            possible = [drop for drop in dict.fromkeys(drops) if drop <= discordant]
            plain = [loss_coverage(images, discordant, drop, plan.repeats, corrected=False) for drop in possible]
            shown = [_percent(cells.get((images, discordant, drop))) for drop in drops]
            rows.append([f"{images:,}", f"{discordant:g} %", *shown, _percent(min(plain))])
    heads = [f"drop {drop:g} pp" for drop in plan.drops_pp]
    parts = [f"drop = {part:g} x discordance" for part in plan.drops_of_discordance]
    return "### Coverage of the 95 % interval of the loss\n\n" + markdown(
        ["images", "discordant", *heads, *parts, "lowest without correction"], rows
    )


def _wilson_table(plan: Plan) -> str:
    rows = [
        [f"{images:,}", *(_percent(wilson_coverage(images, level, plan.repeats)) for level in ACCURACIES_PERCENT)]
        for images in plan.images
    ]
    heads = [f"accuracy {level} %" for level in ACCURACIES_PERCENT]
    return "### Coverage of the Wilson interval of one accuracy\n\n" + markdown(["images", *heads], rows)


def _verdict_table(plan: Plan) -> str:
    cells = [(images, noise) for images in plan.verdict_images for noise in plan.noise_percent]
    rows = [
        [f"{images:,}", f"{noise:g} %", *(_three(judged(images, noise, drop, plan.repeats)) for drop in plan.drops_pp)]
        for images, noise in progress(cells, what="verdicts", total=len(cells))
    ]
    heads = [f"drop {drop:g} pp" for drop in plan.drops_pp]
    return "### Verdicts with the margin of 1 pp: % PASS / INCONCLUSIVE / FAIL\n\n" + markdown(
        ["images", "harmless discordance", *heads], rows
    )


def _tight_table(plan: Plan) -> str:
    cells = [(images, noise) for images in plan.tight_images for noise in plan.tight_noise_percent]
    rows = [
        [
            f"{images:,}",
            f"{noise:g} %",
            *(_tight(judged(images, noise, drop, plan.repeats)) for drop in plan.tight_drops_pp),
        ]
        for images, noise in progress(cells, what="tight bound", total=len(cells))
    ]
    heads = [f"drop {drop:g} pp" for drop in plan.tight_drops_pp]
    return (
        '### Tight bound of 0.1 pp: % EXCEEDED by the rule used (by "measured drop > 0.1" alone; '
        'by "lower limit > 0.1")\n\n' + markdown(["images", "harmless discordance", *heads], rows)
    )


def _throughput_table() -> str:
    rows = []
    for noise in (0.5, 1.0, 2.0, 3.0, 5.0):
        for runs in (1, 3, 5, 7):
            rates = [
                verdict_rates(true_over_floor=rate / 0.95, noise_cv_percent=noise, runs=runs)
                for rate in (1.0, 0.97, 0.95, 0.93, 0.9)
            ]
            shown = [" / ".join(_tenth(v) for v in (r.passed, r.inconclusive, r.failed)) for r in rates]
            rows.append([f"{noise:g} %", str(runs), *shown])
    heads = ["published rate", "3 % below", "5 % below: at the floor", "7 % below", "10 % below"]
    return (
        "### Throughput against a floor 5 % below the published rate: % PASS / INCONCLUSIVE / FAIL (computed, normal "
        "noise)\n\n" + markdown(["noise (cv)", "runs", *heads], rows)
    )


def _three(losses: Mapping[Loss, int]) -> str:
    order = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)
    return " / ".join(
        _share((count for loss, count in losses.items() if loss.check.verdict is verdict), losses) for verdict in order
    )


def _tight(losses: Mapping[Loss, int]) -> str:
    rules = (
        lambda loss: loss.tight is TightBound.EXCEEDED,
        lambda loss: loss.drop_pp > TIGHT.at_most,
        lambda loss: loss.interval_pp.low > TIGHT.at_most,
    )
    used, measured, proven = (_share((n for loss, n in losses.items() if rule(loss)), losses) for rule in rules)
    return f"{used} ({measured}; {proven})"


def _share(counts: Iterable[int], losses: Mapping[Loss, int]) -> str:
    return _tenth(sum(counts) / sum(losses.values()))


def _tenth(share: float) -> str:
    """Percent with one decimal, but never a rare event shown as one that does not occur."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f}"
    shown = f"{100 * share:.1f}"
    return {"0.0": "<0.1", "100.0": ">99.9"}.get(shown, shown)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Simulate, then print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller plan, printed instead of written")
    parser.add_argument("--page", type=Path, default=PAGE, help="Markdown page with the markers (default: %(default)s)")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    text = report(plan)
    if options.quick:
        print(text)
    else:
        write_between_markers(options.page, text)
    lowest = lowest_coverage(plan)
    print(f"lowest coverage {100 * lowest:.2f} %, wanted at least {100 * LOWEST_COVERAGE:g} %")
    return cli.EXIT_OK if lowest >= LOWEST_COVERAGE else cli.EXIT_FAILED


if __name__ == "__main__":
    sys.exit(cli.run(main))
