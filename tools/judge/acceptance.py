"""The evidence of a run as data: everything its verdict rests on, in the shape in which acceptance.json keeps it.

docs/evidence-schema.md describes the folder around it, docs/acceptance.schema.json is the record as JSON Schema.
Every text has been scrubbed (tools/evidence/scrub.py) when it comes to rest here. None means "not known in this run".
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.base.errors import Stage
from tools.judge.basis import ReferenceBasis, ReferenceProbe
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
from tools.judge.image_records import DatasetRecord, HandoverFacts
from tools.judge.machine_records import HostRecord, MachineRecord, Versions
from tools.judge.op_profile import OnnxNames, OperatorProfile
from tools.judge.operators import OperatorFacts
from tools.judge.prediction_records import ReferenceRecord, VariantRecord
from tools.judge.results import GateResult, RunVerdict
from tools.judge.throughput_records import DeviceThroughput, HostThroughput

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
