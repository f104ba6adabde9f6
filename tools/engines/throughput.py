"""Host throughput: engines measured in turn in one run, so that only their ratio matters, never the machine's speed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.engines import Engine
from tools.judge.host import ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Paired:
    """Raw samples of two engines measured in turn: seconds per image, one a round, same round at the same index."""

    batch: int
    candidate: tuple[float, ...]
    reference: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Candidate's throughput over the reference's: the median over rounds of the ratio inside each round."""
        return ratio(self.candidate, self.reference)


def measure_in_turn(
    candidate: Engine, reference: Engine, images: NDArray[np.float32], *, rounds: int, images_per_round: int
) -> Paired:
    """Time both engines on one batch of images, A B A B …, each round running it often enough for the images asked.

    One warm-up of each is not counted. `images` is one batch (N, 3, H, W); the samples are seconds per image.
    """
    engines, repeats = (candidate, reference), -(-images_per_round // len(images))
    for engine in engines:
        engine.logits(images)
    samples = [[_seconds_per_image(engine, images, repeats) for engine in engines] for _ in range(rounds)]
    return Paired(
        batch=len(images),
        candidate=tuple(first for first, _ in samples),
        reference=tuple(second for _, second in samples),
    )


def _seconds_per_image(engine: Engine, images: NDArray[np.float32], repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        engine.logits(images)
    return (time.perf_counter() - started) / (repeats * len(images))
