"""The reference engine: the checkpoint itself in torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.base.errors import AccuracyError
from tools.judge.basis import DeviceKind, ReferenceDevice
from tools.judge.ids import PTH
from tools.model.outputs import every_output

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

CUDA = "cuda"
"""What torch calls a GPU."""
SETTINGS = ("float32", "TF32 off", "cudnn deterministic", "cudnn benchmark off")


class TorchEngine:
    """The network with the checkpoint's weights, float32 on the CPU; of several outputs it gives the judged one."""

    name = "pth"

    def __init__(self, model: torch.nn.Module, judged_output: int = 0) -> None:
        self._model, self._judged = model, judged_output

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Engine.logits."""
        import torch

        with torch.inference_mode():
            return _judged_output(self._model(torch.from_numpy(images)), self._judged)

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


class CudaEngine:
    """The same on a GPU, in float32 to the last bit that its kernels keep: no TF32, no kernel chosen by a stopwatch.

    It is a device, not a host engine: one call at a time.
    """

    name = "pth"

    def __init__(self, model: torch.nn.Module, judged_output: int = 0) -> None:
        self._model, self._judged = model.to(CUDA), judged_output

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Engine.logits; AccuracyError where the GPU fails."""
        import torch

        try:
            with torch.inference_mode(), _exact():
                return _judged_output(self._model(torch.from_numpy(images).to(CUDA)), self._judged)
        except RuntimeError as error:
            raise AccuracyError(f"the GPU failed: {error}", gate=PTH.gate("ids")) from error


def why_no_cuda() -> str:
    """Why torch can compute on no GPU here, empty where it can."""
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    return "" if torch.cuda.is_available() else f"torch {torch.__version__} finds no CUDA device"


def cuda_device() -> ReferenceDevice:
    """The GPU, for the evidence and for keys."""
    import torch

    cudnn = torch.backends.cudnn.version()
    return ReferenceDevice(
        kind=DeviceKind.CUDA,
        name=torch.cuda.get_device_name(),
        torch=str(torch.__version__),
        cuda=str(torch.version.cuda),
        settings=(*SETTINGS, f"cudnn {cudnn}"),
    )


@contextmanager
def _exact() -> Iterator[None]:
    """float32 products that are not rounded to TF32, and the same kernels in every run; settings of the process."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _judged_output(made: object, judged: int) -> NDArray[np.float32]:
    output: NDArray[np.float32] = every_output(made)[judged].cpu().numpy()
    return output
