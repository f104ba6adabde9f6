"""Photographs to tensors: against the guide's script, against what Pillow alone takes, and back from the store."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from bench.material import repeated
from bench.measure import Rounds, Spread, in_turn, spread
from bench.reference import preprocessing_loop, with_one_thread
from bench.rows import Row, Setting
from tools.base.files import cpu_count
from tools.data.bins import read_bins, write_bins
from tools.data.pixel_maker import PixelMaker
from tools.data.pixels import PixelStore, write_pixels, write_stored_bins
from tools.data.preprocess import image_pixels, read_image
from tools.judge.spec import Preprocessing

BATCH, IMAGES = 16, 400
SCRIPT = "the guide's script"


def measure_preprocessing(setting: Setting) -> list[Row]:
    """The whole step against the guide's script, and the limit that Pillow sets."""
    rounds = _rounds(setting)
    limit = "decode and resize alone (Pillow's limit), all cores"
    both = {"store": "compact store written, all cores", "bins": "bins written, all cores"}
    return [
        *(Row(what, SCRIPT, rounds.ratio("reference", name), 3.0) for name, what in both.items()),
        *(Row(f"the same by CPU time: {what}", SCRIPT, by_cpu_time(rounds, name), None) for name, what in both.items()),
        Row(limit, SCRIPT, rounds.ratio("reference", "pixels"), None),
        Row(f"the same by CPU time: {limit}", SCRIPT, by_cpu_time(rounds, "pixels"), None),
        Row("decoding alone, all cores", SCRIPT, rounds.ratio("reference", "decoded"), None),
        Row("compact store written, all cores", "decode and resize alone", rounds.ratio("pixels", "store"), None, True),
        Row("decode and resize, all cores", "one core", rounds.ratio("one core", "pixels"), None),
        Row("compact store found whole by a second run", SCRIPT, rounds.ratio("reference", "resumed"), None),
    ]


def measure_store(setting: Setting) -> list[Row]:
    """What the suite does with its store: bins for tools that read files, batches for engines that do not."""
    images = repeated(setting.files, IMAGES)
    write_pixels(images, setting.fresh("store"), PixelMaker(setting.recipe))
    with closing(PixelStore(setting.scratch / "store", setting.recipe)) as store:
        write_stored_bins(store, setting.fresh("bins"))
        parts = [store.ids[start : start + BATCH] for start in range(0, len(images), BATCH)]
        rounds = in_turn(
            {
                "preprocessed": lambda: write_bins(images, setting.fresh("preprocessed"), PixelMaker(setting.recipe)),
                "bins written": lambda: write_stored_bins(store, setting.fresh("written")),
                "bins read": lambda: [read_bins(setting.scratch / "bins", part, setting.recipe) for part in parts],
                "store read": lambda: [store.read(part) for part in parts],
            },
            setting.rounds,
        )
    return [
        Row("bins from the store", "bins from photographs", rounds.ratio("preprocessed", "bins written"), None),
        Row("images from the store", "bins in the page cache", rounds.ratio("bins read", "store read"), None),
    ]


def by_cpu_time(rounds: Rounds, name: str) -> Spread:
    """What the ratio would be if both ways had the cores to themselves and ours used all of them without a gap."""
    pairs = zip(rounds.cpu("thread"), rounds.cpu(name), strict=True)
    return spread(cpu_count() * reference / ours for reference, ours in pairs)


def _rounds(setting: Setting) -> Rounds:
    images, recipe = repeated(setting.files, IMAGES), setting.recipe
    files, loop = list(images.values()), preprocessing_loop(recipe)
    return in_turn(
        {
            "threads": lambda: loop(images, setting.fresh("reference")),
            "thread": lambda: with_one_thread(lambda: loop(images, setting.fresh("reference"))),
            "bins": lambda: write_bins(images, setting.fresh("bins"), PixelMaker(recipe)),
            "store": lambda: write_pixels(images, setting.fresh("store"), PixelMaker(recipe)),
            "pixels": lambda: _on_all_cores(lambda path: _pixels(path, recipe), files),
            "decoded": lambda: _on_all_cores(_decode, files),
            "one core": lambda: [_pixels(path, recipe) for path in files],
            "resumed": lambda: write_pixels(images, setting.scratch / "store", PixelMaker(recipe)),
        },
        setting.rounds,
    ).quicker("reference", "threads", "thread")


def _pixels(path: Path, recipe: Preprocessing) -> bytes:
    return image_pixels(read_image(path), recipe)


def _decode(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.load()


def _on_all_cores(work: Callable[[Path], object], files: list[Path]) -> None:
    with ThreadPoolExecutor(cpu_count()) as pool:
        for _ in pool.map(work, files):
            pass
