"""Random integers that are the same everywhere: the raw PCG64 stream, which numpy guarantees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BELL_DEVIATION = 148


def random_integers(seed: int, shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
    """Little-endian integers straight from PCG64's raw stream, uniform over the dtype's whole range."""
    import numpy as np

    count, words = math.prod(shape), -(-math.prod(shape) * np.dtype(dtype).itemsize // 8)
    return np.random.PCG64(seed).random_raw(words).astype("<u8").view(dtype)[:count].reshape(shape)


def bell_curve(seed: int, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Integers with mean 0 and standard deviation BELL_DEVIATION: sums of four int8, whose mean is -1/2 each."""
    import numpy as np

    sums: npt.NDArray[np.int64] = random_integers(seed, (*shape, 4), "i1").astype(np.int64).sum(axis=-1)
    return sums + 2
