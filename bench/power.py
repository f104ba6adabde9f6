"""Which systematic errors the gates find, and with which probability: computed, no example is run.

`python bench/power.py` rewrites its part of docs/statistics.md; `--print` shows it instead.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from statistics import NormalDist

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from bench/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.coverage import PAGE, markdown, write_between_markers
from tools.base import cli
from tools.data.parity_sample import KINDS
from tools.judge.spec import LogitAgreement
from tools.judge.systematic import DOUBT, t_quantile
from tools.ports.spec import PUBLISHED_SPEC, load_spec

MARKERS = "<!-- bench/power.py: begin -->", "<!-- bench/power.py: end -->"
IMAGES = (48, 1_000, 50_000)
SPREAD = {"slope_error": 3.8e-4, "mean_error": 8.5e-5, "column_error": 6.6e-3}
"""Standard deviation between images with fp16 rounding, on the sample's 1000 images."""
CLASSES = 1000
FOUND_IN = (0.05, 0.5, 0.95)
SHARES_PERCENT = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
RUNS = (1, 10)


def smallest_found(bound: float, spread: float, images: int, *, among: int, power: float) -> float:
    """The true effect that a gate finds with this probability: bound, what is taken off for chance, and chance itself.

    The estimate is normal about the true effect, with a standard error of `spread` over the root of `images`.
    """
    error = spread / math.sqrt(images)
    return bound + (t_quantile(1 - DOUBT / (2 * among), images - 1) + NormalDist().inv_cdf(power)) * error


def found_with(effect: float, bound: float, spread: float, images: int, *, among: int) -> float:
    """The probability that an effect of this size turns its gate red."""
    error = spread / math.sqrt(images)
    chance = t_quantile(1 - DOUBT / (2 * among), images - 1) * error
    return NormalDist().cdf((effect - bound - chance) / error)


def drawn(images: int, damaged: int, looked_at: int) -> float:
    """The probability that at least one of the damaged images is among those that are drawn, without repetition."""
    if looked_at > images - damaged:
        return 1.0
    none = (images - damaged, looked_at), (images, looked_at)
    return 1 - math.exp(_log_ways(*none[0]) - _log_ways(*none[1]))


def _log_ways(of: int, chosen: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(chosen + 1) - math.lgamma(of - chosen + 1)


def _effects(bounds: LogitAgreement) -> str:
    head = ["gate", "bound", "images", *(f"found in {share:.0%} of runs" for share in FOUND_IN)]
    rows = []
    for name, spread in SPREAD.items():
        bound, among = bounds.distances[name], CLASSES if name == "column_error" else 1
        for images in IMAGES:
            found = (smallest_found(bound, spread, images, among=among, power=power) for power in FOUND_IN)
            rows.append([f"`{name}`", f"{bound:g}", f"{images:,}", *(f"{effect:.3g}" for effect in found)])
    return markdown(head, rows)


def _shares(parity_images: int) -> str:
    ordinary = parity_images - len(KINDS) * max(1, parity_images // (2 * len(KINDS)))
    columns = [(images, runs) for images in IMAGES[1:] for runs in RUNS]
    head = ["damaged", *(f"{images:,} images, {runs} run{'s' if runs > 1 else ''}" for images, runs in columns)]
    rows = []
    for percent in SHARES_PERCENT:
        cells = []
        for images, runs in columns:
            missed = 1 - drawn(images, round(images * percent / 100), ordinary)
            cells.append(f"{100 * (1 - missed**runs):.1f} %")
        rows.append([f"{percent:g} %", *cells])
    return f"At least {ordinary} of {parity_images} images are drawn at random:\n\n{markdown(head, rows)}"


def report() -> str:
    """The tables in Markdown."""
    spec = load_spec(PUBLISHED_SPEC)
    return "\n\n".join(
        (
            "### The size of a systematic error that is found",
            "On a device (twice the simulator's bounds):",
            _effects(spec.agreement.om_on_device),
            "On the simulator:",
            _effects(spec.agreement.om_on_simulator),
            "### The share of damaged images that the sample against a library's transforms finds",
            _shares(spec.preprocessing.parity_images),
        )
    )


def main() -> int:
    """Compute, then print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print instead of writing")
    parser.add_argument("--page", type=Path, default=PAGE, help="Markdown page with the markers (default: %(default)s)")
    options = parser.parse_args()
    if options.print:
        print(report())
    else:
        write_between_markers(options.page, report(), MARKERS)
    return cli.EXIT_OK


if __name__ == "__main__":
    sys.exit(cli.run(main))
