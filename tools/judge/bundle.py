"""A bundle as evidence: what its record, predictions and spec say, each answer only where it is really there."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from tools.judge.bundle_images import RecordedImages
from tools.judge.bundle_predictions import RecordedPredictions
from tools.judge.bundle_record import once, there
from tools.judge.bundle_throughput import RecordedThroughput
from tools.judge.documents import read_acceptance, read_spec
from tools.judge.evidence import NoEvidence
from tools.judge.facts import (
    BatchErrors,
    CheckerFacts,
    CheckpointFacts,
    GraphStepFacts,
    LogitErrors,
    OmDescription,
    OnnxFacts,
    WeightFacts,
)
from tools.judge.files import Files, Refused, check_manifest, short
from tools.judge.layout import FILE, SPEC_JSON
from tools.judge.operators import OperatorFacts
from tools.judge.results import Check, Verdict
from tools.judge.spec import Spec


class Bundle(RecordedPredictions, RecordedImages, RecordedThroughput):
    """All answers of a bundle: those about predictions, images and speed, and here those about the model's files."""

    def judged_by(self, spec: Spec) -> Bundle:
        """The same bundle, to be judged by another spec: what that asks beyond it is missing, and no problem."""
        return Bundle(self.name, self.files, self.record, spec)

    def checkpoint(self) -> CheckpointFacts:
        """See Evidence."""
        return there(self.record.checkpoint, "no facts about the checkpoint")

    def onnx(self) -> OnnxFacts:
        """See Evidence."""
        return there(self.record.onnx, "no facts about the ONNX file")

    def checker(self) -> CheckerFacts:
        """See Evidence."""
        return there(self.record.onnx_checker, "no answer of onnx.checker")

    def weights(self) -> WeightFacts:
        """See Evidence."""
        return there(self.record.onnx_weights, "no comparison of weights")

    def logit_errors(self) -> LogitErrors:
        """See Evidence; as many images were looked at as the spec asks for, or all where there are fewer."""
        found = there(self.record.onnx_logit_errors, "no comparison of onnxruntime with torch")
        self.looked_at(found.images, self.spec.onnx.probe_images)
        return found

    def operators(self) -> OperatorFacts:
        """See Evidence."""
        return there(self.record.onnx_operators, "no comparison with what atc parses")

    def graph_step(self) -> GraphStepFacts:
        """See Evidence; as many images were looked at as the spec asks for, or all where there are fewer."""
        found = there(self.record.onnx_graph_step, "no comparison of the graph step")
        self.looked_at(found.images, self.spec.onnx.probe_images)
        return found

    def described(self, batch: int) -> OmDescription:
        """See Evidence."""
        found = once({entry.batch: entry.described for entry in self.record.oms}, self.record.oms, "oms")
        if batch not in found:
            raise NoEvidence(f"no description of the OM of batch {batch}")
        return found[batch]

    def batch_errors(self) -> BatchErrors:
        """See Evidence; all batch sizes of the spec and all images must have been compared."""
        found = there(self.record.om_batch_errors, "no comparison of the batch sizes")
        if found.batches != self.spec.batches or (self.record.dataset is not None and found.images != len(self.ids)):
            raise NoEvidence(f"batches {found.batches} were compared over {found.images} images, not all")
        return found

    @cached_property
    def gates(self) -> dict[str, Check]:
        """Every gate's check as it was recorded."""
        for place, result in enumerate(self.record.gates):
            if result.check.verdict is Verdict.PASS and result.check.detail:
                detail = short(result.check.detail)
                raise Refused(f"{FILE}.gates[{place}].check.detail: {detail} explains a PASS, which needs no excuse")
        recorded = self.record.gates
        return once({entry.id: entry.check for entry in recorded}, recorded, "gates")


def open_files(folder: Path) -> Files:
    """The bundle's files; Refused, with the names of the first ten, when any is not what the manifest says."""
    files, problems = check_manifest(folder)
    if problems:
        raise Refused("; ".join(problems[:10]) + (f"; … {len(problems) - 10} more" if len(problems) > 10 else ""))
    return files


def read_bundle(name: str, files: Files) -> Bundle:
    """Read the record and the spec; Refused when they are not of this schema."""
    record = read_acceptance(files.json(FILE))
    return Bundle(name, files, record, read_spec(files.read(SPEC_JSON), SPEC_JSON))
