"""The reference engine: the checkpoint itself in torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class TorchEngine:
    """The network with the checkpoint's weights, float32 on the CPU; of several outputs it gives the judged one."""

    name = "pth"

    def __init__(self, model: torch.nn.Module, judged_output: int = 0) -> None:
        self._model, self._judged = model, judged_output

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Engine.logits."""
        import torch

        with torch.inference_mode():
            made = self._model(torch.from_numpy(images))
            output: NDArray[np.float32] = (made if torch.is_tensor(made) else made[self._judged]).numpy()
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
