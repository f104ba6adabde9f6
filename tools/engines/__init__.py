"""Engines turn preprocessed images into logits; one small interface for torch, onnxruntime and offline models."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Engine(Protocol):
    """Something that computes logits in this process."""

    name: str

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 3, H, W) float32 images in, (N, classes) float32 logits out, rows in the order of the images."""
        ...


@runtime_checkable
class HostEngine(Engine, Protocol):
    """An engine on the very cores that prepare the images, not on a device."""

    def on_one_core(self) -> AbstractContextManager[Engine]:
        """An engine for the block whose `logits` keeps to its caller's core; several threads may call it at once."""
        ...
