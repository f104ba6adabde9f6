"""The data-set part of the OM stage on the simulator: `python -m bench.workers`, two minutes on an idle machine.

Two workers of `pytest -n`, and two simulated devices, against one; ratios go into docs/speed.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.measure import in_turn
from bench.page import PAGE, replace_part, table
from bench.rows import Row, Setting
from tools import cli
from tools.files import cpu_count
from tools.spec import ROOT, SAMPLE_SPEC, load_spec

BATCHES = [8, 16]
ONE_CORE_EACH = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""A simulated device computes in numpy: with all cores for one of them, two would have nothing to gain."""


def measure_workers(setting: Setting, images: int) -> list[Row]:
    """Predictions of two OMs over the data set made again, everything else found in the cache.

    Start of pytest and of its workers is in the times, so a ratio stays below the number of cores.
    """
    folder = setting.fresh("workers")
    spec = re.sub(r"(?m)^batches: .*$", f"batches: {BATCHES}", SAMPLE_SPEC.read_text(encoding="utf-8"))
    (folder / "spec.yaml").write_text(spec, encoding="utf-8")
    again = partial(_predict_again, folder, images)
    steps: dict[str, Callable[[], None]] = {
        "one worker": partial(again, "-n", "1"),
        "two workers": partial(again, "-n", "2"),
        "one device": partial(again, "--device", "0"),
        "two devices": partial(again, "--device", "0,1"),
    }
    rounds = in_turn(steps, setting.rounds)
    step = f"two OMs over {images} images, simulated"
    return [
        Row(f"{step}: pytest -n 2", "pytest -n 1", rounds.ratio("one worker", "two workers"), None),
        Row(f"{step}: two devices", "one device", rounds.ratio("one device", "two devices"), None),
    ]


def _predict_again(folder: Path, images: int, *words: str) -> None:
    shutil.rmtree(folder / "cache" / "predictions-om", ignore_errors=True)
    argv = [sys.executable, "-m", "pytest", "--sample", f"--limit={images}", f"--spec={folder / 'spec.yaml'}"]
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
    parser.add_argument("--images", type=int, default=200, help="images of the sample (default: %(default)s)")
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
