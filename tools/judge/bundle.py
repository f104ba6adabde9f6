"""A bundle as evidence: what its record, predictions and spec say, each answer only where it is really there."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from tools.judge import records
from tools.judge.acceptance import (
    FILE,
    IDS,
    LABELS,
    SPEC_JSON,
    Acceptance,
    DatasetRecord,
    DeviceThroughput,
    HostThroughput,
    InputDigest,
    MachineRecord,
    TakenReference,
    VariantRecord,
)
from tools.judge.agreement import Agreement
from tools.judge.basis import MadeBy, ReferenceBasis, ReferenceProbe, drawn, probe_seed
from tools.judge.dataset import foreign_ids, other_images
from tools.judge.device import images_by_run
from tools.judge.differences import differences
from tools.judge.documents import read_acceptance, read_spec, texts
from tools.judge.evidence import Evidence, NoEvidence
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
from tools.judge.files import Files, Refused, check_manifest, read_npy, short
from tools.judge.handed_in import HandedIn
from tools.judge.handover import Handover
from tools.judge.ids import PTH, Variant
from tools.judge.op_profile import OperatorProfile
from tools.judge.operators import OperatorFacts
from tools.judge.predictions import Flips, TopFive, flips, top_five
from tools.judge.results import Check, Verdict
from tools.judge.spec import Spec

CLASS_CODES = {"<i2": "h", "<i4": "i"}
SCORE_CODES = {"<f4": "f"}
TARGETS = {"ascend": True, "simulator": False}
"""Whether OMs were meant to run on a device."""
T = TypeVar("T")


class Bundle(Evidence):
    """One bundle whose files are whole, to be judged by its own spec or, with `judged_by`, by another one.

    `problems` collects every disagreement found in it.
    """

    def __init__(self, name: str, files: Files, record: Acceptance, spec: Spec) -> None:
        if record.target not in TARGETS:
            raise Refused(f"{FILE}.target: {short(record.target)} is no target")
        super().__init__(
            spec,
            on_device=TARGETS[record.target],
            strict=record.strict_accuracy,
            tolerate_busy=record.tolerate_busy,
        )
        self.name, self.files, self.record = name, files, record
        self.problems: list[str] = []
        self._top_fives: dict[Variant, TopFive] = {}
        self._flips: dict[Variant, Flips] = {}

    def judged_by(self, spec: Spec) -> Bundle:
        """The same bundle, to be judged by another spec: what that asks beyond it is missing, and no problem."""
        return Bundle(self.name, self.files, self.record, spec)

    def compare(self, where: str, recorded: object, ours: object) -> None:
        """Collect in `problems` wherever what was recorded differs from what the judge finds."""
        self.problems += differences(records.plain(recorded), records.plain(ours), where)

    @property
    def made_by(self) -> MadeBy:
        """Who has computed the checkpoint's predictions."""
        return MadeBy.CPU if self.record.reference is None else self.record.reference.made_by

    def taken_reference(self) -> TakenReference:
        """See Evidence."""
        reference = self.record.reference
        return _there(None if reference is None else reference.taken, "no word on whose predictions were taken")

    def reference_basis(self) -> ReferenceBasis:
        """See Evidence."""
        return _there(self.record.reference_basis, "no word on what the checkpoint's predictions follow from")

    def reference_probe(self) -> ReferenceProbe:
        """See Evidence; the images are those that the run's name and the digest of what was taken draw."""
        found = _there(self.record.reference_probe, "no comparison of the checkpoint's predictions with the CPU's")
        _there(self.record.dataset, "no record of the data set")
        manifest = self.taken_reference().manifest_sha256 if self.made_by is MadeBy.OTHER_RUN else ""
        seed = probe_seed(self.record.run, manifest)
        if found.ids != drawn(self.ids, seed, self.spec.accuracy.reference_probe_images):
            raise NoEvidence(f"the {len(found.ids)} images that were computed again are not those that chance draws")
        return found

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The image ids, row after row."""
        return texts(self.files.json(IDS), IDS)

    @cached_property
    def labels(self) -> Sequence[int]:
        """The label of each id."""
        return read_npy(self.files.read(LABELS), LABELS, CLASS_CODES, None)

    @cached_property
    def variants(self) -> dict[Variant, VariantRecord]:
        """What was recorded of each variant."""
        return _once({entry.name: entry for entry in self.record.variants}, self.record.variants, "variants")

    def top_five(self, variant: Variant) -> TopFive:
        """See Evidence; the predictions of a recorded variant must be whole."""
        if variant not in self.variants:
            raise NoEvidence(f"no predictions of {variant}")
        if variant not in self._top_fives:
            self._top_fives[variant] = self._read_top_five(self.variants[variant])
        return self._top_fives[variant]

    def _read_top_five(self, record: VariantRecord) -> TopFive:
        if not record.name.known:
            raise Refused(f"{short(str(record.name))} is no name of a variant")
        places = self.spec.places
        classes = read_npy(self.files.read(record.top5_file), record.top5_file, CLASS_CODES, places)
        scores = read_npy(self.files.read(record.scores_file), record.scores_file, SCORE_CODES, places)
        if not len(classes) == len(scores) == places * len(self.labels) == places * len(self.ids):
            rows = f"{len(classes) // places} and {len(scores) // places} rows"
            raise Refused(f"{record.name}: {rows} for {len(self.ids)} ids")
        return top_five(record.name, classes, scores, self.labels)

    def flips(self, variant: Variant) -> Flips:
        """How a variant's top five differ from the checkpoint's."""
        if variant not in self._flips:
            self._flips[variant] = flips(self.top_five(PTH), self.top_five(variant))
        return self._flips[variant]

    def agreement(self, variant: Variant) -> Agreement:
        """See Evidence: cosines and errors take all logits and are as recorded, all else follows from the top fives.

        Where the five best scores leave open whether a flip lies beyond a near tie, the record decides.
        """
        found = self.flips(variant)
        recorded = self.variants[variant].agreement
        if recorded is None:
            raise NoEvidence(f"no agreement of {variant} was recorded")
        bounds = self.spec.agreement_bounds(variant.kind, on_device=self.on_device)
        near_tie = bounds.near_tie_logits.value
        known = set(recorded.flipped_beyond_near_tie)
        surely, possibly = found.surely_beyond(near_tie), found.possibly_beyond(near_tie)
        beyond = [row for row in found.gaps if row in surely or (row in possibly and self.ids[row] in known)]
        return dataclasses.replace(
            recorded,
            images=len(self.ids),
            unusable=(),
            top5_set_changed_percent=100 * found.top5_set_changed / len(self.ids),
            near_tie_logits=near_tie,
            flipped=tuple(self.ids[row] for row in found.gaps),
            flipped_beyond_near_tie=tuple(self.ids[row] for row in beyond),
        )

    @cached_property
    def digests(self) -> dict[str, InputDigest]:
        """Digests of the inputs by name."""
        return _once({entry.name: entry for entry in self.record.digests}, self.record.digests, "digests")

    def digest(self, name: str) -> InputDigest:
        """See Evidence."""
        if name not in self.digests:
            raise NoEvidence(f"no digest of {name}")
        return self.digests[name]

    def handed_in(self, name: str) -> HandedIn | None:
        """See Evidence."""
        recorded = self.record.handed_in
        return _once({entry.name: entry for entry in recorded}, recorded, "handed_in").get(name)

    def checkpoint(self) -> CheckpointFacts:
        """See Evidence."""
        return _there(self.record.checkpoint, "no facts about the checkpoint")

    def onnx(self) -> OnnxFacts:
        """See Evidence."""
        return _there(self.record.onnx, "no facts about the ONNX file")

    def checker(self) -> CheckerFacts:
        """See Evidence."""
        return _there(self.record.onnx_checker, "no answer of onnx.checker")

    def weights(self) -> WeightFacts:
        """See Evidence."""
        return _there(self.record.onnx_weights, "no comparison of weights")

    def logit_errors(self) -> LogitErrors:
        """See Evidence; as many images were looked at as the spec asks for, or all where there are fewer."""
        found = _there(self.record.onnx_logit_errors, "no comparison of onnxruntime with torch")
        self._looked_at(found.images, self.spec.onnx.probe_images)
        return found

    def operators(self) -> OperatorFacts:
        """See Evidence."""
        return _there(self.record.onnx_operators, "no comparison with what atc parses")

    def graph_step(self) -> GraphStepFacts:
        """See Evidence; as many images were looked at as the spec asks for, or all where there are fewer."""
        found = _there(self.record.onnx_graph_step, "no comparison of the graph step")
        self._looked_at(found.images, self.spec.onnx.probe_images)
        return found

    def dataset(self) -> DatasetRecord:
        """See Evidence; which ids are foreign is found out again, for another port may judge."""
        found = _there(self.record.dataset, "no record of the data set")
        return dataclasses.replace(found, foreign_ids=foreign_ids(self.ids, self.spec.dataset))

    def gap(self) -> str:
        """See Evidence; the words are the record's, whether there is a gap is found out again."""
        dataset = self.dataset()
        if not other_images(self.ids, dataset.images_sha256, self.spec.dataset):
            return ""
        return dataset.gap or "these are not the images that this port asks for"

    @cached_property
    def handovers(self) -> dict[str, Handover]:
        """The hand-overs by step."""
        recorded = self.record.handovers
        return _once({entry.step: entry.handover for entry in recorded}, recorded, "handovers")

    def handover(self, step: str) -> Handover:
        """See Evidence; a hand-over of the whole data set counts as many ids as there are."""
        if step not in self.handovers:
            raise NoEvidence(f"no predictions of {step}" if Variant(step).known else f"no hand-over of {step}")
        found = self.handovers[step]
        whole = self.record.dataset is not None and (step != "labels" or self.record.dataset.limit is None)
        if found.conserved and whole and self.bins_whole and found.expected != len(self.ids):
            raise NoEvidence(f"{found.expected} ids were handed over, {len(self.ids)} are there")
        return found

    @property
    def bins_whole(self) -> bool:
        """Whether no bin was lost or invented, which is a gate of its own."""
        bins = self.handovers.get("bins")
        return bins is None or bins.conserved

    def bins(self) -> BinFacts:
        """See Evidence; as many were looked at as there are images."""
        found = _there(self.record.bins, "no facts about the bins")
        self._looked_at(found.among, None)
        return found

    def jpegs(self) -> JpegFacts:
        """See Evidence; as many were looked at as there are images."""
        found = _there(self.record.jpegs, "no facts about the JPEG files")
        self._looked_at(found.among, None)
        return found

    def aipp(self) -> AippFacts:
        """See Evidence."""
        return _there(self.record.aipp, "no AIPP file")

    def parity(self) -> ParityFacts:
        """See Evidence; as many were looked at as the spec asks for, or all where there are fewer.

        Of pixels that a function of the port's own makes none are looked at.
        """
        found = _there(self.record.parity, "no comparison of bins with torchvision")
        asked = self.spec.preprocessing
        if asked.function is not None:
            return found
        self._looked_at(len(set(found.looked_at)), asked.parity_images)
        others = set(found.looked_at).difference(self.ids if self.record.dataset is not None else found.looked_at)
        if others:
            raise NoEvidence(f"{short(min(others))} was looked at, which is no image of the data set")
        return found

    def recipe(self) -> RecipeFacts:
        """See Evidence; what a library states is not found out again."""
        return _there(self.record.recipe, "no word on the recipe that a library states")

    def _looked_at(self, count: int, at_most: int | None) -> None:
        if self.record.dataset is None or not self.bins_whole:
            return
        wanted = len(self.ids) if at_most is None else min(at_most, len(self.ids))
        if count != wanted:
            raise NoEvidence(f"{count} were looked at, not {wanted}")

    def toolkit(self) -> ToolkitFacts:
        """See Evidence."""
        return _there(self.record.toolkit, "no record of the toolkit")

    def machine(self) -> MachineRecord:
        """See Evidence."""
        return _there(self.record.machine, "no record of the machine")

    def described(self, batch: int) -> OmDescription:
        """See Evidence."""
        found = _once({entry.batch: entry.described for entry in self.record.oms}, self.record.oms, "oms")
        if batch not in found:
            raise NoEvidence(f"no description of the OM of batch {batch}")
        return found[batch]

    def batch_errors(self) -> BatchErrors:
        """See Evidence; all batch sizes of the spec and all images must have been compared."""
        found = _there(self.record.om_batch_errors, "no comparison of the batch sizes")
        if found.batches != self.spec.batches or (self.record.dataset is not None and found.images != len(self.ids)):
            raise NoEvidence(f"batches {found.batches} were compared over {found.images} images, not all")
        return found

    @cached_property
    def hosts(self) -> dict[int, HostThroughput]:
        """Host throughput by batch size."""
        recorded = self.record.host_throughput
        return _once({entry.batch: entry for entry in recorded}, recorded, "host_throughput")

    def host_throughput(self, batch: int) -> HostThroughput:
        """See Evidence."""
        if batch not in self.hosts:
            raise NoEvidence(f"no host samples of batch {batch}")
        return self.hosts[batch]

    @cached_property
    def devices(self) -> dict[int, DeviceThroughput]:
        """Device throughput by batch size."""
        recorded = self.record.device_throughput
        return _once({entry.batch: entry for entry in recorded}, recorded, "device_throughput")

    def device_throughput(self, batch: int) -> DeviceThroughput:
        """See Evidence."""
        if batch not in self.devices:
            raise NoEvidence(f"no throughput samples of batch {batch}")
        return self.devices[batch]

    def throughput_outputs(self, batch: int) -> ThroughputOutputs:
        """See Evidence; every run over the data set gave as many outputs as it is said to have seen images."""
        recorded = self.record.throughput_outputs
        by_batch = _once({entry.batch: entry for entry in recorded}, recorded, "throughput_outputs")
        if batch not in by_batch:
            raise NoEvidence(f"no word on the outputs of throughput runs of batch {batch}")
        found, seen = by_batch[batch], images_by_run(self.device_throughput(batch).runs)
        if [(run.run, run.images) for run in found.runs] != sorted(seen.items()):
            raise NoEvidence(f"outputs of batch {batch} are not those of its throughput runs over the data set")
        return found

    def profile(self, batch: int) -> OperatorProfile:
        """See Evidence."""
        recorded = self.record.profiles
        found = _once({entry.batch: entry for entry in recorded}, recorded, "profiles")
        if batch not in found:
            raise NoEvidence(f"no profile of batch {batch}")
        return found[batch]

    @cached_property
    def gates(self) -> dict[str, Check]:
        """Every gate's check as it was recorded."""
        for place, result in enumerate(self.record.gates):
            if result.check.verdict is Verdict.PASS and result.check.detail:
                detail = short(result.check.detail)
                raise Refused(f"{FILE}.gates[{place}].check.detail: {detail} explains a PASS, which needs no excuse")
        recorded = self.record.gates
        return _once({entry.id: entry.check for entry in recorded}, recorded, "gates")


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


def _there(value: T | None, missing: str) -> T:
    if value is None:
        raise NoEvidence(missing)
    return value


def _once(by_key: dict[Any, T], entries: Sequence[Any], where: str) -> dict[Any, T]:
    """The entries by key; Refused when a key stands there twice."""
    if len(by_key) < len(entries):
        keys = [getattr(entry, "id", None) or getattr(entry, "name", None) for entry in entries]
        again = next((key for key in keys if key is not None and keys.count(key) > 1), "an entry")
        raise Refused(f"{FILE}.{where}: {short(str(again))} stands there twice")
    return by_key
