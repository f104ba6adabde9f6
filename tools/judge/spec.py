"""What a port is judged by, as frozen, strictly typed objects; 0 is a value, and what nobody published is null.

A spec is resolved (tools/ports/spec.py): a port's own facts, and the policies and machine classes that all ports share.
Sizes, classes and the batch axis are said once, and every shape follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.judge.accuracy import PLACES
from tools.judge.atc_flags import output_type
from tools.judge.machine_class import Device
from tools.judge.numbers import AtMost, Entry, PlainName, Positive, Text, check_unique
from tools.judge.spec_data import MOST_IMAGES, AippInput, Dataset, Preprocessing
from tools.judge.spec_model import Checkpoint, Model
from tools.judge.spec_onnx import DeclaredWeights, Onnx, Tensor, TensorSpec
from tools.judge.spec_policies import Accuracy, Agreement, HostPerf, LogitAgreement, Om, ThroughputRuns

if TYPE_CHECKING:
    from typing import Literal

__all__ = [
    "MOST_IMAGES",
    "Accuracy",
    "Agreement",
    "AippInput",
    "Checkpoint",
    "Dataset",
    "DeclaredWeights",
    "HostPerf",
    "LogitAgreement",
    "Model",
    "Om",
    "Onnx",
    "Preprocessing",
    "Spec",
    "Tensor",
    "TensorSpec",
    "ThroughputRuns",
]
"""The spec and its sections, each section from the module in which it is defined."""
CHANNELS = 3
AIPP_FLAG = "--insert_op_conf"


@dataclass(frozen=True)
class Spec(Entry):
    """Everything one port is judged by; `port` is its name.

    `reasons` says why a value that is no number of its own (a list, a count) was loosened: its path, as
    tools/spec_diff.py prints it, to the reason.
    """

    schema: Literal[2]
    port: PlainName
    kind: Literal["published", "sample"]
    model: Model
    checkpoint: Checkpoint
    onnx: Onnx
    dataset: Dataset
    preprocessing: Preprocessing
    batches: tuple[Positive, ...]
    accuracy: Accuracy
    agreement: Agreement
    host_perf: HostPerf
    om: Om
    devices: tuple[Device, ...]
    reasons: dict[Text, Text] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.batches:
            raise ValueError("batches is empty")
        check_unique(self.batches, "batches")
        check_unique([device.soc for device in self.devices], "devices")
        self._check_aipp()

    def _check_aipp(self) -> None:
        """An AIPP file changes what bins must be, so the recipe says it and not a flag of atc alone."""
        if any(flag.partition("=")[0] == AIPP_FLAG for flag in self.om.atc_extra_args):
            raise ValueError(f"om.atc_extra_args holds {AIPP_FLAG}: say preprocessing.aipp, which bins follow too")
        if self.preprocessing.aipp is not None and self.onnx.input.dtype == "float16":
            raise ValueError("onnx.input is float16: atc puts no AIPP before it (E10034)")

    @property
    def classes(self) -> int:
        """How many classes the network tells apart, a background class included."""
        return self.dataset.classes + self.model.label_offset

    @property
    def places(self) -> int:
        """How many best classes are kept of each image: five, or all that there are."""
        return min(PLACES, self.classes)

    @property
    def onnx_batches(self) -> tuple[int | None, ...]:
        """The batch sizes of the ONNX files: None for the one file with a dynamic batch axis."""
        return (None,) if self.onnx.batch == "dynamic" else self.batches

    def input(self, batch: int | None = None) -> Tensor:
        """The network's input: NCHW, at a batch size or with the file's own batch axis (-1)."""
        asked = self.onnx.input
        return Tensor(asked.name, asked.dtype, (-1 if batch is None else batch, CHANNELS, *self.preprocessing.size))

    def om_inputs(self, batch: int) -> tuple[Tensor, ...]:
        """The input of an OM: the network's, or the host's pixels (NHWC) where the chip normalises them.

        Of YUV420SP (JPEG input) CANN has two ways of telling the shape: that of the picture (aclmdlGetInputDims), and
        that of its bytes, a row and a half for each (aclmdlGetInputDimsV2). Which of them an OM is shown with is not
        documented, so either is right.
        """
        name, (height, width) = self.onnx.input.name, self.preprocessing.pixels_size
        if self.preprocessing.aipp is None:
            return (self.input(batch),)
        picture = Tensor(name, "uint8", (batch, height, width, CHANNELS))
        of_bytes = Tensor(name, "uint8", (batch, height * 3 // 2, width, 1))
        return (picture, of_bytes) if self.preprocessing.is_jpeg else (picture,)

    @property
    def bin_type(self) -> Literal["float32", "float16", "uint8"]:
        """The type of the values in a bin, that of the OM's input; of JPEG input, of the pixels that the host makes."""
        return self.onnx.input.dtype if self.preprocessing.aipp is None else "uint8"

    @property
    def om_output_type(self) -> str:
        """The type of the values that an OM gives: the ONNX file's, unless the port asks atc for another."""
        return output_type(self.om.atc_extra_args) or self.onnx.output.dtype

    def output(self, batch: int | None = None) -> Tensor:
        """The judged output: a row of logits for each image."""
        asked = self.onnx.output
        return Tensor(asked.name, asked.dtype, (-1 if batch is None else batch, self.classes))

    @property
    def has_figures(self) -> bool:
        """Whether anybody published what this port reaches on a chip."""
        return any(device.om_top1 or device.om_top5 or device.throughput for device in self.devices)

    @property
    def half(self) -> bool:
        """Whether the ONNX file takes or gives float16, which rounds what onnxruntime computes in float32."""
        return "float16" in (self.onnx.input.dtype, self.onnx.output.dtype)

    @property
    def logits_bound(self) -> AtMost:
        """How far onnxruntime's logits may lie from torch's; with float16 at the ends or in int8 further."""
        if self.is_int8("onnx"):
            return self.agreement.int8.max_abs_error
        return self.agreement.om_on_simulator.max_abs_error if self.half else self.onnx.logits_abs_error

    @property
    def onnx_batch_bound(self) -> AtMost:
        """How far batches of the ONNX file may lie apart."""
        return self.om.batch_invariance_abs_error if self.half else self.onnx.batch_invariance_abs_error

    def is_int8(self, kind: str) -> bool:
        """Whether a variant was quantised; `kind` is `onnx` or `om`."""
        return self.onnx.arithmetic == "int8" or (kind == "om" and self.om.arithmetic == "int8")

    def agreement_bounds(self, kind: str, *, on_device: bool) -> LogitAgreement:
        """The bounds for a variant's logits, by its arithmetic; `kind` is `onnx` or `om`."""
        if self.is_int8(kind):
            return self.agreement.int8
        if kind == "onnx" and not self.half:
            return self.agreement.onnx
        return self.agreement.om(on_device=on_device and kind == "om")

    def device(self, soc: str) -> Device | None:
        """The machine class of this chip, None where nothing is known about it."""
        return next((device for device in self.devices if device.soc == soc), None)

    def throughput_mode(self, soc: str, batch: int) -> Literal["dataset", "pure"]:
        """How throughput is measured at this batch size: as the published figure was, else as the guide does."""
        device = self.device(soc)
        published = device.published(batch) if device else None
        if published:
            return published.mode
        return "dataset" if batch in self.om.dataset_batches else "pure"
