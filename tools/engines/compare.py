"""How far two engines' logits lie apart on the same images, and one engine's from itself at another batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.engines import Engine
from tools.judge.facts import LogitErrors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH = 16


def compare_engines(reference: Engine, candidate: Engine, images: NDArray[np.float32]) -> LogitErrors:
    """Compare logits of images (N, 3, H, W): candidate with reference, and candidate in batches of 16 with alone."""
    import numpy as np

    alone = np.concatenate([candidate.logits(images[i : i + 1]) for i in range(len(images))])
    together = np.concatenate([candidate.logits(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])
    return LogitErrors(
        images=len(images),
        to_reference=float(np.abs(together - reference.logits(images)).max()),
        between_batches=float(np.abs(together - alone).max()),
    )


def largest_difference(first: Engine, second: Engine, images: NDArray[np.float32]) -> float:
    """The largest absolute difference of any logit of images (N, 3, H, W); NaN where there is one."""
    import numpy as np

    parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
    return float(np.max([np.abs(first.logits(part) - second.logits(part)).max() for part in parts]))
