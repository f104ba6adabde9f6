"""The data-set part of the OM stage on the simulator: `python -m bench.workers`, 13 minutes on an idle machine.

Two workers of `pytest -n`, and two and four simulated devices, against one; ratios go into docs/speed.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.measure import Rounds, in_turn, spread
from bench.page import PAGE, replace_part, table
from bench.rows import Row, Setting
from tools.base import cli
from tools.base.files import ROOT, cpu_count
from tools.ports.spec import SAMPLE_SPEC, load_spec

BATCHES = [8, 16]
PORT = "alexnet_workers.yaml"
FEWER = 6
WAYS = {
    "pytest -n 1": ("-n", "1"),
    "pytest -n 2": ("-n", "2"),
    "one device": ("--device", "0"),
    "two devices": ("--device", "0,1"),
    "four devices": ("--device", "0,1,2,3"),
}
ONE_CORE_EACH = {"ASCEND_SIMULATOR_CORES": "1"}
"""A chip computes for itself: a simulated one that takes all cores would leave nothing for the second."""


def measure_workers(setting: Setting, images: int) -> list[Row]:
    """Predictions of two OMs over the data set made again, everything else found in the cache.

    Each way is timed with few and with all images: the difference is the data-set part, without the starts of pytest
    and of the tools, which take as long whatever the number of images.
    """
    folder = setting.fresh("workers")
    port = re.sub(r"(?m)^  batches: .*$", f"  batches: {BATCHES}", SAMPLE_SPEC.read_text(encoding="utf-8"))
    (folder / PORT).write_text(port, encoding="utf-8")
    few, step = images // FEWER, f"two OMs over {images} images, simulated"
    steps: dict[str, Callable[[], None]] = {
        f"{name} {count}": partial(_predict_again, folder, count, *words)
        for count in (few, images)
        for name, words in WAYS.items()
    }
    rounds = in_turn(steps, setting.rounds)

    def rows(quicker: str, slower: str) -> Iterator[Row]:
        parts = zip(*(_part(rounds, name, few, images) for name in (slower, quicker)), strict=True)
        yield Row(f"{step}: {quicker}, data-set part", slower, spread(old / new for old, new in parts), None)
        whole = rounds.ratio(f"{slower} {images}", f"{quicker} {images}")
        yield Row(f"{step}: {quicker}, whole run", slower, whole, None)

    pairs = (("pytest -n 2", "pytest -n 1"), ("two devices", "one device"), ("four devices", "one device"))
    return [row for pair in pairs for row in rows(*pair)]


def _part(rounds: Rounds, name: str, few: int, images: int) -> list[float]:
    """Seconds that the images beyond the first few take, by round."""
    pairs = zip(rounds.wall(f"{name} {few}"), rounds.wall(f"{name} {images}"), strict=True)
    return [long - short for short, long in pairs]


def _predict_again(folder: Path, images: int, *words: str) -> None:
    shutil.rmtree(folder / "cache" / "predictions-om", ignore_errors=True)
    argv = [sys.executable, "-m", "pytest", "--sample", f"--limit={images}", f"--port={folder / PORT}"]
    argv += [f"--cache={folder / 'cache'}", f"--evidence={folder / 'evidence'}", "-p", "no:cacheprovider"]
    argv += ["-q", "-m", "om", "--target=simulator", *words]
    environment = {**os.environ, **ONE_CORE_EACH}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv} gave {done.returncode}: {done.stdout}{done.stderr}")


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when it was measured and the page written."""
    parser = cli.Parser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement (default: %(default)s)")
    parser.add_argument("--images", type=int, default=600, help="images of the sample (default: %(default)s)")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print the table, leave the page alone")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="workers-") as scratch:
        recipe = load_spec(SAMPLE_SPEC).preprocessing
        rows = measure_workers(Setting([], recipe, Path(scratch), arguments.rounds), arguments.images)
    print(table(rows))
    if not arguments.only_print:
        replace_part(PAGE, "bench.workers", f"{cpu_count()} cores, {arguments.rounds} rounds.\n\n{table(rows)}")
    return cli.EXIT_OK


if __name__ == "__main__":
    sys.exit(cli.run(main))
