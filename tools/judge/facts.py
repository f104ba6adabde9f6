"""What was measured at each stage, as it goes into the evidence: gates are judged from these, in a run and offline."""

from __future__ import annotations

from dataclasses import dataclass


def _looked_at(images: int) -> None:
    """Refuse (ValueError) a largest error over no image, which would be 0 and pass."""
    if images < 1:
        raise ValueError(f"a largest error over {images} images, must be at least 1")


@dataclass(frozen=True)
class OtherType:
    """Tensors stored in one type (`found`, as float16) where the network has another (`expected`, as float32)."""

    found: str
    expected: str
    tensors: tuple[str, ...]


@dataclass(frozen=True)
class CheckpointFacts:
    """A state_dict held against the network's own: how many tensors it has and the network expects, names that are
    missing, unexpected, of another shape, not finite, or of another type; `content_sha256` is over names, shapes and
    bytes. `missing_arguments` are those that the weights force upon the network and the port does not state,
    `foreign_arguments` those with which it gives other logits than the library's own network of these weights."""

    tensors: int
    expected: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]
    not_finite: tuple[str, ...]
    content_sha256: str
    other_types: tuple[OtherType, ...] = ()
    missing_arguments: tuple[str, ...] = ()
    foreign_arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class OnnxFacts:
    """`opsets` as "domain version", inputs and outputs as "name dtype [axes]" (a dynamic axis shows as -1), nodes.

    With a file for each batch size, inputs and outputs are those of all files, in the order of the batch sizes.
    """

    opsets: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True)
class CheckerFacts:
    """What onnx.checker, with full shape inference, says of the file: `accepted`, or its complaint."""

    answer: str


@dataclass(frozen=True)
class WeightFacts:
    """The ONNX file's weights held against the checkpoint: `among` are its tensors that inference uses, and `foreign`
    constants of the file that are none of them. `exact` are there bit for bit, moved or not, `recomputed` within
    rounding of what float64 makes of the checkpoint (folds); the others differ or are missing, as `offenders` say.
    `unused` are the names that inference has no use for; `declared` those, of either side, that are not right and that
    the port declares of a file that was handed in: they are no offenders."""

    offenders: tuple[str, ...]
    among: int
    exact: int
    recomputed: int
    foreign: int
    unused: tuple[str, ...]
    declared: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogitErrors:
    """Largest absolute differences over all logits of all probe images; NaN where a logit is not a number."""

    images: int
    to_reference: float
    between_batches: float

    def __post_init__(self) -> None:
        _looked_at(self.images)


@dataclass(frozen=True)
class GraphStepFacts:
    """The port's graph step: the largest absolute difference of a logit before and after, over the probe images."""

    images: int
    largest: float

    def __post_init__(self) -> None:
        _looked_at(self.images)


@dataclass(frozen=True)
class BinFacts:
    """What was found in a folder of bins: ids of the offending files, and how many files were looked at."""

    wrong_size: tuple[str, ...]
    not_finite: tuple[str, ...]
    out_of_range: tuple[str, ...]
    among: int


@dataclass(frozen=True)
class AippFacts:
    """The AIPP file that atc was given, whole: written from the recipe, or the one that the port hands in."""

    text: str


@dataclass(frozen=True)
class JpegFacts:
    """The JPEG files that the vendor's tool is given: how many, those that the chip's decoder is documented not to take
    (`id (reason)`), those whose line in the .info list has another size than the file's header, and those that an EXIF
    orientation turns, which the decoder obeys and the checkpoint's own recipe does not."""

    among: int
    unfit: tuple[str, ...]
    wrong_size: tuple[str, ...]
    turned: tuple[str, ...]


@dataclass(frozen=True)
class ParityFacts:
    """Bins held against a library's own transforms byte for byte: ids looked at, and those that differ.

    `against` names the transforms; empty, with no id looked at, where the pixels are made by a function of the port's
    own, beside which nothing says what they should be.
    """

    looked_at: tuple[str, ...]
    differing: tuple[str, ...]
    against: str


@dataclass(frozen=True)
class RecipeFacts:
    """The recipe that a library states for these very weights, and where the port's own departs from it.

    `library` names library, version and weights, empty where none states a recipe; `departures` are such as
    "interpolation bilinear, stated bicubic".
    """

    library: str
    departures: tuple[str, ...]

    @property
    def remark(self) -> str:
        """What must be read beside the verdict, empty where there is nothing to say."""
        if not self.departures:
            return ""
        return f"preprocessing departs from what {self.library} states: {'; '.join(self.departures)}"


@dataclass(frozen=True)
class ToolkitFacts:
    """Where OMs are compiled and run (ascend or simulator), by which inference tool, and why there."""

    target: str
    infer_tool: str
    why: str


@dataclass(frozen=True)
class OmInput:
    """One input of an OM: its name, its type in the tool's words (DT_FLOAT is float32), its shape with the batch."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} {list(self.shape)}"


@dataclass(frozen=True)
class StoredOm:
    """What stands in an OM's own bytes; `flags` are those of atc's command line, without the folders of paths.

    `unread` says what could not be read and why, empty where all was; `soc` is None and the others are empty then.
    """

    soc: str | None
    inputs: tuple[OmInput, ...]
    flags: tuple[str, ...]
    unread: str


@dataclass(frozen=True)
class OmDescription:
    """What an OM says of itself by `atc --mode=1`; `soc` is None where the release of CANN does not store it.

    `stored` is what its file says without any tool.
    """

    soc: str | None
    inputs: tuple[OmInput, ...]
    stored: StoredOm


@dataclass(frozen=True)
class OmFacts:
    """The description of the OM that was compiled for a batch size."""

    batch: int
    described: OmDescription


@dataclass(frozen=True)
class RunOutputs:
    """The outputs of one throughput run over the data set, held against the predictions of the same OM: how many
    images, how many of them have any other logit, and the largest absolute difference (NaN where one is no number).

    The run whose own outputs those predictions are differs in none.
    """

    run: int
    images: int
    differing: int
    largest: float


@dataclass(frozen=True)
class ThroughputOutputs:
    """What the throughput runs of a batch size gave, run after run; no run where pure inference was measured, which
    gives no outputs."""

    batch: int
    runs: tuple[RunOutputs, ...]


@dataclass(frozen=True)
class BatchErrors:
    """The largest absolute difference of a logit between the OM of the first batch size and any other."""

    batches: tuple[int, ...]
    images: int
    largest: float

    def __post_init__(self) -> None:
        _looked_at(self.images)
