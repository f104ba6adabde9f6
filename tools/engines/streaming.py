"""Photographs straight to predictions: images are prepared on all cores while the engine works on earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tools.engines import Engine
from tools.engines.predictions import Predictions
from tools.errors import AccuracyError, PreprocessingError
from tools.files import cpu_count
from tools.parallel import in_order
from tools.pixels import PixelStore
from tools.preprocess import UnreadableImageError, image_pixels, normalise
from tools.progress import progress
from tools.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Fill = Callable[[str, NDArray[np.float32]], None]


def stream_predict(engine: Engine, images: Mapping[str, Path], recipe: Preprocessing, batch: int) -> Predictions:
    """What `predict` makes of the images' bins, without the bins: logits of every image, `batch` at a time.

    Beside the result (classes x 4 bytes an image) the memory is that of a few batches, whatever the number of images.
    An unreadable image, an error of the engine and Ctrl-C end it at once; PreprocessingError names the image.
    """

    def fill(name: str, tensor: NDArray[np.float32]) -> None:
        try:
            normalise(image_pixels(images[name], recipe), recipe, tensor)
        except UnreadableImageError as error:
            raise PreprocessingError(
                f"cannot be read: {error}",
                gate="preprocessing.images",
                where=images[name],
                fix="restore the file; tools/imagenet_torch_preprocess.py names all that cannot be read",
            ) from error

    return _predict(engine, tuple(images), fill, recipe.crop_px, batch)


def stream_stored(engine: Engine, store: PixelStore, batch: int) -> Predictions:
    """The same from images that were preprocessed before: for the second engine, the other batch sizes."""
    return _predict(engine, store.ids, store.fill, store.recipe.crop_px, batch)


def prepared_batches(ids: Sequence[str], fill: Fill, crop_px: int, batch: int) -> Generator[NDArray[np.float32]]:
    """Yield float32 (N, 3, crop, crop) for `batch` ids at a time, in order, the last one smaller.

    `fill(id, tensor)` runs in threads, ahead of the consumer by two batches, and by eight images for each core where
    batches are small. A yielded array is overwritten later: use it before asking for the next one.
    """
    import numpy as np

    workers = cpu_count()
    ahead = max(2, -(-8 * workers // batch))
    buffers = np.empty((ahead + 1, batch, 3, crop_px, crop_px), np.dtype("<f4"))

    def prepare(item: tuple[int, str]) -> int:
        position, name = item
        fill(name, buffers[position // batch % len(buffers), position % batch])
        return position

    with (
        ThreadPoolExecutor(workers, thread_name_prefix="prepare") as pool,
        closing(in_order(pool, prepare, enumerate(ids), window=ahead * batch)) as positions,
    ):
        for position in positions:
            count = position % batch + 1
            if count == batch or position == len(ids) - 1:
                yield buffers[position // batch % len(buffers), :count]


def _predict(engine: Engine, ids: Sequence[str], fill: Fill, crop_px: int, batch: int) -> Predictions:
    import numpy as np

    logits: NDArray[np.float32] | None = None
    total, start = -(-len(ids) // batch), 0
    with closing(prepared_batches(ids, fill, crop_px, batch)) as batches:
        for images in progress(batches, what=f"{engine.name} predictions", total=total, unit="batch"):
            part = engine.logits(images)
            if logits is None:
                logits = np.empty((len(ids), *part.shape[1:]), part.dtype)
            if part.shape != (len(images), *logits.shape[1:]):
                raise _wrong_rows(engine.name, part.shape, len(images))
            logits[start : start + len(part)] = part
            start += len(part)
    if logits is None:
        raise PreprocessingError("there is no image to predict", gate="preprocessing.images")
    return Predictions(variant=engine.name, ids=tuple(ids), logits=logits)


def _wrong_rows(variant: str, shape: tuple[int, ...], images: int) -> AccuracyError:
    return AccuracyError(
        f"{variant} gave other than one row of logits an image",
        gate=f"{variant}.accuracy.ids",
        measured=f"shape {list(shape)}",
        allowed=f"{images} rows",
    )
