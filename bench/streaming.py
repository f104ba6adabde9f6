"""Streaming: to an engine that waits like a device and leaves the cores free, and to one that wants the same cores."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bench.material import repeated
from bench.measure import Rounds, Spread, in_turn, spread
from bench.photographs import Photographs
from bench.reference import predict_bins
from bench.rows import Row, Setting
from tools.base.files import cpu_count
from tools.data.bins import write_bins
from tools.data.pixel_maker import PixelMaker
from tools.data.pixels import PixelStore, write_pixels
from tools.engines.streaming import stream
from tools.judge.spec import Preprocessing
from tools.pipeline.streamed import BATCH
from tools.ports.spec import SAMPLE_SPEC, load_spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPEEDS = (2.0, 1.0, 0.5)


class Waiting:
    """An engine that waits like a device: the cores are free meanwhile. It sleeps so long for each image."""

    name = "waiting"

    def __init__(self, seconds_per_image: float) -> None:
        self._seconds = seconds_per_image

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Engine.logits."""
        import numpy as np

        time.sleep(self._seconds * len(images))
        return np.ones((len(images), 1000), np.float32)


class Idle(Waiting):
    """An engine on the host that does nothing: what is left is preparing the images."""

    def __init__(self) -> None:
        super().__init__(0.0)

    @contextmanager
    def on_one_core(self) -> Iterator[Waiting]:
        """See HostEngine.on_one_core."""
        yield self


@dataclass(frozen=True)
class Prepared:
    """Photographs that lie in the tensors of one `stream` from their first use on: what is left is the engine.

    Blank images would not do: on tensors of ones torch takes a tenth less CPU time for AlexNet than on photographs.
    """

    ids: tuple[str, ...]
    recipe: Preprocessing
    images: NDArray[np.float32]
    filled: set[int] = field(default_factory=set)

    def fill(self, name: str, tensor: NDArray[np.float32]) -> None:
        """See Source.fill; `stream` uses the same tensors again and again."""
        address = tensor.ctypes.data
        if address not in self.filled:
            tensor[...] = self.images[len(self.filled) % len(self.images)]
            self.filled.add(address)


def measure_device_streaming(setting: Setting, images: int) -> list[Row]:
    """To an engine that waits, at speeds around that of preprocessing: share of the slower stage's own rate.

    The engine alone takes what it is told to: so many images times so many seconds. The batch size is the suite's own:
    once a batch the device waits until a thread is awake on busy cores. The images are so many that the first batches,
    for which the engine must wait, and the last, for which preprocessing has no work, are 3 % of all.
    """
    source = Photographs(repeated(setting.files, images), setting.recipe)
    alone = spread(in_turn({"": lambda: stream(Idle(), source, BATCH)}, 2).wall("")).median / images
    engines = {speed: Waiting(alone / speed) for speed in SPEEDS}
    streamed = {f"{speed:g}": partial(stream, engine, source, BATCH) for speed, engine in engines.items()}
    rounds = in_turn({"prepare": lambda: stream(Idle(), source, BATCH), **streamed}, setting.rounds)
    return [
        Row(
            f"streaming, device {speed:g} x as quick as preprocessing",
            "the slower stage",
            spread(
                max(prepare, images * alone / speed) / wall
                for prepare, wall in zip(rounds.wall("prepare"), rounds.wall(f"{speed:g}"), strict=True)
            ),
            0.9,
            share=True,
        )
        for speed in SPEEDS
    ]


def measure_host_streaming(setting: Setting, images: int) -> list[Row]:
    """To torch on the same cores: against the summed CPU time, and against the guide's way through bins."""
    from tools.engines.torch_engine import TorchEngine
    from tools.model.network import Network
    from tools.sample.checkpoint import state_dict

    network = Network(load_spec(SAMPLE_SPEC).model, SAMPLE_SPEC.parent)
    named, engine, recipe = repeated(setting.files, images), TorchEngine(network.build(state_dict())), setting.recipe
    photographs = Photographs(named, recipe)
    write_pixels(named, setting.fresh("store"), PixelMaker(recipe))

    def by_bins() -> None:
        write_bins(named, setting.fresh("bins"), PixelMaker(recipe))
        predict_bins(engine, setting.scratch / "bins", tuple(named), recipe, BATCH)

    with closing(PixelStore(setting.scratch / "store", recipe)) as store:
        prepared = store.read(store.ids[: 2 * BATCH])
        rounds = in_turn(
            {
                "prepare": lambda: stream(Idle(), photographs, BATCH),
                "engine": lambda: stream(engine, Prepared(store.ids, recipe, prepared), BATCH),
                "streamed": lambda: stream(engine, photographs, BATCH),
                "stored": lambda: stream(engine, store, BATCH),
                "bins": by_bins,
            },
            setting.rounds,
        )
    step, bins = "streaming to torch on the CPU", "bins written, then predicted"
    return [
        Row(f"{step}, wall time", "summed CPU time over the cores", _allowed(rounds), 0.95, True),
        Row(f"{step}, CPU time", "summed CPU time", _work(rounds), None, True),
        Row(step, bins, rounds.ratio("bins", "streamed"), None),
        Row("torch again, from the compact store", bins, rounds.ratio("bins", "stored"), None),
    ]


def _allowed(rounds: Rounds) -> Spread:
    """Share of the rate that the CPU time of both stages, measured apart, allows on all cores."""
    stages = zip(rounds.cpu("prepare"), rounds.cpu("engine"), rounds.wall("streamed"), strict=True)
    return spread((prepare + engine) / cpu_count() / wall for prepare, engine, wall in stages)


def _work(rounds: Rounds) -> Spread:
    """CPU time of both stages apart over that of streaming: below 1 streaming wastes some."""
    stages = zip(rounds.cpu("prepare"), rounds.cpu("engine"), rounds.cpu("streamed"), strict=True)
    return spread((prepare + engine) / streamed for prepare, engine, streamed in stages)
