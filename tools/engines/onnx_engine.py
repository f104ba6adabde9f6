"""The exported graph in onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import OnnxError
from tools.judge.ids import ONNX_CHECKER, ONNX_INPUT, ONNX_OUTPUT
from tools.judge.spec import Onnx

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime
    from numpy.typing import NDArray

REFUSALS = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
"""onnxruntime's own errors while it loads a file (an empty one is an InvalidArgument)."""
FAILURES = ("Fail", "NotImplemented", "RuntimeException")
"""Those of a node that cannot do what the graph asks of it."""


def as_written() -> onnxruntime.SessionOptions:
    """Options of a session that computes QuantizeLinear and DequantizeLinear as they stand: float between them.

    onnxruntime makes integer kernels of that, which saturate at 16 bits on CPUs without VNNI (its page on
    quantisation): a good file of int8 then loses images. Integer operators of the file itself stay such kernels.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return options


class OnnxEngine:
    """The ONNX file on onnxruntime's CPU provider, fed and read by the names of the spec."""

    name = "onnx"

    def __init__(self, path: Path, asked: Onnx, *, threads: int = 0, batch: int | None = None) -> None:
        """`threads` of one operator; 0 is onnxruntime's own choice. `batch` is that of a file with a fixed one, which
        is fed with copies of the last image where there are fewer. OnnxError when the file cannot be loaded."""
        import onnxruntime

        errors, options = onnxruntime.capi.onnxruntime_pybind11_state, as_written()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except tuple(getattr(errors, name) for name in REFUSALS) as error:
            raise OnnxError(f"onnxruntime cannot load it: {error}", gate=ONNX_CHECKER, where=path) from error
        self._path, self._asked, self._batch = path, asked, batch
        self._input, self._output = asked.input.name, asked.output.name
        self._refuse_other_names(path)

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Engine.logits."""
        import numpy as np

        if self._batch is None:
            return self._run(images)
        parts = [images[start : start + self._batch] for start in range(0, len(images), self._batch)]
        return np.concatenate([self._run(self._filled(part))[: len(part)] for part in parts])

    def _filled(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The images, and copies of the last one up to the file's batch size."""
        import numpy as np

        missing = (self._batch or 0) - len(images)
        return np.concatenate([images, np.repeat(images[-1:], missing, axis=0)]) if missing > 0 else images

    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        import onnxruntime

        errors = onnxruntime.capi.onnxruntime_pybind11_state
        given = images.astype(self._asked.input.dtype, copy=False)
        try:
            (output,) = self._session.run([self._output], {self._input: given})
        except errors.InvalidArgument as error:
            raise OnnxError(
                f"onnxruntime refuses {given.dtype} {list(given.shape)}: {' '.join(str(error).split())}",
                gate=ONNX_INPUT,
            ) from error
        except tuple(getattr(errors, name) for name in FAILURES) as error:
            raise OnnxError(f"onnxruntime cannot run it: {error}", gate=ONNX_CHECKER, where=self._path) from error
        result: NDArray[np.float32] = output.astype("float32", copy=False)
        return result

    @contextmanager
    def on_one_core(self) -> Iterator[OnnxEngine]:
        """See HostEngine.on_one_core: a session of its own, because threads are set when one is made."""
        yield OnnxEngine(self._path, self._asked, threads=1, batch=self._batch)

    def _refuse_other_names(self, path: Path) -> None:
        for gate, asked, present in (
            (ONNX_INPUT, self._input, [value.name for value in self._session.get_inputs()]),
            (ONNX_OUTPUT, self._output, [value.name for value in self._session.get_outputs()]),
        ):
            if asked not in present:
                raise OnnxError("no such tensor", gate=gate, where=path, measured=", ".join(present), allowed=asked)
            if gate == ONNX_INPUT and len(present) > 1:
                raise OnnxError("it has more inputs", gate=gate, where=path, measured=", ".join(present), allowed=asked)
