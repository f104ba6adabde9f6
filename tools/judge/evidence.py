"""What gates are judged from, asked step by step: a run makes each answer when it is first asked for, a bundle has it.

Both kinds of evidence are judged by the same functions (tools/judge/gates.py), so that an offline judge says what the
run said, and of an altered bundle that it does not fit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from tools.base.errors import SuiteError
from tools.judge.acceptance import InputDigest
from tools.judge.accuracy import Loss, doubted, judge_loss
from tools.judge.agreement import Agreement
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
    OmDescription,
    OnnxFacts,
    ParityFacts,
    RecipeFacts,
    ThroughputOutputs,
    ToolkitFacts,
    WeightFacts,
)
from tools.judge.handed_in import HandedIn
from tools.judge.handover import Handover
from tools.judge.ids import PTH, Variant
from tools.judge.image_records import DatasetRecord
from tools.judge.machine_class import Device
from tools.judge.machine_records import MachineRecord
from tools.judge.op_profile import OperatorProfile
from tools.judge.operators import OperatorFacts
from tools.judge.prediction_records import TakenReference, VariantRecord
from tools.judge.predictions import TopFive, pair
from tools.judge.reference import doubt
from tools.judge.spec import Spec
from tools.judge.throughput_records import DeviceThroughput, HostThroughput

OWNER = {PTH: "checkpoint"}
"""The digest of the file that predicted, where it has another name than the variant."""


class NoEvidence(SuiteError):
    """A gate cannot be judged, because what it rests on is not there."""


class Evidence(ABC):
    """The answers of one run; each method raises when its step died (in a run) or is not in the bundle (NoEvidence).

    `on_device` is true where OMs were meant to run on a device, `strict` where the tight bound on a drop is a gate,
    `tolerate_busy` where a busy device is inconclusive instead of a failure.
    """

    def __init__(self, spec: Spec, *, on_device: bool, strict: bool, tolerate_busy: bool) -> None:
        self.spec, self.on_device, self.strict, self.tolerate_busy = spec, on_device, strict, tolerate_busy
        self._losses: dict[tuple[Variant, int], Loss] = {}

    def loss(self, variant: Variant, k: int) -> Loss:
        """What a variant lost against the checkpoint at Top-k, on the same images, judged by the spec.

        From a reference that is none on these images nothing follows.
        """
        if (variant, k) not in self._losses:
            asked = self.spec.accuracy
            found = judge_loss(
                pair(self.top_five(PTH), self.top_five(variant), k),
                k=k,
                margin=asked.top1_drop_pp if k == 1 else asked.top5_drop_pp,
                tight=asked.tight_drop_pp,
                strict=self.strict,
            )
            self._losses[variant, k] = doubted(found, doubt(self.top_five(PTH), self.dataset(), self.spec))
        return self._losses[variant, k]

    def device_class(self) -> Device | None:
        """What is known about the machine's chip, None where nothing is."""
        return self.spec.device(self.machine().soc)

    @abstractmethod
    def digest(self, name: str) -> InputDigest:
        """A file that the run rests on: `checkpoint`, `onnx`, or an OM such as `om_bs16`."""

    @abstractmethod
    def handed_in(self, name: str) -> HandedIn | None:
        """What the porter has handed in under the name of a digest, None where the suite has made it itself."""

    @abstractmethod
    def checkpoint(self) -> CheckpointFacts:
        """The state_dict held against the network."""

    @abstractmethod
    def onnx(self) -> OnnxFacts:
        """What was read back from the exported file."""

    @abstractmethod
    def checker(self) -> CheckerFacts:
        """onnx.checker's answer."""

    @abstractmethod
    def weights(self) -> WeightFacts:
        """The file's initializers held against the checkpoint."""

    @abstractmethod
    def logit_errors(self) -> LogitErrors:
        """onnxruntime against torch on the probe images."""

    @abstractmethod
    def operators(self) -> OperatorFacts:
        """The ONNX file's nodes against what atc's parser knows."""

    @abstractmethod
    def graph_step(self) -> GraphStepFacts:
        """The ONNX file before and after the port's graph step."""

    @abstractmethod
    def dataset(self) -> DatasetRecord:
        """The labelled images."""

    @abstractmethod
    def gap(self) -> str:
        """Why these are not the images that the spec asks for, empty when they are."""

    @abstractmethod
    def handover(self, step: str) -> Handover:
        """The ids on both sides of a step: labels, images, bins, info, or a variant's predictions."""

    @abstractmethod
    def bins(self) -> BinFacts:
        """What every bin looks like."""

    @abstractmethod
    def jpegs(self) -> JpegFacts:
        """The JPEG files that the vendor's tool is given, where the chip decodes them."""

    @abstractmethod
    def parity(self) -> ParityFacts:
        """Bins held against a library's own transforms."""

    @abstractmethod
    def recipe(self) -> RecipeFacts:
        """The recipe that a library states for these weights, and where the port departs from it."""

    @abstractmethod
    def aipp(self) -> AippFacts:
        """The AIPP file that OMs are made with, where the chip normalises."""

    @abstractmethod
    def toolkit(self) -> ToolkitFacts:
        """Where OMs are compiled and run, and by which tool."""

    @abstractmethod
    def machine(self) -> MachineRecord:
        """The devices and their chip."""

    @abstractmethod
    def described(self, batch: int) -> OmDescription:
        """What the OM of a batch size says of itself."""

    @abstractmethod
    def batch_errors(self) -> BatchErrors:
        """How far the OMs of the batch sizes lie apart."""

    @abstractmethod
    def taken_reference(self) -> TakenReference:
        """The run whose predictions of the checkpoint were taken; asked only where they were."""

    @abstractmethod
    def reference_basis(self) -> ReferenceBasis:
        """What the checkpoint's predictions follow from in this run."""

    @abstractmethod
    def reference_probe(self) -> ReferenceProbe:
        """The checkpoint's predictions held against this machine's CPU; asked only where that has not made them."""

    @abstractmethod
    def top_five(self, variant: Variant) -> TopFive:
        """A variant's five best classes of every image, with the labels."""

    @abstractmethod
    def agreement(self, variant: Variant) -> Agreement:
        """A variant's logits held against the checkpoint's."""

    @abstractmethod
    def host_throughput(self, batch: int) -> HostThroughput:
        """onnxruntime and torch measured in turn."""

    @abstractmethod
    def device_throughput(self, batch: int) -> DeviceThroughput:
        """What the vendor's tool measured."""

    @abstractmethod
    def throughput_outputs(self, batch: int) -> ThroughputOutputs:
        """What the throughput runs gave, beside the predictions."""

    @abstractmethod
    def profile(self, batch: int) -> OperatorProfile:
        """Where the chip spends its time, by the vendor's profiler."""


def variant_record(evidence: Evidence, name: Variant, model_sha256: str) -> VariantRecord:
    """What a variant predicted and how it compares with the checkpoint, for the record."""
    return VariantRecord(
        name=name,
        batch=name.batch,
        model_sha256=model_sha256,
        accuracy=evidence.top_five(name).accuracy,
        losses=() if name == PTH else (evidence.loss(name, 1), evidence.loss(name, 5)),
        agreement=None if name == PTH else evidence.agreement(name),
    )
