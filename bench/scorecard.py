"""The scorecard over made-up bundles: `python -m bench.scorecard --keep DIR`.

100 ports x 3 chips x 6 batch sizes, 500 images each: what judging them and writing the page takes, how large the page
is, and how long Chromium takes to show it, beside an empty page and beside the same tables without script (all three in
turn, so that differences are of one round). The figures go into docs/scorecard.md. Nothing is asserted.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

from bench.measure import Rounds, Spread, Timing, in_turn, spread, timed
from bench.page import replace_part
from selftest.report.scorecards import PLAIN, Card, write_card
from tools.base import cli
from tools.base.files import ROOT, cpu_count
from tools.base.progress import progress
from tools.ports.spec import port_names
from tools.report.scorecard.found import bundle_folders

PAGE = ROOT / "docs" / "scorecard.md"
CHIPS = ("Ascend310", "Ascend310P3", "Ascend910B4")
BATCHES, IMAGES = (1, 4, 8, 16, 32, 64), 500
EMPTY, PLAIN_TABLES, WHOLE = "empty page", "tables without script", "scorecard.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-zygote", "--window-size=1400,1000")
"""Without zygote the browser waits for its renderers itself, and their CPU time is counted."""
_SCRIPTS = re.compile(r"<script.*?</script>", re.DOTALL)


class Made(NamedTuple):
    """A bundle to be made."""

    folder: Path
    card: Card


@dataclasses.dataclass(frozen=True)
class Written:
    """What the command took, and the page that it left."""

    bundles: int
    timing: Timing
    page: Path

    @property
    def mb(self) -> float:
        """Size of the page."""
        return self.page.stat().st_size / 1e6


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when the page was written and, where there is a Chromium, opened."""
    parser = cli.Parser(prog="python -m bench.scorecard", description=__doc__)
    parser.add_argument("--ports", type=int, default=100, help="ports, each on three chips (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="times that each page is opened (default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="where bundles and page stay, and are found again")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print, leave docs/scorecard.md alone")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="scorecard-") as scratch:
        text = _measured(asked.keep or Path(scratch), asked.ports, asked.rounds)
    print(text)
    if not asked.only_print:
        replace_part(PAGE, "bench.scorecard", text)
    return cli.EXIT_OK


def _measured(place: Path, ports: int, rounds: int) -> str:
    """Make what is not there yet, write the page, open it; the figures in words."""
    bundles = place / "bundles"
    make(wanted(bundles, ports))
    load = os.getloadavg()[0]
    written = write_page(bundles, place / "page")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    said = [
        f"{cpu_count()} cores, load {load:.1f} before the run. {written.bundles} bundles ({ports} ports, "
        f"{len(CHIPS)} chips, {len(BATCHES)} batch sizes, {IMAGES} images each): to judge them and to write the files "
        f"took {written.timing.wall:.0f} s and {written.timing.cpu:.0f} s of CPU; the page has {written.mb:.1f} MB.",
        "No Chromium was found: the page was not opened." if browser is None else opened(browser, written.page, rounds),
    ]
    return "\n\n".join(said)


def wanted(place: Path, ports: int) -> list[Made]:
    """A bundle for each port and chip, named as the shipped ports are; rates differ, one in ten loses a few images."""
    names = [name if turn == 0 else f"{name}_{turn}" for turn, name in product(range(ports), port_names())]
    return [
        Made(place / f"{name}-{chip}", _card(number, name, chip))
        for number, (name, chip) in enumerate(product(names[:ports], CHIPS))
    ]


def _card(number: int, port: str, chip: str) -> Card:
    rate = 0.95 + number * 37 % 100 / 400
    world = dataclasses.replace(PLAIN, seed=number, images=IMAGES, batches=BATCHES, soc=chip, rate_over_published=rate)
    return Card(port, day=1 + number % 28, wrong=5 if number % 10 == 0 else 0, world=world)


def make(cards: Iterable[Made]) -> None:
    """Write the bundles that are not there yet, each whole or not at all."""
    missing = [made for made in cards if not made.folder.exists()]
    with ProcessPoolExecutor() as pool:
        for _ in progress(pool.map(_make, missing), what="bundles", total=len(missing)):
            pass


def _make(made: Made) -> None:
    made.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".made-", dir=made.folder.parent) as scratch:
        write_card(Path(scratch) / "bundle", made.card, pages=True).rename(made.folder)


def write_page(bundles: Path, out: Path) -> Written:
    """Run the command over all bundles, one process a core."""
    argv = [sys.executable, "tools/scorecard.py", str(bundles), "--out", str(out)]
    timing = timed(lambda: subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL))
    return Written(len(bundle_folders([bundles])), timing, out / "scorecard.html")


def opened(browser: str, page: Path, rounds: int) -> str:
    """What Chromium takes to start, load, run the scripts of and draw each page, and what the scorecard adds."""
    with tempfile.TemporaryDirectory(prefix="opened-") as scratch:
        pages = pages_to_open(page, Path(scratch))
        version = subprocess.run([browser, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        took = in_turn({name: partial(_show, browser, at, Path(scratch)) for name, at in pages.items()}, rounds)
    lines = [
        f"{version}, from the start of the program to the picture of a window of 1400 x 1000, {rounds} rounds in turn "
        "(median, lowest to highest):",
        "",
        "| page | seconds | beyond the empty page | CPU seconds | beyond the empty page |",
        "|---|---|---|---|---|",
        *(_line(name, took) for name in pages),
    ]
    return "\n".join(lines)


def pages_to_open(page: Path, scratch: Path) -> Mapping[str, Path]:
    """The page and what it is held against: one with nothing on it, and its own tables without any script."""
    pages = {EMPTY: scratch / "empty.html", PLAIN_TABLES: scratch / "plain.html", WHOLE: page}
    pages[EMPTY].write_text("<!DOCTYPE html><title>empty</title>", encoding="utf-8")
    pages[PLAIN_TABLES].write_text(_SCRIPTS.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
    return pages


def _show(browser: str, page: Path, scratch: Path) -> None:
    argv = [sys.executable, "-m", "bench.browser", browser, str(page.absolute()), str(scratch / "picture.png")]
    subprocess.run(argv, cwd=ROOT, check=True)


def _line(name: str, took: Rounds) -> str:
    wall, cpu = took.wall(name), took.cpu(name)
    cells = spread(wall), _beyond(wall, took.wall(EMPTY)), spread(cpu), _beyond(cpu, took.cpu(EMPTY))
    return f"| {name} | {' | '.join(map(str, cells))} |"


def _beyond(values: Sequence[float], base: Sequence[float]) -> Spread:
    return spread(value - other for value, other in zip(values, base, strict=True))


if __name__ == "__main__":
    sys.exit(cli.run(main))
