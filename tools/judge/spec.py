"""What a port is judged by, as frozen, strictly typed objects; 0 is a value, and what nobody published is null.

A spec is resolved (tools/ports/spec.py): a port's own facts, and the policies and machine classes that all ports share.
Sizes, classes and the batch axis are said once, and every shape follows from them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.judge.accuracy import PLACES
from tools.judge.machine_class import Device, check_percents
from tools.judge.numbers import (
    AtLeast,
    AtMost,
    Deviation,
    Entry,
    Exactly,
    Fact,
    Md5,
    Place,
    PlainName,
    Positive,
    ProbeImages,
    Rounds,
    Sha256,
    Sha256Prefix,
    TensorName,
    Text,
)
from tools.judge.records import Rule

if TYPE_CHECKING:
    from typing import Literal

    Source = str
else:
    Source = Rule(
        str,
        pattern=r"^(?:torchvision:[a-z0-9_]+|timm:[A-Za-z0-9_.]+"
        r"|python:(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_.-]+:[A-Za-z_][A-Za-z0-9_]*)$",
    )

MOST_IMAGES = 10_000_000
CHANNELS = 3


@dataclass(frozen=True)
class Model(Entry):
    """Which network: `source` is `torchvision:NAME`, `timm:NAME` or `python:FILE-or-module:FUNCTION`.

    `arguments` are what the source is called with: some weights force them (`transform_input` of inception_v3).
    `label_offset` is added to a label to get its output: 1 where the network has a background class before all others.
    """

    name: Text
    source: Source
    arguments: dict[Text, bool | int | float | str | None] = field(default_factory=dict)
    label_offset: Literal[0, 1] = 0
    flops_per_image: Fact | None = None
    parameters: Fact | None = None

    def __post_init__(self) -> None:
        if self.flops_per_image is not None and self.flops_per_image.value < 1:
            raise ValueError(f"flops_per_image is {self.flops_per_image.value}, it must be at least 1")


@dataclass(frozen=True)
class Checkpoint(Entry):
    """The weights; whatever digest is stated is checked before anything is unpickled.

    `state_dict_key` says under which key of the file the weights lie (`state_dict`, `model`, `ema`), `strip_prefix`
    which beginning of every name is no part of it (`module.` of DataParallel).
    """

    file: PlainName
    source: Text
    url: Text | None = None
    sha256: Sha256 | None = None
    sha256_prefix: Sha256Prefix | None = None
    md5: Md5 | None = None
    content_sha256: Sha256 | None = None
    state_dict_key: Text | None = None
    strip_prefix: Text | None = None

    def __post_init__(self) -> None:
        if self.sha256 and self.sha256_prefix and not self.sha256.startswith(self.sha256_prefix):
            raise ValueError(f"sha256 {self.sha256} does not begin with sha256_prefix {self.sha256_prefix}")

    @property
    def pinned(self) -> bool:
        """Whether the file's bytes are known; what is not pinned can be any other training run's."""
        return any((self.sha256, self.sha256_prefix, self.md5))


@dataclass(frozen=True)
class TensorSpec(Entry):
    """An input or output of the ONNX file, as the port states it; its shape follows from recipe and classes."""

    name: TensorName
    dtype: Literal["float32", "float16"] = "float32"


@dataclass(frozen=True)
class Tensor:
    """An input or output with its shape; -1 marks the dynamic batch axis."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} [{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Onnx(Entry):
    """What the exported file must be and how closely it must follow the checkpoint.

    `batch` is dynamic (one file, batch axis -1) or static (a file for each batch size). `outputs` names all outputs in
    their order where there are several, of which `output` is judged. `graph_step` is a function of the port's module
    between export and atc: `python:FILE-or-module:FUNCTION`, from the path of a file to that of another.
    """

    opset: Exactly
    input: TensorSpec
    output: TensorSpec
    probe_images: ProbeImages
    logits_abs_error: AtMost
    batch_invariance_abs_error: AtMost
    batch: Literal["dynamic", "static"] = "dynamic"
    outputs: tuple[TensorName, ...] = ()
    graph_step: Place | None = None

    def __post_init__(self) -> None:
        if not 7 <= self.opset.exactly <= 25 or self.opset.exactly % 1:
            raise ValueError(f"opset is {self.opset.exactly}, it must be a whole number in 7..25")
        _unique(self.outputs, "outputs")
        if self.outputs and self.output.name not in self.outputs:
            raise ValueError(f"output {self.output.name} is none of outputs {', '.join(self.outputs)}")

    @property
    def all_outputs(self) -> tuple[str, ...]:
        """The names of all outputs, in the file's order."""
        return self.outputs or (self.output.name,)

    @property
    def judged_output(self) -> int:
        """The place of the judged output among all."""
        return self.all_outputs.index(self.output.name)


@dataclass(frozen=True)
class Dataset(Entry):
    """The labelled images an acceptance needs: `id_format` with 1..images gives every id.

    `content_sha256` pins images and label file as they lie there, `labels_sha256` the labels in whatever file
    (`python tools/pin_dataset.py` prints both).
    """

    images: Exactly
    id_format: Text
    classes: Positive
    source: Text
    content_sha256: Sha256 | None = None
    labels_sha256: Sha256 | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]*\{:0?[0-9]{0,2}d\}", self.id_format):
            raise ValueError(f"id_format is {self.id_format!r}, it must be plain text and one {{:08d}}-like number")
        if not 1 <= self.images.exactly <= MOST_IMAGES or self.images.exactly % 1:
            raise ValueError(f"images is {self.images.exactly}, it must be a whole number in 1..{MOST_IMAGES}")

    def ids(self) -> tuple[str, ...]:
        """The ids of the full data set, in order."""
        return tuple(self.id_format.format(index + 1) for index in range(int(self.images.exactly)))


@dataclass(frozen=True)
class Preprocessing(Entry):
    """From an image file to the network's input: resize, cut the centre, scale, normalise by channel.

    `resize_px` is the short side, `[height, width]` to squash to, or null for no resize; `crop_px` is a square's side,
    `[height, width]`, or null for none. `value_range` says what a byte is divided by before `mean` and `std` apply.
    `function` (`python:FILE-or-module:FUNCTION`) takes the place of decoding, resize and crop: from a file's bytes to
    uint8 pixels (height, width, 3) of `crop_px`, whose channels it leaves in `channel_order`.
    """

    resize_px: Positive | tuple[Positive, Positive] | None
    crop_px: Positive | tuple[Positive, Positive] | None
    interpolation: Literal["bilinear", "bicubic", "lanczos", "nearest"] | None
    mean: tuple[float, float, float]
    std: tuple[Deviation, Deviation, Deviation]
    parity_images: Positive
    byte_equal_percent: AtMost
    source: Text
    channel_order: Literal["RGB", "BGR"] = "RGB"
    value_range: Literal["0..1", "0..255"] = "0..1"
    function: Place | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (*self.mean, *self.std)):
            raise ValueError("mean and std must be finite")
        if self.function is not None:
            if self.resize_px is not None or self.interpolation is not None or self.crop_px is None:
                raise ValueError(
                    "function does resize and crop: resize_px and interpolation are null, crop_px its size"
                )
            return
        self._check_sizes()

    def _check_sizes(self) -> None:
        if (self.resize_px is None) != (self.interpolation is None):
            raise ValueError("resize_px and interpolation go together: both null, or neither")
        if self.crop_px is None and not isinstance(self.resize_px, tuple):
            raise ValueError("no crop_px, and no resize_px [height, width]: images of different sizes make no batch")
        if self.crop_px is None or self.resize_px is None:
            return
        for crop, resized in zip(_pair(self.crop_px), _pair(self.resize_px)):
            if crop > resized:
                raise ValueError(f"crop_px {self.crop_px} exceeds resize_px {self.resize_px}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what goes into the network."""
        size = self.resize_px if self.crop_px is None else self.crop_px
        if size is None:
            raise ValueError("neither resize_px nor crop_px")
        return _pair(size)

    @property
    def geometry(self) -> str:
        """What the uint8 pixels of an image depend on besides the port's own code, and nothing else does."""
        if self.function is not None:
            return f"{self.function} to {self.size}"
        return f"resize {self.resize_px}, crop {self.crop_px}, {self.interpolation}"

    @property
    def normalisation(self) -> str:
        """What makes float32 values of the pixels."""
        order = "" if self.channel_order == "RGB" or self.function else f", {self.channel_order}"
        scale = "" if self.value_range == "0..1" else f", values {self.value_range}"
        return f"mean {self.mean}, std {self.std}{order}{scale}"


@dataclass(frozen=True)
class Accuracy(Entry):
    """Reference accuracy of the checkpoint and what a port may lose, in percentage points on the same images."""

    pth_top1_error_pp: AtMost
    pth_top5_error_pp: AtMost
    top1_drop_pp: AtMost
    top5_drop_pp: AtMost
    tight_drop_pp: AtMost
    pth_top1: Fact | None = None
    pth_top5: Fact | None = None

    def __post_init__(self) -> None:
        check_percents("pth", self.pth_top1, self.pth_top5)
        tight, most = self.tight_drop_pp.at_most, min(self.top1_drop_pp.at_most, self.top5_drop_pp.at_most)
        if tight > most:
            raise ValueError(f"tight_drop_pp {tight} exceeds the smaller of top1_drop_pp and top5_drop_pp, {most}")


@dataclass(frozen=True)
class LogitAgreement(Entry):
    """How closely a variant's logits must follow the pth's, image by image (tools/judge/agreement.py).

    `near_tie_logits` is no bound: a flip counts only when pth's class was further ahead than this.
    """

    min_cosine: AtLeast
    mean_cosine_distance: AtMost
    max_abs_error: AtMost
    near_tie_logits: Fact
    flips_beyond_near_tie: AtMost
    top5_set_changed_percent: AtMost


@dataclass(frozen=True)
class Agreement(Entry):
    """One set of bounds for each arithmetic: float32 in onnxruntime, the simulator's fp16, a device's fp16."""

    onnx: LogitAgreement
    om_on_simulator: LogitAgreement
    om_on_device: LogitAgreement

    def om(self, *, on_device: bool) -> LogitAgreement:
        """The bounds for an OM, where it runs."""
        return self.om_on_device if on_device else self.om_on_simulator


@dataclass(frozen=True)
class HostPerf(Entry):
    """How host throughput is measured and judged; seconds are never judged, only ratios inside one run.

    `onnx_to_torch` is the floor of onnxruntime's throughput over torch's at any batch size.
    """

    rounds: Rounds
    min_images_per_round: Positive
    onnx_to_torch: AtLeast


@dataclass(frozen=True)
class ThroughputRuns(Entry):
    """How often throughput is measured at each batch size, over the data set and by pure inference."""

    dataset: Positive
    pure: Positive

    def of(self, mode: Literal["dataset", "pure"]) -> int:
        """The number of runs in a mode."""
        return self.dataset if mode == "dataset" else self.pure


@dataclass(frozen=True)
class Om(Entry):
    """How OMs are compiled (`soc` null: for the device's own chip), measured, and how far batches may lie apart.

    Throughput of `dataset_batches` is measured over the data set, that of the others by pure inference (guide), unless
    a machine class has published figures of its own.
    """

    dataset_batches: tuple[Positive, ...]
    throughput_runs: ThroughputRuns
    reported_rate_error_percent: AtMost
    batch_invariance_abs_error: AtMost
    batch_invariance_abs_error_on_device: AtMost
    soc: PlainName | None = None
    atc_extra_args: tuple[str, ...] = ()

    def batch_bound(self, *, on_device: bool) -> AtMost:
        """How far the batches of an OM may lie apart."""
        return self.batch_invariance_abs_error_on_device if on_device else self.batch_invariance_abs_error


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
        _unique(self.batches, "batches")
        _unique([device.soc for device in self.devices], "devices")

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
        """How far onnxruntime's logits may lie from torch's; with float16 at the ends as far as an OM's."""
        return self.agreement.om_on_simulator.max_abs_error if self.half else self.onnx.logits_abs_error

    @property
    def onnx_batch_bound(self) -> AtMost:
        """How far batches of the ONNX file may lie apart."""
        return self.om.batch_invariance_abs_error if self.half else self.onnx.batch_invariance_abs_error

    def agreement_bounds(self, kind: str, *, on_device: bool) -> LogitAgreement:
        """The bounds for a variant's logits, by its arithmetic; `kind` is `onnx` or `om`."""
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


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width of a size of which one number says both."""
    return size if isinstance(size, tuple) else (size, size)


def _unique(values: Sequence[int] | Sequence[str], name: str) -> None:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"{name} holds {repeated[0]} more than once")
