"""The measurements: each returns rows for the page, a figure, its spread, the goal, and what was compared."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.material import repeated, write_dumps
from bench.measure import Rounds, Spread, in_turn, spread
from bench.reference import preprocessing_loop, score_dumps, with_one_thread
from tools.bins import read_bins, write_bins
from tools.dumps import read_logits
from tools.engines import Engine
from tools.engines.predictions import predict
from tools.engines.streaming import prepared_batches, stream_predict, stream_stored
from tools.files import cpu_count
from tools.judge.topk import hits, top_k
from tools.pixels import PixelStore, write_pixels
from tools.preprocess import image_pixels, image_tensor, normalise
from tools.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH = 16


@dataclass(frozen=True)
class Row:
    """One line of the table; `value` is a ratio (times as quick) or a share (of 1), `goal` None where none was set."""

    step: str
    compared: str
    value: Spread
    goal: float | None
    share: bool = False


@dataclass(frozen=True)
class Setting:
    """What every measurement needs: files, recipe, an empty folder, how many rounds."""

    files: list[Path]
    recipe: Preprocessing
    scratch: Path
    rounds: int

    def fresh(self, name: str) -> Path:
        """An empty folder of this name."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


class Waiting:
    """An engine that waits like a device: the cores are free meanwhile. It sleeps so long for each image."""

    name = "waiting"

    def __init__(self, seconds_per_image: float) -> None:
        self._seconds = seconds_per_image

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Engine.logits."""
        import numpy as np

        time.sleep(self._seconds * len(images))
        return np.zeros((len(images), 1000), np.float32)


def measure_preprocessing(setting: Setting) -> list[Row]:
    """The whole step against the guide's script, its parts, and the limit that Pillow sets."""
    images = {path.stem: path for path in setting.files}
    loop, recipe = preprocessing_loop(setting.recipe), setting.recipe
    rounds = in_turn(
        {
            "threads": lambda: loop(images, setting.fresh("reference")),
            "thread": lambda: with_one_thread(lambda: loop(images, setting.fresh("reference"))),
            "bins": lambda: write_bins(images, setting.fresh("bins"), recipe),
            "pixels": lambda: write_pixels(images, setting.fresh("pixels"), recipe),
            "tensors": lambda: _on_all_cores(lambda path: image_tensor(path, recipe), setting.files),
            "decoded": lambda: _on_all_cores(_decode, setting.files),
            "one core": lambda: [image_tensor(path, recipe) for path in setting.files],
            "resume": lambda: write_bins(images, setting.scratch / "bins", recipe),
        },
        setting.rounds,
    ).quicker("reference", "threads", "thread")
    against = "the guide's script"
    return [
        Row("preprocessing, bins written, all cores", against, rounds.ratio("reference", "bins"), 3.0),
        Row("the same by CPU time, cores free of other work", against, _by_cpu_time(rounds), None),
        Row("preprocessing, compact store written, all cores", against, rounds.ratio("reference", "pixels"), None),
        Row("preprocessing, tensors in memory, all cores", against, rounds.ratio("reference", "tensors"), None),
        Row("preprocessing, tensors in memory, one core", against, rounds.ratio("reference", "one core"), None),
        Row("decoding alone, all cores (the limit)", against, rounds.ratio("reference", "decoded"), None),
        Row("bins found whole by a second run", against, rounds.ratio("reference", "resume"), None),
        Row("preprocessing, tensors", "decoding alone", rounds.ratio("decoded", "tensors"), None, share=True),
        Row("preprocessing, bins", "decoding alone", rounds.ratio("decoded", "bins"), None, share=True),
    ]


def measure_store(setting: Setting) -> list[Row]:
    """Reading images back: float32 bins, uint8 store."""
    images = {path.stem: path for path in setting.files}
    write_bins(images, setting.fresh("bins"), setting.recipe)
    write_pixels(images, setting.fresh("store"), setting.recipe)
    ids, store = tuple(images), PixelStore(setting.scratch / "store", setting.recipe)
    parts = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    rounds = in_turn(
        {
            "bins": lambda: [read_bins(setting.scratch / "bins", part, setting.recipe) for part in parts],
            "store": lambda: [store.read(part) for part in parts],
            "prepare": lambda: _drain(ids, store.fill, setting.recipe),
        },
        setting.rounds,
    )
    store.close()
    return [
        Row(
            "images from the compact store, one core", "reading bins (page cache)", rounds.ratio("bins", "store"), None
        ),
        Row(
            "images from the compact store, all cores",
            "reading bins (page cache)",
            rounds.ratio("bins", "prepare"),
            None,
        ),
    ]


def measure_device_streaming(setting: Setting, images_per_run: int) -> list[Row]:
    """Streaming to an engine that waits, at speeds around that of preprocessing: share of the slower stage's rate."""
    images = repeated(setting.files, images_per_run)
    fill = _fill(images, setting.recipe)
    seconds = in_turn({"prepare": lambda: _drain(tuple(images), fill, setting.recipe)}, 3)
    alone = spread(seconds.wall("prepare")).median / len(images)
    rows = []
    for speed in (2.0, 1.0, 0.5, 0.25):
        share = _share_of_slower(Waiting(alone / speed), images, setting)
        what = f"streaming, device {speed:g} x as quick as preprocessing"
        rows.append(Row(what, "the slower stage", share, 0.9, share=True))
    return rows


def _share_of_slower(engine: Engine, images: Mapping[str, Path], setting: Setting) -> Spread:
    """Rate of streaming over the rate of its slower stage alone, in the same round."""
    fill = _fill(images, setting.recipe)
    rounds = in_turn(
        {
            "prepare": lambda: _drain(tuple(images), fill, setting.recipe),
            "engine": lambda: _run_alone(engine, len(images), setting.recipe),
            "streamed": lambda: stream_predict(engine, images, setting.recipe, BATCH),
        },
        setting.rounds,
    )
    slower = [max(pair) for pair in zip(rounds.wall("prepare"), rounds.wall("engine"), strict=True)]
    return spread(stage / whole for stage, whole in zip(slower, rounds.wall("streamed"), strict=True))


def measure_cpu_streaming(setting: Setting, images_per_run: int) -> list[Row]:
    """Streaming to torch on the same cores: against the summed CPU time, and against the guide's way through bins."""
    from tools.engines.torch_engine import TorchEngine
    from tools.sample import state_dict

    images, engine = repeated(setting.files, images_per_run), TorchEngine(state_dict(), "alexnet")
    fill, recipe = _fill(images, setting.recipe), setting.recipe
    write_pixels(images, setting.fresh("store"), recipe)
    store = PixelStore(setting.scratch / "store", recipe)

    def by_bins() -> None:
        folder = setting.fresh("bins")
        write_bins(images, folder, recipe)
        predict(engine, folder, tuple(images), recipe, BATCH)

    rounds = in_turn(
        {
            "prepare": lambda: _drain(tuple(images), fill, recipe),
            "engine": lambda: _run_alone(engine, len(images), recipe),
            "streamed": lambda: stream_predict(engine, images, recipe, BATCH),
            "stored": lambda: stream_stored(engine, store, BATCH),
            "bins": by_bins,
        },
        setting.rounds,
    )
    store.close()
    return [
        Row("streaming to torch on the CPU, wall time", "summed CPU time over the cores", _allowed(rounds), 0.95, True),
        Row("streaming to torch on the CPU, CPU time", "summed CPU time", _work(rounds), None, True),
        Row("streaming to torch on the CPU", "bins written, then predicted", rounds.ratio("bins", "streamed"), None),
        Row(
            "torch again, from the compact store", "bins written, then predicted", rounds.ratio("bins", "stored"), None
        ),
    ]


def measure_dumps(setting: Setting, dumps: int) -> list[Row]:
    """Text dumps to Top-1 to Top-5."""
    import numpy as np

    ids = list(repeated(setting.files, dumps))
    folder = setting.fresh("dumps") / "result"
    write_dumps(folder, ids)
    labels = {name: number % 1000 for number, name in enumerate(ids)}
    expected = np.fromiter(labels.values(), np.int64, len(labels))
    rounds = in_turn(
        {
            "reference": lambda: score_dumps(folder, labels),
            "ours": lambda: hits(top_k(read_logits(folder, ids, 1000, gate="accuracy.dumps")), expected),
            "read": lambda: [path.read_bytes() for path in folder.iterdir()],
        },
        setting.rounds,
    )
    against = "the guide's vision_metric.py"
    return [
        Row("text dumps to Top-1 to Top-5", against, rounds.ratio("reference", "ours"), 5.0),
        Row("reading the bytes alone (the limit)", against, rounds.ratio("reference", "read"), None),
    ]


def _by_cpu_time(rounds: Rounds) -> Spread:
    """What the ratio would be if both ways had the cores to themselves and ours used all of them without a gap."""
    pairs = zip(rounds.cpu("thread"), rounds.cpu("bins"), strict=True)
    return spread(cpu_count() * reference / bins for reference, bins in pairs)


def _allowed(rounds: Rounds) -> Spread:
    """Share of the rate that the CPU time of both stages, measured apart, allows on all cores."""
    cores = cpu_count()
    stages = zip(rounds.cpu("prepare"), rounds.cpu("engine"), rounds.wall("streamed"), strict=True)
    return spread((prepare + engine) / cores / wall for prepare, engine, wall in stages)


def _work(rounds: Rounds) -> Spread:
    """CPU time of both stages apart over that of streaming: below 1 streaming wastes some."""
    stages = zip(rounds.cpu("prepare"), rounds.cpu("engine"), rounds.cpu("streamed"), strict=True)
    return spread((prepare + engine) / streamed for prepare, engine, streamed in stages)


def _fill(images: Mapping[str, Path], recipe: Preprocessing) -> Callable[[str, NDArray[np.float32]], None]:
    return lambda name, tensor: normalise(image_pixels(images[name], recipe), recipe, tensor)


def _drain(ids: tuple[str, ...], fill: Callable[[str, NDArray[np.float32]], None], recipe: Preprocessing) -> None:
    """Preprocessing alone: batches that nobody uses."""
    for _ in prepared_batches(ids, fill, recipe.crop_px, BATCH):
        pass


def _run_alone(engine: Engine, images: int, recipe: Preprocessing) -> None:
    """The engine alone: the same batch again and again."""
    import numpy as np

    batch = np.zeros((BATCH, 3, recipe.crop_px, recipe.crop_px), np.float32)
    for start in range(0, images, BATCH):
        engine.logits(batch[: images - start])


def _on_all_cores(work: Callable[[Path], object], files: list[Path]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(cpu_count()) as pool:
        for _ in pool.map(work, files):
            pass


def _decode(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.load()
