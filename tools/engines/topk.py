"""Which classes rank highest, and how many images have their label among them; ties rank by lowest class index."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS_AT_ONCE = 256  # a block of 256 x 1000 float32 stays in the cache and bounds the memory beside the result


def top_k(logits: NDArray[np.floating], k: int = 5) -> NDArray[np.int64]:
    """The k highest classes of each row, best first: float (N, C) to int64 (N, k).

    Equal scores rank by lowest class index, exactly as a stable argsort of `-logits` ranks them. ValueError for NaN
    and infinities, which have no rank that means anything, and for k outside 1..C.
    """
    import numpy as np

    if logits.ndim != 2 or not 1 <= k <= logits.shape[1]:
        raise ValueError(f"logits have the shape {logits.shape}, asked for the top {k}")
    top = np.empty((len(logits), k), np.int64)
    for start in range(0, len(logits), ROWS_AT_ONCE):
        block = logits[start : start + ROWS_AT_ONCE].copy()
        if not np.isfinite(block).all():
            row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise ValueError(f"row {row} holds NaN or an infinity")
        rows = np.arange(len(block))
        for rank in range(k):
            best = block.argmax(axis=1)  # the first of equal maxima: the lowest class index
            top[start + rows, rank] = best
            block[rows, best] = -np.inf
    return top


def hits(top: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[int, ...]:
    """How many of N images have their label among the first 1, 2 … k classes: int64 (N, k) and (N,) to k counts.

    ValueError when there is not one label for each row.
    """
    import numpy as np

    if top.ndim != 2 or labels.shape != top.shape[:1]:
        raise ValueError(f"top classes of the shape {top.shape} and labels of the shape {labels.shape}")
    return tuple(int(count) for count in np.cumsum((top == labels[:, None]).sum(axis=0)))


def accuracies_percent(counts: tuple[int, ...], images: int) -> tuple[float, ...]:
    """Counts of hits as percent of the images; ValueError for no images, of which there is no percentage."""
    if images < 1:
        raise ValueError(f"accuracy of {images} images")
    return tuple(100 * count / images for count in counts)
