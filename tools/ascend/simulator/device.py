"""One simulated chip with a model loaded: what it refuses to load, what it computes and how long it says it took."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.ascend.simulator import offline_model
from tools.ascend.simulator.cards import devices
from tools.ascend.simulator.chips import execution_ms, present_chip
from tools.ascend.simulator.faults import Fault, ordered, remember_use

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.generic]

OPEN_FAILED = 507033
LOAD_FAILED = 100000
SHOWS_ONCE_USED = (
    Fault.DEVICE_BUSY_HALF_WAY,
    Fault.DEVICE_UNHEALTHY_HALF_WAY,
    Fault.DEVICE_AICORE_LAGS,
    Fault.DEVICE_AICORE_STAYS,
)
WRONG_CHIP_REASON = "the model was built for {built}, the device is {present}"


class DeviceError(Exception):
    """Device or model cannot be used; the text is the vendor's [ERROR] line without its prefix."""


class LoadedModel:
    """A model on a device: `run` computes, `next_ms` yields the invented time of the next execution.

    `threads` share one execution; 0 is onnxruntime's own choice, one a core.
    """

    def __init__(self, path: Path, device_id: int, threads: int = 1) -> None:
        self.chip = present_chip()
        self.device_id = device_id
        if ordered(Fault.DEVICE_OPEN_FAILS) or not 0 <= device_id < len(devices(self.chip)):
            raise DeviceError(f"acl open device {device_id} failed, ret is {OPEN_FAILED}")
        self.model = _load(path, self.chip.soc)
        if any(map(ordered, SHOWS_ONCE_USED)):
            remember_use()
        self.executions = 0
        self._threads = threads
        self._session: Any = None

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of input 0."""
        return self.model.inputs[0].nbytes // self.model.batch

    def next_ms(self) -> float:
        """The invented time of the next execution in ms."""
        self.executions += 1
        return execution_ms(self.chip, self.model.batch, self.executions)

    def run(self, samples: Array) -> list[Array]:
        """One execution: all outputs in the OM's element types, first axis samples, for up to a batch of samples.

        The model has a fixed batch: zeros fill a short one up, and what they yield is dropped.
        """
        import numpy as np

        model = self.model
        missing = np.zeros((model.batch - len(samples), *samples.shape[1:]), samples.dtype)
        whole = np.concatenate((samples, missing)) if len(missing) else samples
        outputs = [output[: len(samples)] for output in self.open_session().run(None, {model.inputs[0].name: whole})]
        if self.model.batch > 1 and ordered(Fault.INFER_BATCH_DIFFERS):
            outputs[0].reshape(len(samples), -1)[:, 0] += 0.0625
        return outputs

    def open_session(self) -> Any:  # noqa: ANN401  onnxruntime is untyped
        """The model in onnxruntime, opened at the first call: pure inference computes nothing and makes none."""
        if self._session is None:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.intra_op_num_threads = self._threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._session = onnxruntime.InferenceSession(self.model.graph, options, ["CPUExecutionProvider"])
        return self._session


def _load(path: Path, soc: str) -> offline_model.OfflineModel:
    try:
        model = offline_model.read(path)
    except FileNotFoundError:
        raise DeviceError(f"load model from file failed, model file is {path}, errno {errno.ENOENT}") from None
    except (OSError, offline_model.DamagedModel) as error:
        raise DeviceError(f"load model from file failed, model file is {path}, ret {LOAD_FAILED}: {error}") from error
    if model.soc != soc:
        reason = WRONG_CHIP_REASON.format(built=model.soc, present=soc)
        raise DeviceError(f"load model from file failed, model file is {path}, ret {LOAD_FAILED}: EE1001: {reason}")
    if len(model.inputs) != 1:
        raise DeviceError(f"the simulator runs models of one input, {path} has {len(model.inputs)}")
    return model
