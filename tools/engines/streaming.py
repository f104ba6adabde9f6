"""Images straight to predictions, no file between: preparing them and the engine's work overlap, in bounded memory."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from tools.base.errors import AccuracyError, PreprocessingError
from tools.base.files import cpu_count
from tools.base.parallel import in_order
from tools.base.progress import progress
from tools.engines import Engine, HostEngine
from tools.engines.predictions import Predictions
from tools.judge.ids import PREPROCESSING_IMAGES, Variant
from tools.judge.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Logits = Callable[[NDArray[np.float32]], NDArray[np.float32]]

READ_AHEAD = 2
"""Batches ready or under way beyond one a core, so that a device finds the next one whenever it is free."""


class Source(Protocol):
    """Images by id, such as a store of preprocessed ones."""

    @property
    def recipe(self) -> Preprocessing:
        """How they are preprocessed."""
        ...

    @property
    def ids(self) -> Sequence[str]:
        """All of them, in the order of the predictions."""
        ...

    def fill(self, name: str, tensor: NDArray[np.float32]) -> None:
        """Write one image into `tensor`, float32 CHW (3, height, width), normalised; threads may call it at once."""
        ...


def stream(engine: Engine, source: Source, batch: int) -> Predictions:
    """Logits of every image of the source, `batch` at a time, rows in the order of its ids.

    Every worker takes a batch through both steps. An engine on the host gets one core for each call, so that there is
    as much work as cores and nobody waits for another; a device gets one call at a time, and more workers prepare
    meanwhile. Beside the result (classes x 4 bytes an image) the memory is one batch a worker, whatever the number of
    images. An unreadable image, an error of the engine and Ctrl-C end it at once.
    """
    if isinstance(engine, HostEngine):
        with engine.on_one_core() as single:
            return _predict(engine.name, single.logits, source, batch, workers=cpu_count())
    device = threading.Lock()

    def one_at_a_time(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with device:
            return engine.logits(images)

    return _predict(engine.name, one_at_a_time, source, batch, workers=cpu_count() + READ_AHEAD)


def _predict(variant: str, logits_of: Logits, source: Source, batch: int, *, workers: int) -> Predictions:
    import numpy as np

    ids, size = tuple(source.ids), source.recipe.size
    if not ids:
        raise PreprocessingError("there is no image to predict", gate=PREPROCESSING_IMAGES)
    free: queue.SimpleQueue[NDArray[np.float32]] = queue.SimpleQueue()
    for _ in range(workers):
        free.put(np.empty((batch, 3, *size), np.dtype("<f4")))

    def rows(start: int) -> NDArray[np.float32]:
        images, part = free.get(), ids[start : start + batch]
        try:
            for name, tensor in zip(part, images, strict=False):
                source.fill(name, tensor)
            return np.array(logits_of(images[: len(part)]))
        finally:
            free.put(images)

    starts, logits = range(0, len(ids), batch), np.empty((0, 0), np.float32)
    with (
        ThreadPoolExecutor(workers, thread_name_prefix="stream") as pool,
        closing(in_order(pool, rows, starts, window=2 * workers)) as parts,
    ):
        shown = progress(parts, what=f"{variant} predictions", total=len(starts), unit="batch")
        for start, part in zip(starts, shown, strict=True):
            if start == 0:
                logits = np.empty((len(ids), *part.shape[1:]), part.dtype)
            _refuse_other_shape(variant, part.shape, (min(batch, len(ids) - start), *logits.shape[1:]))
            logits[start : start + batch] = part
    return Predictions(variant=Variant(variant), ids=ids, logits=logits)


def _refuse_other_shape(variant: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise AccuracyError(
            f"{variant} gave other than one row of logits an image",
            gate=Variant(variant).gate("ids"),
            measured=f"shape {list(found)}",
            allowed=f"{expected[0]} rows",
        )
