"""The reference engine: the checkpoint itself in torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.model.checkpoint import StateDict, build_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TorchEngine:
    """torchvision's network with the checkpoint's weights, float32 on the CPU."""

    name = "pth"

    def __init__(self, state_dict: StateDict, factory: str) -> None:
        self._model = build_model(state_dict, factory)

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Engine.logits."""
        import torch

        with torch.inference_mode():
            output: NDArray[np.float32] = self._model(torch.from_numpy(images)).numpy()
        return output

    @contextmanager
    def on_one_core(self) -> Iterator[TorchEngine]:
        """See HostEngine.on_one_core; threads that are started in the block take the number from torch's global."""
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield self
        finally:
            torch.set_num_threads(threads)
