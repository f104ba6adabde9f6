"""The evidence of a run as data: everything its verdict rests on, in the shape in which acceptance.json keeps it.

docs/evidence-schema.md describes the folder around it, docs/acceptance.schema.json is this module as JSON Schema.
Every text has been scrubbed (tools/evidence/scrub.py) when it comes to rest here. None means "not known in this run".
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.base.errors import Stage
from tools.judge.accuracy import Loss, TopK
from tools.judge.agreement import Agreement
from tools.judge.basis import DeviceKind, MadeBy, ReferenceBasis, ReferenceDevice, ReferenceProbe
from tools.judge.device_numbers import Seat
from tools.judge.facts import (
    AippFacts,
    BatchErrors,
    BinFacts,
    CheckerFacts,
    CheckpointFacts,
    GraphStepFacts,
    JpegFacts,
    LogitErrors,
    OmFacts,
    OnnxFacts,
    ParityFacts,
    RecipeFacts,
    ThroughputOutputs,
    ToolkitFacts,
    WeightFacts,
)
from tools.judge.handed_in import HandedIn
from tools.judge.handover import Handover
from tools.judge.ids import Variant
from tools.judge.op_profile import OnnxNames, OperatorProfile
from tools.judge.operators import OperatorFacts
from tools.judge.results import GateResult, RunVerdict
from tools.judge.throughput import Throughput

FILE = "acceptance.json"
MANIFEST = "MANIFEST.sha256"
SIGNATURE = f"{MANIFEST}.sig"
"""A signature over the manifest, which is in no manifest."""
SPEC_JSON, PORT = "spec.json", "port"
IDS, LABELS = "predictions/ids.json", "predictions/labels.npy"
REFERENCE_LOGITS = "predictions/pth.logits.npy"
"""Every logit of the checkpoint, float32 (N, classes), a row an id of IDS; there only where it was asked for."""
LOGS = "logs"
SCHEMA = 5


@dataclass(frozen=True)
class InputDigest:
    """A file that the run rests on: `name` is checkpoint, onnx, om_bs1 …; images and labels have DatasetRecord."""

    name: str
    path: str
    sha256: str
    md5: str | None
    size_bytes: int


@dataclass(frozen=True)
class SpecRecord:
    """The port judged by; the bundle carries it as it was written (port/) and as it was understood (spec.json).

    `files` are the sha256 of what lies in port/ by name: thresholds.yaml, the port's own file, its modules. `code` is
    what the network and the port's functions are made of: files by their sha256, libraries by their version.
    """

    port: str
    path: str
    why: str
    kind: str
    json_sha256: str
    files: dict[str, str]
    code: dict[str, str]


@dataclass(frozen=True)
class DatasetRecord:
    """The labelled images: `gap` says why they are not those that the spec asks for, empty when they are.

    `embedded_sample` where any of them is the sample's, known by its bytes under any name.

    `labels_by_reference` says why a made sample's labels are its own checkpoint's predictions, empty where they are not
    (tools/sample/any_port.py). `ids_sha256` is taken over the ids joined by newlines, `images_sha256` over the bytes
    (tools/store/content.py), `labels_sha256` over the sorted lines `<id> <label>`. `foreign_ids` counts those that are
    none of the spec's, and `byte_equal` names, a group each, the images that are byte for byte the same.
    """

    images: int
    embedded_sample: bool
    limit: int | None
    ids_sha256: str
    images_sha256: str
    labels_sha256: str
    foreign_ids: int
    byte_equal: tuple[tuple[str, ...], ...]
    gap: str
    labels_by_reference: str = ""


@dataclass(frozen=True)
class HandoverFacts:
    """The ids on both sides of one hand-over: `step` is labels, images, bins, info, or a variant's name."""

    step: str
    handover: Handover


@dataclass(frozen=True)
class VariantRecord:
    """What one model variant (pth, onnx, om_bs1 …) predicted, and what the judge made of it.

    The files hold one row an id of predictions/ids.json: `<name>.top5.npy` int16 (N, 5), best first, and
    `<name>.scores.npy` float32 (N, 5), their logits. `accuracy` is Top-1 to Top-5; `losses` against the pth at Top-1
    and Top-5 and `agreement` are empty and None for the pth itself. `batch` is None where it is no part of the name.
    """

    name: Variant
    batch: int | None
    model_sha256: str
    accuracy: tuple[TopK, ...]
    losses: tuple[Loss, ...]
    agreement: Agreement | None

    @property
    def top5_file(self) -> str:
        """Where the bundle keeps the classes."""
        return f"predictions/{self.name}.top5.npy"

    @property
    def scores_file(self) -> str:
        """Where the bundle keeps their logits."""
        return f"predictions/{self.name}.scores.npy"


@dataclass(frozen=True)
class HostThroughput:
    """Two engines of this host measured in turn at one batch size: raw samples in seconds per image, one a round."""

    batch: int
    candidate: str
    candidate_seconds_per_image: tuple[float, ...]
    reference: str
    reference_seconds_per_image: tuple[float, ...]
    ratio: float


@dataclass(frozen=True)
class ThroughputRun:
    """One reading of a vendor tool on one chip, with its raw samples (tools/judge/texts/reading.py says what they are).

    `images` is None for pure inference. `reported_images_per_second` is the tool's own figure,
    `images_per_second_per_chip` the official one: without the padding of the last batch, which ais_bench counts.
    """

    run: int
    tool: str
    mode: str
    batch: int
    device: int
    images: int | None
    seconds_per_image: tuple[float, ...]
    reported_images_per_second: float
    images_per_second_per_chip: float


@dataclass(frozen=True)
class DeviceThroughput:
    """All runs of one batch size, and the judge's word where this machine class has a published figure.

    Several devices give several `runs` of one number, of which the slowest counts. `busy` says what else used a device
    before or after, empty when nothing did. `images_per_second_per_chip` is the (lower) median over the numbers,
    `images_per_second_per_card` derived, chip times `chips_per_card`; `published`, `floor` and `judged` are None where
    the spec has no figure for the soc, or where nothing may be said about one (the simulator).
    """

    batch: int
    mode: str
    soc: str
    chips_per_card: int
    runs: tuple[ThroughputRun, ...]
    images_per_second_per_chip: float
    images_per_second_per_card: float
    published_images_per_second_per_chip: float | None
    floor_images_per_second_per_chip: float | None
    figure_source: str
    busy: tuple[str, ...]
    judged: Throughput | None


UNKNOWN = "unknown"


@dataclass(frozen=True)
class BoardRecord:
    """The board behind a device, each field `unknown` where npu-smi does not say it.

    `device` is the number that the tools take, `seat` what npu-smi, driver and host call the same chip.
    """

    device: int
    serial_number: str
    bus_id: str
    firmware: str
    driver: str
    seat: Seat

    @property
    def known(self) -> bool:
        """Whether it can be told from another board at all."""
        return (self.serial_number, self.bus_id) != (UNKNOWN, UNKNOWN)

    def __str__(self) -> str:
        serial = f"serial number {self.serial_number}, bus {self.bus_id}"
        return f"{serial}, firmware {self.firmware}, driver {self.driver}"


@dataclass(frozen=True)
class MachineRecord:
    """Where OMs were compiled and run: `devices` are the numbers that the tools take, `why` says how it was chosen.

    `toolchain` names the versions of CANN and driver (or the digest of the simulator), as tools/ascend/machine.py
    found them. `boards` are those of the devices, in their order. `visible_devices` is the value of
    ASCEND_RT_VISIBLE_DEVICES, over which the tools count their numbers anew; empty where it was not set.
    """

    soc: str
    infer_tool: str
    devices: tuple[int, ...]
    why: str
    toolchain: dict[str, str]
    boards: tuple[BoardRecord, ...]
    visible_devices: str


@dataclass(frozen=True)
class Reused:
    """An artifact that an earlier run has made, as `<kind>/<key>`, when (ISO 8601, UTC), and on what host.

    `made_on` is the host in words, empty where that was not kept; `batch` is that of a throughput, None of all others.
    """

    name: str
    made_utc: str
    made_on: str = ""
    batch: int | None = None


@dataclass(frozen=True)
class CommandRecord:
    """One vendor tool's run; `folder` (below the bundle) holds its command.txt, stdout.txt and stderr.txt.

    `returncode` is None for a tool that was still running when the suite was ended. `files` are the sha256 of what the
    tool read and made, taken beside its run: the `onnx` and the `om`; empty of a tool that has to do with neither.
    `ended_by` says who ended it where it did not end by itself: the time limit, or whoever interrupted the run.
    """

    argv: tuple[str, ...]
    folder: str
    returncode: int | None
    seconds: float | None
    files: dict[str, str]
    ended_by: str = ""


@dataclass(frozen=True)
class Timing:
    """Wall time of one step of a stage, in seconds."""

    stage: Stage
    step: str
    seconds: float


@dataclass(frozen=True)
class HostRecord:
    """The machine the suite ran on; it has no name here."""

    system: str
    machine: str
    cpu_model: str
    cores: int
    memory_bytes: int


@dataclass(frozen=True)
class Versions:
    """The interpreter, every installed library by name, and the digest of the suite's own code."""

    python: str
    libraries: dict[str, str]
    suite_sha256: str


@dataclass(frozen=True)
class TakenReference:
    """The run whose predictions of the checkpoint were taken instead of making them: by its name, when it ended, the
    digests of its manifest and of the logits, on what machine and by which device they were made, and from what."""

    run: str
    finished_utc: str
    manifest_sha256: str
    logits_sha256: str
    host: HostRecord
    versions: Versions
    device: ReferenceDevice
    basis: ReferenceBasis


@dataclass(frozen=True)
class ReferenceRecord:
    """By which device the checkpoint's predictions are made, and whose they are: `taken` is None for this run's own."""

    device: ReferenceDevice
    taken: TakenReference | None

    @property
    def made_by(self) -> MadeBy:
        """Who has computed them."""
        if self.taken is not None:
            return MadeBy.OTHER_RUN
        return MadeBy.CPU if self.device.kind is DeviceKind.CPU else MadeBy.CUDA


@dataclass(frozen=True)
class Acceptance:
    """One run: its last word, every gate's result, and all they rest on.

    `run` is the name of this run and of no other, which its header and its last line tell.
    `inputs` is what the run's header said, `artifacts` what the store found or made, of
    which `reused` were made by earlier runs. `interrupted` says what ended
    the run before its time, empty when nothing did. `strict_accuracy` turned the tight bound into a gate, and
    `tolerate_busy` made a busy device inconclusive instead of a failure, `profile` asked for the chip's operators.
    `target` is ascend or simulator, whether or
    not OMs were made there. `diagnoses` say, a text for each variant that failed, at which node it leaves the
    checkpoint; their first line is the gate.

    Times are ISO 8601. What a run has not come to is None or empty; the judge counts on nothing that is not there.
    """

    verdict: RunVerdict
    gates: tuple[GateResult, ...]
    inputs: tuple[str, ...]
    artifacts: tuple[str, ...]
    schema: int = SCHEMA
    run: str = ""
    interrupted: str = ""
    strict_accuracy: bool = False
    tolerate_busy: bool = False
    profile: bool = False
    started_utc: str = ""
    finished_utc: str = ""
    spec: SpecRecord | None = None
    target: str = ""
    toolkit: ToolkitFacts | None = None
    machine: MachineRecord | None = None
    digests: tuple[InputDigest, ...] = ()
    handed_in: tuple[HandedIn, ...] = ()
    checkpoint: CheckpointFacts | None = None
    onnx: OnnxFacts | None = None
    onnx_checker: CheckerFacts | None = None
    onnx_operators: OperatorFacts | None = None
    onnx_weights: WeightFacts | None = None
    onnx_logit_errors: LogitErrors | None = None
    onnx_graph_step: GraphStepFacts | None = None
    dataset: DatasetRecord | None = None
    handovers: tuple[HandoverFacts, ...] = ()
    bins: BinFacts | None = None
    parity: ParityFacts | None = None
    recipe: RecipeFacts | None = None
    aipp: AippFacts | None = None
    jpegs: JpegFacts | None = None
    oms: tuple[OmFacts, ...] = ()
    om_batch_errors: BatchErrors | None = None
    variants: tuple[VariantRecord, ...] = ()
    host_throughput: tuple[HostThroughput, ...] = ()
    device_throughput: tuple[DeviceThroughput, ...] = ()
    throughput_outputs: tuple[ThroughputOutputs, ...] = ()
    onnx_names: OnnxNames | None = None
    profiles: tuple[OperatorProfile, ...] = ()
    reference: ReferenceRecord | None = None
    reference_basis: ReferenceBasis | None = None
    reference_probe: ReferenceProbe | None = None
    reused: tuple[Reused, ...] = ()
    commands: tuple[CommandRecord, ...] = ()
    timings: tuple[Timing, ...] = ()
    diagnoses: tuple[str, ...] = ()
    host: HostRecord | None = None
    versions: Versions | None = None
