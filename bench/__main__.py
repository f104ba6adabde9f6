"""Speed of our steps against the reference scripts' way, as ratios of one run: `python -m bench`.

Writes a table and a plot into docs/speed.md. Rounds are interleaved; figures are medians with lowest and highest. The
machine's other work disturbs them: run it on an idle one. Nothing is asserted.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.material import source_images
from bench.page import PAGE, PLOT, plot, replace_part, table
from bench.preprocessing import measure_preprocessing, measure_store
from bench.pytest_runs import measure_collecting, measure_reruns
from bench.results import measure_dumps
from bench.rows import Row, Setting
from bench.streaming import measure_device_streaming, measure_host_streaming
from tools.base import cli
from tools.base.files import atomic, cpu_count
from tools.base.progress import progress
from tools.ports.spec import PUBLISHED_SPEC, load_spec


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when everything was measured and the page written."""
    parser = cli.Parser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement (default: %(default)s)")
    parser.add_argument("--images", type=int, default=2000, help="images a streaming run (default: %(default)s)")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print the table, leave the page alone")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        words, files = source_images(Path(scratch))
        recipe = load_spec(PUBLISHED_SPEC).preprocessing
        setting = Setting(files, recipe, Path(scratch), arguments.rounds)
        load = os.getloadavg()[0]
        rows = _measure(setting, arguments.images)
    text = (
        f"{words}, {cpu_count()} cores, {arguments.rounds} rounds; load of the machine before the run {load:.1f}.\n\n"
    )
    print(table(rows))
    if not arguments.only_print:
        with atomic(PLOT) as partial:
            partial.write_text(plot(rows), encoding="utf-8")
        replace_part(
            PAGE, "bench", f"{text}{table([row for row in rows if row.goal is not None])}\n\n![ratios]({PLOT.name})"
        )
        print(f"{PAGE}: written")
    return cli.EXIT_OK


def _measure(setting: Setting, images: int) -> list[Row]:
    """All rows; each part frees the disk that it took."""
    parts: list[Callable[[], list[Row]]] = [
        lambda: measure_preprocessing(setting),
        lambda: measure_store(setting),
        lambda: measure_device_streaming(setting, 3 * images),
        lambda: measure_host_streaming(setting, images // 2),
        lambda: measure_dumps(setting, images // 4),
        lambda: measure_collecting(setting),
        lambda: measure_reruns(setting),
    ]
    return [row for part in progress(parts, what="measure", total=len(parts)) for row in part()]


if __name__ == "__main__":
    sys.exit(cli.run(main))
