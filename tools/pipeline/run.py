"""A port from checkpoint to verdict: every step made when it is first asked for, every gate judged from what it made.

from tools.pipeline.run import open_run

with open_run({"evidence": "build/my-run"}, sample=True) as run:
    for result in run.judge_all():
        print(result.id, result.check.verdict, result.check.measured)
    print(run.publish().verdict.banner)
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tools.base.errors import SuiteError
from tools.evidence.staging import Staging
from tools.judge.acceptance import InputDigest
from tools.judge.agreement import Agreement
from tools.judge.basis import ReferenceBasis, ReferenceProbe
from tools.judge.evidence import OWNER, Evidence, NoEvidence, variant_record
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
from tools.judge.gates import expected, in_order, judge
from tools.judge.handed_in import HandedIn
from tools.judge.handover import Handover
from tools.judge.ids import OM_PERF_FLOOR, PTH, GateId, Variant
from tools.judge.image_records import DatasetRecord
from tools.judge.machine_records import MachineRecord
from tools.judge.op_profile import OperatorProfile
from tools.judge.operators import OperatorFacts
from tools.judge.prediction_records import TakenReference
from tools.judge.predictions import TopFive
from tools.judge.results import Check, GateResult, Verdict
from tools.judge.throughput_records import DeviceThroughput, HostThroughput
from tools.pipeline.begin import begin_evidence
from tools.pipeline.checkpoint import CheckpointStep
from tools.pipeline.context import Context
from tools.pipeline.data import DataStep
from tools.pipeline.diagnosis import DiagnosisStep
from tools.pipeline.om import OmStep
from tools.pipeline.once import once
from tools.pipeline.onnx import OnnxStep
from tools.pipeline.outcomes import after_error, keep, result
from tools.pipeline.port_sample import SampleStep
from tools.pipeline.predictions import PredictionStep
from tools.pipeline.profile import ProfileStep
from tools.pipeline.publish import Published, RunFacts, publish, run_verdict
from tools.pipeline.setup import Setup, prepare
from tools.pipeline.throughput import ThroughputStep


class Run(Evidence):
    """The evidence of a run while it is made; the steps are attributes, for whoever wants a thing and no verdict."""

    def __init__(self, setup: Setup, staging: Staging, *, run: str, strict: bool, remeasure: bool) -> None:
        super().__init__(
            setup.spec,
            on_device=setup.on_device,
            strict=strict,
            tolerate_busy=setup.inputs.ascend.tolerate_busy,
        )
        self.setup = setup
        self.context = Context(
            inputs=setup.inputs,
            spec=setup.spec,
            staging=staging,
            environment=setup.environment,
            filesystem=setup.filesystem,
            run=run,
            on_device=setup.on_device,
            made_sample=setup.made_sample,
            remeasure=remeasure,
            taken=None if setup.taken is None else setup.taken.scrubbed(staging.scrub),
        )
        made = SampleStep(self.context)
        self.checkpoint_step = CheckpointStep(self.context, made)
        self.data = DataStep(self.context, made)
        self.onnx_step = OnnxStep(self.context, self.checkpoint_step, self.data)
        self.om = OmStep(self.context, self.onnx_step, self.data)
        steps = (self.context, self.checkpoint_step, self.onnx_step, self.data, self.om)
        self.predicted = PredictionStep(*steps)
        self.throughput = ThroughputStep(*steps)
        self.profiles = ProfileStep(self.context, self.onnx_step, self.om, self.throughput)
        self.diagnosis = DiagnosisStep(*steps)
        self.started = datetime.now(UTC)
        self._results: list[GateResult] = []

    def judge(self, name: str) -> Check:
        """The answer of one gate, by its full id; the error of the step that died where there is none."""
        check, variant = judge(name, self), GateId(name).variant
        if variant is not None:
            with contextlib.suppress(SuiteError):  # where it cannot be compared, a gate of its own says why
                self.recorded(PTH)
                self.recorded(variant)
        self.floor_missed(GateId(name), check)
        return check

    def floor_missed(self, name: GateId, check: Check) -> tuple[str, ...]:
        """Where the chip's time goes, where this is the answer that it misses its floor; nothing for any other."""
        missed = name.gate == OM_PERF_FLOOR and check.verdict is Verdict.FAIL and name.batch is not None
        return self.profiles.floor_missed(name.batch) if missed and name.batch is not None else ()

    def answers(self, name: str) -> tuple[GateResult, ...]:
        """The answer of one gate, or what the error of a step means for it and for the gate that the error names."""
        try:
            return (result(name, self.judge(name)),)
        except SuiteError as error:
            return after_error(name, error)

    def judge_all(self) -> list[GateResult]:
        """The answers of every gate that the spec asks, in the order of the stages; a FAIL is never overwritten."""
        found: dict[GateId, GateResult] = {}
        for name in expected(self.setup.asked):
            keep(found, self.answers(name))
        self._results = [found[name] for name in in_order(tuple(found))]
        return self._results

    def publish(self) -> Published:
        """Write the evidence of `judge_all` to its place; the verdict is over every gate that the spec asks."""
        verdict = run_verdict(self.setup, self.context.staging, self._results, interrupted="")
        facts = RunFacts(
            run=self.context.run,
            gates=tuple(self._results),
            strict=self.strict,
            artifacts=tuple(self.context.log),
            started=self.started,
            images=self.data.folder(),
        )
        return publish(self.setup, self.context.staging, facts, verdict)

    def close(self) -> None:
        """Let go of the files that steps hold open."""
        self.data.close()

    @once
    def recorded(self, variant: Variant) -> None:
        """Put a variant's predictions into the evidence, with all that follows from them."""
        self.data.record()
        predicted = self.predicted.predictions(variant)
        record = variant_record(self, variant, self.digest(OWNER.get(variant, variant)).sha256)
        self.context.staging.put_variant(record, predicted.ids, predicted.top5, predicted.top5_scores)
        if variant == PTH and self.setup.keep_reference:
            self.context.staging.put_reference_logits(predicted.logits)

    def digest(self, name: str) -> InputDigest:
        """See Evidence."""
        batch = Variant(name).batch
        if batch is not None:
            return self.om.om(batch).digest
        return self.checkpoint_step.file().digest if name == "checkpoint" else self.onnx_step.file().digest

    def handed_in(self, name: str) -> HandedIn | None:
        """See Evidence."""
        batch = Variant(name).batch
        return self.onnx_step.handed_in() if batch is None else self.om.handed_in(batch)

    def checkpoint(self) -> CheckpointFacts:
        """See Evidence."""
        return self.checkpoint_step.facts()

    def onnx(self) -> OnnxFacts:
        """See Evidence."""
        return self.onnx_step.facts()

    def checker(self) -> CheckerFacts:
        """See Evidence."""
        return self.onnx_step.checker()

    def operators(self) -> OperatorFacts:
        """See Evidence."""
        return self.onnx_step.operators()

    def weights(self) -> WeightFacts:
        """See Evidence."""
        return self.onnx_step.weights()

    def logit_errors(self) -> LogitErrors:
        """See Evidence."""
        return self.onnx_step.logit_errors()

    def graph_step(self) -> GraphStepFacts:
        """See Evidence."""
        return self.onnx_step.graph_step()

    def dataset(self) -> DatasetRecord:
        """See Evidence."""
        return self.data.record()

    def gap(self) -> str:
        """See Evidence."""
        return self.data.record().gap

    def handover(self, step: str) -> Handover:
        """See Evidence."""
        variant = Variant(step)
        return self.predicted.handed_over(variant) if variant.known else self.data.handed_over(step)

    def bins(self) -> BinFacts:
        """See Evidence."""
        return self.data.bin_facts()

    def jpegs(self) -> JpegFacts:
        """See Evidence."""
        return self.data.jpegs().facts

    def parity(self) -> ParityFacts:
        """See Evidence."""
        return self.data.parity()

    def recipe(self) -> RecipeFacts:
        """See Evidence."""
        return self.data.recipe_facts()

    def aipp(self) -> AippFacts:
        """See Evidence."""
        return self.om.atc.aipp()

    def toolkit(self) -> ToolkitFacts:
        """See Evidence."""
        return self.om.machine.toolkit()

    def machine(self) -> MachineRecord:
        """See Evidence."""
        return self.om.machine.record()

    def described(self, batch: int) -> OmDescription:
        """See Evidence."""
        return self.om.described(batch)

    def batch_errors(self) -> BatchErrors:
        """See Evidence."""
        return self.om.batch_errors()

    def taken_reference(self) -> TakenReference:
        """See Evidence."""
        if self.context.taken is None:
            raise NoEvidence("the checkpoint's predictions are this run's own")
        return self.context.taken.record

    def reference_basis(self) -> ReferenceBasis:
        """See Evidence."""
        return self.predicted.reference.basis()

    def reference_probe(self) -> ReferenceProbe:
        """See Evidence."""
        return self.predicted.reference.probe()

    def top_five(self, variant: Variant) -> TopFive:
        """See Evidence."""
        return self.predicted.top_five(variant)

    def agreement(self, variant: Variant) -> Agreement:
        """See Evidence."""
        return self.predicted.agreement(variant)

    def host_throughput(self, batch: int) -> HostThroughput:
        """See Evidence."""
        return self.throughput.host(batch)

    def device_throughput(self, batch: int) -> DeviceThroughput:
        """See Evidence."""
        return self.throughput.device(batch)

    def throughput_outputs(self, batch: int) -> ThroughputOutputs:
        """See Evidence."""
        return self.throughput.outputs(batch)

    def profile(self, batch: int) -> OperatorProfile:
        """See Evidence."""
        return self.profiles.profile(batch)


@contextmanager
def open_run(
    options: Mapping[str, str | None],
    *,
    sample: bool = False,
    strict: bool = False,
    remeasure: bool = False,
    keep_reference: bool = False,
    profile: bool = False,
    environment: Mapping[str, str] | None = None,
    here: Path | None = None,
) -> Iterator[Run]:
    """A run from a script or a notebook; `options` are those of the command line, e.g. `{"checkpoint": "x.pth"}`.

    What the run has put beside the place of its evidence is removed at the end, unless it was published.
    """
    surroundings = os.environ if environment is None else environment
    setup = prepare(
        options,
        surroundings,
        sample=sample,
        here=here or Path.cwd(),
        keep_reference=keep_reference,
        profile=profile,
    )
    name = uuid.uuid4().hex
    staging = begin_evidence(setup.inputs, surroundings, name)
    run = Run(setup, staging, run=name, strict=strict, remeasure=remeasure)
    try:
        yield run
    finally:
        run.close()
        staging.discard()
