"""The in-process session of ais_bench: static models, one call an inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aclruntime
import numpy as np
import numpy.typing as npt


class InferSession:
    """A model on a device; `infer` takes one array per input and returns one per output, batch included."""

    def __init__(
        self, device_id: int, model_path: str, acl_json_path: str | None = None, debug: bool = False, loop: int = 1
    ) -> None:
        options = aclruntime.session_options()
        options.loop, options.log_level = loop, 1 if debug else 2
        if acl_json_path is not None:
            options.acl_json_path = acl_json_path
        self.device_id = device_id
        self.session = aclruntime.InferenceSession(model_path, device_id, options)
        self._outputs = [description.name for description in self.session.get_outputs()]

    def get_inputs(self) -> list[aclruntime.TensorDesc]:
        """The model's inputs."""
        return self.session.get_inputs()

    def get_outputs(self) -> list[aclruntime.TensorDesc]:
        """The model's outputs."""
        return self.session.get_outputs()

    def set_loop_count(self, loop: int) -> None:
        """How often each inference executes."""
        self.session.options().loop = loop

    def infer(self, feeds: Sequence[npt.NDArray[Any]], mode: str = "static") -> list[npt.NDArray[Any]]:
        """All outputs of one inference; RuntimeError where the sizes in bytes are not the model's."""
        if mode != "static":
            raise RuntimeError(f"mode {mode} is not simulated")
        arrays = [np.ascontiguousarray(feed) for feed in feeds]
        pointers = [aclruntime.BaseTensor(array.__array_interface__["data"][0], array.nbytes) for array in arrays]
        tensors = self.session.run(self._outputs, pointers)
        for tensor in tensors:
            tensor.to_host()
        return [np.array(tensor) for tensor in tensors]

    def sumary(self) -> Any:  # noqa: ANN401  the vendor's object, floats or pairs
        """Times of all executions since the last reset."""
        return self.session.sumary()

    def reset_sumaryinfo(self) -> None:
        """Forget all times."""
        self.session.reset_sumaryinfo()

    summary, reset_summaryinfo = sumary, reset_sumaryinfo  # AIT's spelling

    def finalize(self) -> None:
        """Unload the model and close the device."""
        self.session.finalize()
