"""The vendor's InferenceSession on the simulated device, with its console lines and error texts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np

from aclruntime.tensors import DTYPES, BaseTensor, MemorySummary, Tensor, TensorDesc, copy_ms
from tools.ascend.simulator.chips import cores
from tools.ascend.simulator.console import announce
from tools.ascend.simulator.device import DeviceError, LoadedModel
from tools.ascend.simulator.faults import Fault, hang_or_die
from tools.ascend.simulator.offline_model import TensorSpec

NCHW, NHWC, ND = 0, 1, 2
DEBUG = 1
GENERAL_FAILURE = "[1][ACL: general failure] "
_open_devices: list[int] = []
Feeds = Sequence[BaseTensor] | Sequence[Tensor] | Mapping[str, Tensor]


@dataclass
class session_options:
    """How often an inference executes, what is logged, and the profiler's configuration."""

    loop: int = 1
    log_level: int = 2
    acl_json_path: str = ""


@dataclass
class Summary:
    """One entry an execution: ms, or (start, end) in ms for the newer tool."""

    exec_time_list: list[float] | list[tuple[float, float]] = field(default_factory=list)


class InferenceSession:
    """A model on a device; RuntimeError with the vendor's text after an [ERROR] line on stdout."""

    def __init__(self, model_path: str, device_id: int = 0, options: session_options | None = None) -> None:
        announce("aclruntime")
        self._options = options if options is not None else session_options()
        self._times: list[float] = []
        print("[INFO] acl init success", flush=True)
        try:
            self._loaded = LoadedModel(Path(model_path), int(device_id), threads=cores())
        except DeviceError as error:
            _fail(str(error))
        _open_devices.append(self._loaded.device_id)
        print(f"[INFO] open device {device_id} success")
        print(f"[INFO] load model {model_path} success")
        print("[INFO] create model description success", flush=True)
        hang_or_die(Fault.INFER_HANG, Fault.INFER_HANG_IGNORING_SIGTERM)

    def get_inputs(self) -> list[TensorDesc]:
        """The model's inputs."""
        return [_describe(spec) for spec in self._loaded.model.inputs]

    def get_outputs(self) -> list[TensorDesc]:
        """The model's outputs."""
        return [_describe(spec) for spec in self._loaded.model.outputs]

    def options(self) -> session_options:
        """The options themselves, so that `loop` can be set."""
        return self._options

    def run(self, output_names: Sequence[str], feeds: Feeds) -> list[Tensor]:
        """Execute `loop` times; the outputs asked for, on the device, batch included."""
        model = self._loaded.model
        contents = self._contents(feeds)
        sample = np.frombuffer(contents[0], dtype=model.inputs[0].dtype).reshape(model.inputs[0].shape)
        outputs = self._loaded.run(sample)
        self._execute()
        known = {spec.name: index for index, spec in enumerate(model.outputs)}
        unknown = [name for name in output_names if name not in known]
        if unknown:
            _fail(f"outnames {unknown[0]} not valid")
        return [Tensor(outputs[known[name]], self._loaded.device_id) for name in output_names]

    def _execute(self) -> None:
        loop = self._options.loop
        self._times += [float(np.float32(self._loaded.next_ms())) for _ in range(loop)]
        if loop > 1:
            print("\n" + "".join(f"\rloop inference exec: ({number}/{loop})" for number in range(1, loop + 1)))

    def _contents(self, feeds: Feeds) -> list[bytes]:
        specs = self._loaded.model.inputs
        if isinstance(feeds, Mapping):
            missing = [spec.name for spec in specs if spec.name not in feeds]
            if missing:
                _fail(f"intensors i:0 name:{missing[0]} not find")
            feeds = [feeds[spec.name] for spec in specs]
        if len(feeds) != len(specs):
            _fail(f"intensors in:{len(feeds)} need:{len(specs)} not match")
        contents = [feed.content() for feed in feeds]
        if isinstance(feeds[0], BaseTensor):
            MemorySummary.H2D_time_list.extend(copy_ms(len(content)) for content in contents)
        for index, (spec, content) in enumerate(zip(specs, contents, strict=True)):
            if len(content) != spec.nbytes:
                _fail(f"Check i:{index} name:{spec.name} in size:{len(content)} needsize:{spec.nbytes} not match")
        return contents

    def sumary(self) -> Summary:
        """The time of every execution since the last reset (the vendor's spelling)."""
        if os.environ.get("ASCEND_SIMULATOR_AIS_BENCH") != "ait":
            return Summary(list(self._times))
        ends = np.cumsum(self._times).tolist()
        return Summary([(end - time, end) for end, time in zip(ends, self._times, strict=True)])

    def reset_sumaryinfo(self) -> None:
        """Forget all times."""
        self._times.clear()

    def create_tensor_from_fileslist(self, desc: TensorDesc, files: Sequence[str]) -> Tensor:
        """One tensor on the device from the files' bytes in order."""
        content = b"".join(Path(file).read_bytes() for file in files)
        if len(content) > desc.realsize:
            _fail(f"offset:0 filesize:{len(content)} > size:{desc.realsize} invalid")
        return Tensor(np.frombuffer(content, dtype=np.int8), self._loaded.device_id)

    def set_staticbatch(self) -> None:
        """Static models have nothing to set."""

    def set_dynamic_batchsize(self, _value: object) -> None:
        """Refused: the simulator compiles static models only."""
        _fail("the dynamic_batch_size parameter is not specified for model conversion")

    def set_dynamic_hw(self, _width: int, _height: int) -> None:
        """Refused: the simulator compiles static models only."""
        _fail("the dynamic_image_size parameter is not specified for model conversion")

    def set_dynamic_dims(self, _value: object) -> None:
        """Refused: the simulator compiles static models only."""
        _fail("the dynamic_dims parameter is not specified for model conversion")

    def set_dynamic_shape(self, _value: object) -> None:
        """Refused: the simulator compiles static models only."""
        _fail("the dymShape parameter set error, please check input name")

    def set_custom_outsize(self, _sizes: Sequence[int]) -> None:
        """Static models have nothing to set."""

    def get_dym_aipp_input_exist(self) -> int:
        """0: no input of the model takes a dynamic AIPP configuration (asked by the AIT flavour)."""
        return 0

    get_dym_aipp_input_exsity = get_dym_aipp_input_exist  # AIT's name of May and June 2023

    def free_resource(self) -> None:
        """End of a session in the AIT flavour; nothing is held."""

    @staticmethod
    def finalize() -> None:
        """Unload what is loaded and close the devices; TOOLS calls it on the session, AIT on the class."""
        print("[INFO] unload model success, model Id is 1")
        print("[INFO] end to destroy context")
        while _open_devices:
            print(f"[INFO] end to reset device is {_open_devices.pop()}")
        print("[INFO] end to finalize acl", flush=True)


def _describe(spec: TensorSpec) -> TensorDesc:
    of_pictures = NHWC if spec.dtype == "uint8" else NCHW  # AIPP's pixels
    layout = of_pictures if len(spec.shape) == 4 else ND
    return TensorDesc(spec.name, DTYPES[spec.dtype], layout, list(spec.shape), spec.nbytes, spec.nbytes)


def _fail(reason: str) -> NoReturn:
    print(f"[ERROR] {reason}", flush=True)
    raise RuntimeError(GENERAL_FAILURE)
