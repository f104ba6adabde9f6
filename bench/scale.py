"""50,000 images through every stage of the data set: `python -m bench.scale --images 50000`.

The images are links to a smaller set. Each stage runs in a child process of its own, at 1,000 images and at the full
number, so that its peak memory is its own; time, memory, open files and bytes on disk go into docs/speed.md. Engines
are a waiting stand-in: this measures the data set, not the arithmetic. Bins are measured at the small number only
(50,000 would take 30 GB) unless --bins is given.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.material import linked, repeated, source_images, write_dumps
from bench.measure import timed
from bench.page import PAGE, replace_part
from bench.photographs import Photographs
from bench.preprocessing import BATCH
from bench.streaming import Waiting
from tools.ascend.dumps import read_logits
from tools.base import cli
from tools.base.files import ROOT
from tools.data.dataset import read_dataset
from tools.data.images import list_images
from tools.data.info import bin_rows, read_info, rows_of, write_info
from tools.data.pixel_maker import PixelMaker
from tools.data.pixels import PixelStore, write_pixels, write_stored_bins
from tools.engines.predictions import load_predictions, save_predictions
from tools.engines.streaming import stream
from tools.engines.topk import top_k
from tools.judge.ids import Variant
from tools.ports.spec import PUBLISHED_SPEC, load_spec
from tools.store.artifacts import Recipe, Store
from tools.store.content import digests_sha256, file_digests

SMALL = 1000
POLL_SECONDS = 0.05
RECIPE = load_spec(PUBLISHED_SPEC).preprocessing


@dataclass(frozen=True)
class Stage:
    """One stage: what it does in a folder that holds `val/` and `val_label.txt`, and what it leaves there."""

    name: str
    work: Callable[[Path], object]
    leaves: str | None
    small_only: bool = False


@dataclass(frozen=True)
class Measured:
    """A stage at one number of images: seconds (clock, CPU), peak memory in MiB, most files open, MiB left on disk."""

    stage: str
    images: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    open_files: int
    disk_mib: float


def read_labelled(folder: Path) -> dict[str, Path]:
    """Images and labels joined."""
    return read_dataset(folder / "val", folder / "val_label.txt", classes=1000, limit=None).images


def digested(folder: Path) -> str:
    """The digest that names the data set."""
    return digests_sha256(file_digests([*read_labelled(folder).values(), folder / "val_label.txt"]))


def pixels(folder: Path) -> Path:
    """The compact store as the suite keeps it: each image held against its digest; what is found is digested again."""
    images = read_labelled(folder)
    found = file_digests(images.values())
    expected = {name: found[path.name] for name, path in images.items()}
    recipe = Recipe("pixels", {"images": digests_sha256(expected)})
    return _cache(folder).get(recipe, lambda place: write_pixels(images, place, PixelMaker(RECIPE), expected)).path


def predicted(folder: Path) -> None:
    """The waiting engine over the store, and its predictions kept and read back."""
    with closing(PixelStore(_made(folder, "pixels"), RECIPE)) as store:
        (folder / "predictions").mkdir(exist_ok=True)
        save_predictions(stream(Waiting(0.0), store, BATCH), folder / "predictions")
    top_k(load_predictions(folder / "predictions", Variant("waiting")).logits)


def bins(folder: Path) -> None:
    """A file an image, from the store, as the suite keeps them."""
    with closing(PixelStore(_made(folder, "pixels"), RECIPE)) as store:
        _cache(folder).get(Recipe("bins", {}), lambda place: write_stored_bins(store, place))


def bins_listed(folder: Path) -> None:
    """The .info list of the bins, written and read back."""
    write_info(bin_rows(str(_made(folder, "bins")), 224, 224), folder / "bins.info")
    read_info(folder / "bins.info")


def _cache(folder: Path) -> Store:
    return Store(folder / "cache", "bench")


def _made(folder: Path, kind: str) -> Path:
    """The files of the one artifact of a kind that an earlier stage made."""
    (place,) = (folder / "cache" / kind).iterdir()
    return place / "files"


def photographs(folder: Path) -> Photographs:
    """The images as they are."""
    return Photographs(read_labelled(folder), RECIPE)


def listed(folder: Path) -> None:
    """The list of what the vendor's tool decodes."""
    images = folder / "val"
    write_info(rows_of(list_images(images), str(images)), folder / "val.info")


def dumps(folder: Path) -> None:
    """Text dumps read and ranked."""
    ids = tuple(read_labelled(folder))
    top_k(read_logits(folder / "dumps", ids, 1000, gate="accuracy.dumps"))


STAGES = (
    Stage("images and labels listed and joined", read_labelled, None),
    Stage("digest of the data set", digested, None),
    Stage(
        ".info list of the photographs",
        lambda at: write_info(rows_of(list_images(at / "val"), str(at / "val")), at / "val.info"),
        None,
    ),
    Stage("digests, compact store", pixels, "cache/pixels"),
    Stage("the same, found in the cache", pixels, "cache/pixels"),
    Stage("streamed from the store, kept, ranked", predicted, "predictions"),
    Stage("streamed from the photographs", lambda at: stream(Waiting(0.0), photographs(at), BATCH), None),
    Stage("text dumps read and ranked", dumps, None),
    Stage("bins from the store", bins, "cache/bins", small_only=True),
    Stage("the bins, found in the cache", bins, "cache/bins", small_only=True),
    Stage(".info list of the bins, read back", bins_listed, None, small_only=True),
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when every stage was measured and the page written."""
    parser = cli.Parser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--images", type=int, default=50_000, help="the full number (default: %(default)s)")
    parser.add_argument("--bins", action="store_true", help="write bins at the full number too (30 GB at 50,000)")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print the table, leave the page alone")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build", help="where to work (default: %(default)s)")
    parser.add_argument("--stage", type=int, help="run one stage in a prepared --scratch (what this command starts)")
    arguments = parser.parse_args(argv)
    if arguments.stage is not None:
        print(json.dumps(_run_stage(STAGES[arguments.stage], arguments.scratch)))
        return cli.EXIT_OK
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scale-", dir=arguments.scratch) as scratch:
        words, files = source_images(Path(scratch))
        counts = (min(SMALL, arguments.images), arguments.images)
        measured = [
            _measure_all(Path(scratch), files, count, bins=arguments.bins or count <= SMALL) for count in counts
        ]
    text = _table(*measured)
    print(text)
    if not arguments.only_print:
        replace_part(PAGE, "bench.scale", f"Links to {words}.\n\n{text}")
    return cli.EXIT_OK


def _measure_all(scratch: Path, files: list[Path], count: int, *, bins: bool) -> list[Measured]:
    """Every stage at one number of images, in a folder that is removed afterwards."""
    folder = scratch / str(count)
    images = linked(repeated(files, count), folder / "val")
    lines = [f"{name}.JPEG {number % 1000}\n" for number, name in enumerate(images)]
    (folder / "val_label.txt").write_text("".join(lines))
    write_dumps(folder / "dumps", list(images))
    wanted = [number for number, stage in enumerate(STAGES) if bins or not stage.small_only]
    found = [_in_child(number, folder, count) for number in wanted]
    shutil.rmtree(folder)
    return found


def _in_child(number: int, folder: Path, count: int) -> Measured:
    """Start this command again for one stage and take what it prints."""
    argv = [sys.executable, "-m", "bench.scale", "--stage", str(number), "--scratch", str(folder)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{STAGES[number].name}: {done.stderr}")
    print(f"{count} {STAGES[number].name}: {done.stdout.strip()}", file=sys.stderr)
    return Measured(stage=STAGES[number].name, images=count, **json.loads(done.stdout))


def _run_stage(stage: Stage, folder: Path) -> dict[str, float]:
    """Time a stage in this process and watch its open files; imports that it needs are done before."""
    import numpy  # noqa: F401
    from PIL import Image  # noqa: F401

    most, ended = [0], threading.Event()
    watcher = threading.Thread(target=_watch_files, args=(most, ended))
    watcher.start()
    try:
        timing = timed(lambda: stage.work(folder))
    finally:
        ended.set()
        watcher.join()
    return {
        "seconds": timing.wall,
        "cpu_seconds": timing.cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "open_files": most[0],
        "disk_mib": _mib(folder, stage.leaves),
    }


def _watch_files(most: list[int], ended: threading.Event) -> None:
    while not ended.wait(POLL_SECONDS):
        most[0] = max(most[0], sum(1 for _ in Path("/proc/self/fd").iterdir()))


def _mib(folder: Path, name: str | None) -> float:
    """MiB of a file, or of a folder's files; 0 for a stage that leaves nothing."""
    if name is None:
        return 0.0
    place = folder / name
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files) / 2**20


def _table(small: list[Measured], full: list[Measured]) -> str:
    """Both numbers of images side by side: time an image tells whether a stage is linear, memory whether it is flat."""
    few, many = small[0].images, full[0].images
    lines = [
        f"| stage | CPU ms an image at {few:,} | at {many:,} | seconds at {few:,} | at {many:,} "
        f"| peak MiB at {few:,} | at {many:,} | files open | MiB left |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    by_stage = {measured.stage: measured for measured in full}
    return "\n".join([*lines, *(_line(first, by_stage.get(first.stage)) for first in small)])


def _line(few: Measured, many: Measured | None) -> str:
    def cell(text: Callable[[Measured], str]) -> str:
        return f"{text(few)} | {'-' if many is None else text(many)}"

    milliseconds = cell(lambda at: f"{1000 * at.cpu_seconds / at.images:.2f}")
    seconds, peak = cell(lambda at: f"{at.seconds:.1f}"), cell(lambda at: f"{at.peak_mib:.0f}")
    last = many or few
    return f"| {few.stage} | {milliseconds} | {seconds} | {peak} | {last.open_files} | {last.disk_mib:.0f} |"


if __name__ == "__main__":
    sys.exit(cli.run(main))
