"""Bundles without a model: made-up logits, times and facts, judged by the suite's own judge, written by its own
writer."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from array import array
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from unittest import mock

import numpy as np
import yaml

from selftest.evidence import made_logs
from selftest.evidence.made_logs import MadeLogs
from selftest.evidence.perf_told import told
from tools.base.errors import Stage
from tools.engines.agreement import agree
from tools.engines.predictions import Predictions, largest_difference
from tools.engines.throughput import Paired
from tools.evidence.host import host_record
from tools.evidence.opening import open_staging
from tools.evidence.records import throughput_runs
from tools.evidence.scrub import Scrubber
from tools.evidence.staging import Staging
from tools.evidence.tool_logs import keep_logs
from tools.judge import gates, ids, records
from tools.judge.acceptance import Acceptance, InputDigest
from tools.judge.agreement import Agreement
from tools.judge.aipp import aipp_text
from tools.judge.basis import ReferenceBasis, ReferenceProbe
from tools.judge.dataset import labels_sha256
from tools.judge.device import images_by_run, throughput_record
from tools.judge.device_numbers import Seat
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
    OmFacts,
    OmInput,
    OnnxFacts,
    ParityFacts,
    RecipeFacts,
    RunOutputs,
    StoredOm,
    ThroughputOutputs,
    ToolkitFacts,
    WeightFacts,
)
from tools.judge.handed_in import HandedIn
from tools.judge.handover import Handover, handover
from tools.judge.ids import ONNX, PTH, Variant
from tools.judge.image_records import DatasetRecord
from tools.judge.machine_records import BoardRecord, MachineRecord, Versions
from tools.judge.numbers import Exactly, Fact
from tools.judge.op_profile import OperatorProfile
from tools.judge.operators import OperatorFacts
from tools.judge.prediction_records import TakenReference
from tools.judge.predictions import TopFive, top_five
from tools.judge.remarks import remarks
from tools.judge.results import GateResult
from tools.judge.run import judge_run
from tools.judge.spec import Spec, ThroughputRuns
from tools.judge.texts.reading import InferTool, Mode
from tools.judge.texts.told import PURE_EXECUTIONS, Asked, Told, read_told
from tools.judge.throughput_records import DeviceThroughput, HostThroughput
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_port, load_spec

CLASSES = 20
SOC = "Ascend310"
TENSORS = 16
PORT_FILE = "port.yaml"
CODE = {"model": "torchvision:alexnet", "version torchvision": "0.28.0"}
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
DIGEST = hashlib.sha256(b"made up").hexdigest()
RUN = hashlib.md5(b"made up", usedforsecurity=False).hexdigest()
NO_RECIPE = RecipeFacts("", ())
NO_SCRUBBING = Scrubber((), (), "")
SPECS = {"published": load_spec(PUBLISHED_SPEC), "sample": load_spec(SAMPLE_SPEC)}


@dataclass(frozen=True)
class World:
    """What a made-up run is like; the defaults are an accepted port of 600 images.

    Not `pinned`: no digest of the checkpoint is known. Without `figures` nobody has published what a device reaches.
    """

    seed: int = 1
    kind: str = "published"
    on_device: bool = True
    images: int = 600
    missing_images: int = 0
    batches: tuple[int, ...] = (1, 16)
    logit_noise: float = 1e-5
    margin_pp: float = 1.0
    tight_pp: float = 0.1
    strict: bool = False
    rate_over_published: float = 1.1
    rate_noise: float = 0.002
    runs: int = 3
    ais_bench: bool = True
    reported_over_samples: float = 1.0
    busy: tuple[str, ...] = ()  # or one text, `device 0 (NPU 1 chip 0): AI core at N %`
    tolerate_busy: bool = False
    stages: tuple[str, ...] = tuple(Stage)
    interrupted: str = ""
    pinned: bool = True
    figures: bool = True
    int8: bool = False
    recipe: RecipeFacts = NO_RECIPE
    soc: str = SOC
    serial_number: str = "033EHS10M2000017"
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "random", np.random.default_rng(self.seed))


class Made(Evidence):
    """The evidence of one made-up run, from logits to gates; what no World alters is as a good port has it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids = tuple(f"ILSVRC2012_val_{index + 1:08d}" for index in range(world.images - world.missing_images))
        self.pth = self._pth()
        self.labels = self._labels()
        super().__init__(
            self._spec(), on_device=world.on_device, strict=world.strict, tolerate_busy=world.tolerate_busy
        )
        self.told = {batch: self._told(batch) for batch in world.batches}
        self.readings = {batch: [[read_told(left, asked)] for asked, left in runs] for batch, runs in self.told.items()}
        self.paired = {batch: self._host(batch) for batch in world.batches}

    def _pth(self) -> Predictions:
        logits = self.world.random.normal(0, 3, (len(self.ids), CLASSES)).astype(np.float32)
        return Predictions(PTH, self.ids, logits)

    def _labels(self) -> dict[str, int]:
        best = np.argsort(-self.pth.logits, axis=1)
        place = self.world.random.choice(CLASSES, len(self.ids), p=[0.6, *[0.4 / (CLASSES - 1)] * (CLASSES - 1)])
        return dict(zip(self.ids, best[np.arange(len(self.ids)), place].tolist(), strict=True))

    def _spec(self) -> Spec:
        world, replaced = self.world, dataclasses.replace
        spec = SPECS[world.kind]
        full = self.top_five(PTH).accuracy
        asked = spec.accuracy
        accuracy = replaced(
            asked,
            pth_top1=_fact(asked.pth_top1, full[0].percent),
            pth_top5=_fact(asked.pth_top5, full[4].percent),
            top1_drop_pp=replaced(asked.top1_drop_pp, at_most=world.margin_pp),
            top5_drop_pp=replaced(asked.top5_drop_pp, at_most=world.margin_pp),
            tight_drop_pp=replaced(asked.tight_drop_pp, at_most=world.tight_pp),
        )
        devices = tuple(
            replaced(
                device,
                om_top1=_fact(device.om_top1, full[0].percent) if world.figures else None,
                om_top5=_fact(device.om_top5, full[4].percent) if world.figures else None,
                throughput=device.throughput if world.figures else (),
            )
            for device in spec.devices
        )
        images = Exactly(exactly=float(world.images), unit="images", source="made up")
        pinned = DIGEST if world.kind == "sample" else None
        dataset = replaced(spec.dataset, images=images, classes=CLASSES, content_sha256=pinned)
        checkpoint = spec.checkpoint if world.pinned else replaced(spec.checkpoint, md5=None)
        om = replaced(spec.om, throughput_runs=ThroughputRuns(dataset=world.runs, pure=world.runs))
        onnx = replaced(spec.onnx, arithmetic="int8") if world.int8 else spec.onnx
        return replaced(
            spec,
            onnx=onnx,
            accuracy=accuracy,
            checkpoint=checkpoint,
            devices=devices,
            dataset=dataset,
            batches=world.batches,
            om=om,
        )

    def _told(self, batch: int) -> list[tuple[Asked, Told]]:
        """What was asked and what the tool left, run after run."""
        world, device = self.world, self.spec.device(self.world.soc)
        published = device.published(batch) if device else None
        base = published.images_per_second_per_chip.value if published else 1000.0
        tool = InferTool.AIS_BENCH if world.ais_bench else InferTool.BENCHMARK
        pure = self.spec.throughput_mode(world.soc, batch) == Mode.PURE.value
        asked = Asked(tool, batch, 0, None if pure else len(self.ids), PURE_EXECUTIONS[tool])
        rates = base * world.rate_over_published * (1 + world.rate_noise * world.random.standard_normal(world.runs))
        return [
            (asked, told(asked, rate, reported_over_samples=world.reported_over_samples, random=world.random))
            for rate in rates.tolist()
        ]

    def _host(self, batch: int) -> Paired:
        slow = tuple((0.02 * (1 + 0.1 * self.world.random.random(5))).tolist())
        return Paired(batch, tuple((0.01 * (1 + 0.1 * self.world.random.random(5))).tolist()), slow)

    @cached_property
    def candidates(self) -> dict[Variant, Predictions]:
        """onnx and each OM: the pth's logits with noise, the same for all batches."""
        noise = self.world.logit_noise * self.world.random.standard_normal(self.pth.logits.shape)
        logits = (self.pth.logits + noise).astype(np.float32)
        onnx = (self.pth.logits + np.minimum(self.world.logit_noise, 1e-5) * np.sign(noise)).astype(np.float32)
        oms = {ids.om(batch): logits for batch in self.world.batches}
        return {name: Predictions(name, self.ids, rows) for name, rows in {ONNX: onnx, **oms}.items()}

    def predictions(self, variant: Variant) -> Predictions:
        """A variant's logits for every image."""
        return self.pth if variant == PTH else self.candidates[variant]

    def digest(self, name: str) -> InputDigest:
        """See Evidence."""
        md5 = self.spec.checkpoint.md5 if name == "checkpoint" else None
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        return InputDigest(name=name, path=f"<cache>/{name}", sha256=sha256, md5=md5, size_bytes=1)

    def handed_in(self, name: str) -> HandedIn | None:
        """See Evidence."""
        return None

    def checkpoint(self) -> CheckpointFacts:
        """See Evidence."""
        pinned = self.spec.checkpoint.content_sha256
        return CheckpointFacts(TENSORS, TENSORS, (), (), (), (), content_sha256=pinned or DIGEST)

    def onnx(self) -> OnnxFacts:
        """See Evidence."""
        asked = self.spec
        return OnnxFacts(("ai.onnx 11",), (str(asked.input()),), (str(asked.output()),), ("Conv", "Relu", "Gemm"))

    def checker(self) -> CheckerFacts:
        """See Evidence."""
        return CheckerFacts("accepted")

    def weights(self) -> WeightFacts:
        """See Evidence."""
        return WeightFacts((), TENSORS, exact=TENSORS, recomputed=0, foreign=0, unused=())

    def logit_errors(self) -> LogitErrors:
        """See Evidence."""
        images = min(self.spec.onnx.probe_images, len(self.ids))
        return LogitErrors(images=images, to_reference=2e-5, between_batches=0.0)

    def operators(self) -> OperatorFacts:
        """See Evidence."""
        return OperatorFacts("8.1", "a table", len(self.onnx().operators), (), (11,))

    def graph_step(self) -> GraphStepFacts:
        """See Evidence; no shipped port has a graph step, so this one moves nothing."""
        return GraphStepFacts(images=min(self.spec.onnx.probe_images, len(self.ids)), largest=0.0)

    def dataset(self) -> DatasetRecord:
        """See Evidence."""
        return DatasetRecord(
            images=len(self.ids),
            embedded_sample=self.world.kind == "sample",
            limit=len(self.ids) if self.gap() else None,
            ids_sha256=hashlib.sha256("\n".join(self.ids).encode()).hexdigest(),
            images_sha256=DIGEST,
            labels_sha256=labels_sha256(self.labels),
            foreign_ids=0,
            byte_equal=(),
            gap=self.gap(),
        )

    def gap(self) -> str:
        """See Evidence."""
        return f"{self.world.missing_images} missing" if self.world.missing_images else ""

    def handover(self, step: str) -> Handover:
        """See Evidence."""
        sides = {
            "labels": ("labels", "images"),
            "images": ("images", "the store of pixels"),
            "bins": ("images", "bins"),
            "info": ("bins", ".info list"),
        }
        giver, taker = sides.get(step, ("labels", f"{Variant(step).kind} predictions"))
        return handover(giver, self.ids, taker, self.ids)

    def bins(self) -> BinFacts:
        """See Evidence."""
        return BinFacts((), (), (), len(self.ids))

    def parity(self) -> ParityFacts:
        """See Evidence."""
        followed = "" if self.world.recipe.departures else self.world.recipe.library
        return ParityFacts(self.ids[: self.spec.preprocessing.parity_images], (), followed or "made up")

    def recipe(self) -> RecipeFacts:
        """See Evidence."""
        return self.world.recipe

    def jpegs(self) -> JpegFacts:
        """See Evidence."""
        return JpegFacts(len(self.ids), (), (), ())

    def aipp(self) -> AippFacts:
        """See Evidence."""
        return AippFacts(aipp_text(self.spec.preprocessing))

    def toolkit(self) -> ToolkitFacts:
        """See Evidence."""
        return ToolkitFacts(self.target, self.machine().infer_tool, self.machine().why)

    @property
    def target(self) -> str:
        """Where OMs are compiled and run."""
        return "ascend" if self.on_device else "simulator"

    def machine(self) -> MachineRecord:
        """See Evidence."""
        tool = "ais_bench" if self.world.ais_bench else "benchmark"
        board = BoardRecord(0, self.world.serial_number, "0000:05:00.0", "1.84.15.1.310", "22.0.4", Seat(1, 0, 0, None))
        soc, toolchain = self.world.soc, {"soc": self.world.soc}
        return MachineRecord(
            soc, tool, devices=(0,), why="asked for", toolchain=toolchain, boards=(board,), visible_devices=""
        )

    def described(self, batch: int) -> OmDescription:
        """See Evidence."""
        asked = self.spec.input(batch)
        inputs = (OmInput(asked.name, "DT_FLOAT", asked.shape),)
        soc = self.world.soc
        return OmDescription(soc, inputs, StoredOm(soc, inputs, (f"--soc_version={soc}",), ""))

    def batch_errors(self) -> BatchErrors:
        """See Evidence."""
        first, *others = (self.candidates[ids.om(batch)] for batch in self.spec.batches)
        return BatchErrors(self.spec.batches, len(self.ids), largest_difference(first, others))

    def taken_reference(self) -> TakenReference:
        """See Evidence; the predictions are this run's own, made on its CPU."""
        raise NotImplementedError

    def reference_basis(self) -> ReferenceBasis:
        """See Evidence."""
        raise NotImplementedError

    def reference_probe(self) -> ReferenceProbe:
        """See Evidence."""
        raise NotImplementedError

    def top_five(self, variant: Variant) -> TopFive:
        """See Evidence."""
        predicted = self.predictions(variant)
        classes = array("q", predicted.top5.astype("<i8").tobytes())
        scores = array("f", predicted.top5_scores.astype("<f4").tobytes())
        return top_five(variant, classes, scores, array("q", self.labels.values()))

    def agreement(self, variant: Variant) -> Agreement:
        """See Evidence."""
        asked = self.spec.agreement
        bounds = asked.onnx if variant == ONNX else asked.om(on_device=self.on_device)
        return agree(self.pth, self.predictions(variant), near_tie_logits=bounds.near_tie_logits.value)

    def host_throughput(self, batch: int) -> HostThroughput:
        """See Evidence."""
        paired = self.paired[batch]
        return HostThroughput(batch, "onnxruntime", paired.candidate, "torch", paired.reference, paired.ratio)

    def device_throughput(self, batch: int) -> DeviceThroughput:
        """See Evidence."""
        return throughput_record(
            throughput_runs(self.readings[batch]),
            soc=self.world.soc,
            simulated=not self.on_device,
            busy=self.world.busy,
            spec=self.spec,
        )

    def throughput_outputs(self, batch: int) -> ThroughputOutputs:
        """See Evidence; a device gives the same image the same logits again."""
        seen = images_by_run(self.device_throughput(batch).runs)
        return ThroughputOutputs(batch, tuple(RunOutputs(run, seen[run], 0, 0.0) for run in sorted(seen)))

    def profile(self, batch: int) -> OperatorProfile:
        """See Evidence; nobody asks for one here."""
        raise NoEvidence(f"no profile of batch {batch}")

    def results(self) -> tuple[GateResult, ...]:
        """Every gate of the stages that this run was asked for."""
        expected = gates.expected(gates.Asked(self.spec, on_device=self.on_device))
        return tuple(
            GateResult(id=name, stage=gates.find(name).stage, check=gates.judge(name, self))
            for name in expected
            if gates.find(name).stage in self.world.stages
        )

    def stage(self, staging: Staging, folder: Path) -> None:
        """Put every piece into the bundle that is being made: of the stages, what those put that were run."""
        port = load_port(written(self.spec, folder / PORT_FILE))
        assert port.spec == self.spec
        staging.put_port(port, "made up", code=CODE)
        for name in ("checkpoint", *self.candidates):
            staging.put(self.digest(name), name)
        staging.put_dataset(self.dataset(), self.labels)
        put = {
            Stage.CHECKPOINT: self._put_checkpoint,
            Stage.ONNX: self._put_onnx,
            Stage.PREPROCESSING: self._put_preprocessing,
            Stage.OM: self._put_om,
            Stage.ACCURACY: self._put_accuracy,
            Stage.PERF: self._put_perf,
        }
        for stage in self.world.stages:
            put[Stage(stage)](staging)
        staging.put(self.toolkit(), "toolkit")
        staging.put(self.machine(), "machine")
        staging.put(host_record(), "host")
        staging.put(Versions(python="3.11.7", libraries={"torch": "2.13.0"}, suite_sha256=DIGEST), "versions")

    def _put_checkpoint(self, staging: Staging) -> None:
        staging.put(self.checkpoint(), "checkpoint")

    def _put_onnx(self, staging: Staging) -> None:
        for facts in (self.onnx(), self.checker(), self.operators(), self.weights(), self.logit_errors()):
            staging.put(facts, "onnx")
        if self.spec.onnx.graph_step is not None:
            staging.put(self.graph_step(), "onnx")

    def _put_preprocessing(self, staging: Staging) -> None:
        for step in ("labels", "images", "bins", "info"):
            staging.put_handover(step, self.handover(step))
        staging.put(self.bins(), "bins")
        staging.put(self.parity(), "bins")
        staging.put(self.recipe(), "recipe")

    def _put_om(self, staging: Staging) -> None:
        for batch in self.spec.batches:
            staging.put(OmFacts(batch, self.described(batch)), f"bs{batch}")
            staging.put_handover(ids.om(batch), self.handover(ids.om(batch)))
        staging.put(self.batch_errors(), "om")

    def _put_accuracy(self, staging: Staging) -> None:
        for variant in (PTH, *self.candidates):
            predicted = self.predictions(variant)
            record = variant_record(self, variant, self.digest(OWNER.get(variant, variant)).sha256)
            staging.put_handover(variant, self.handover(variant))
            staging.put_variant(record, self.ids, predicted.top5, predicted.top5_scores)

    def _put_perf(self, staging: Staging) -> None:
        for batch in self.spec.batches:
            staging.put(self.host_throughput(batch), f"bs{batch}")
            staging.put(self.device_throughput(batch), f"bs{batch}")
            staging.put(self.throughput_outputs(batch), f"bs{batch}")

    def write(self, place: Path) -> Path:
        """Write the whole bundle."""
        staging = open_staging(place, NO_SCRUBBING)
        work = place.with_suffix(".work")
        work.mkdir(parents=True)
        self.stage(staging, work)
        self._put_logs(staging, work / "logs")
        return staging.publish(self.acceptance())

    def _put_logs(self, staging: Staging, work: Path) -> None:
        """What the vendor's tools left; the simulator's say on stderr what they are."""
        world, stderr = self.world, "" if self.on_device else "[SIMULATOR] a tool\n"
        percent = int(world.busy[0].split()[-2]) if world.busy else 0
        made = MadeLogs(self, self.told, ais_bench=world.ais_bench, aicore_percent=percent)
        for name, runs in made.named():
            for said in runs:
                made_logs.write(said, work / name, stderr)
            keep_logs(staging, name, work / name)

    def acceptance(self) -> Acceptance:
        """The run's own part of the record."""
        world, results = self.world, self.results()
        expected = gates.expected(gates.Asked(self.spec, on_device=self.on_device))
        simulated = not self.on_device and any(result.id.startswith("om.") for result in results)
        return Acceptance(
            verdict=judge_run(
                expected,
                results,
                sample=world.kind == "sample",
                simulated=simulated,
                unpinned=not self.spec.checkpoint.pinned,
                remarks=self._remarks(),
            ),
            run=RUN,
            gates=results,
            inputs=("checkpoint: made up",),
            artifacts=("hit onnx/123",),
            interrupted=world.interrupted,
            strict_accuracy=self.strict,
            tolerate_busy=self.tolerate_busy,
            started_utc="2026-01-01T00:00:00+00:00",
            finished_utc="2026-01-01T00:10:00+00:00",
            target=self.target,
        )

    def _remarks(self) -> tuple[str, ...]:
        """Of what the stages that were run have put into the evidence."""
        recipe, parity, reference = None, None, None
        if Stage.PREPROCESSING in self.world.stages:
            recipe, parity = self.recipe(), self.parity()
        if Stage.ACCURACY in self.world.stages:
            reference = variant_record(self, PTH, self.digest(OWNER[PTH]).sha256)
        return remarks(self.spec, self.dataset(), recipe, parity, reference)


def _fact(fact: Fact | None, value: float) -> Fact | None:
    return None if fact is None else dataclasses.replace(fact, value=value)


def written(spec: Spec, path: Path) -> Path:
    """A port file that says all of a resolved spec by itself."""
    facts = records.plain(spec)
    top = {"schema": facts.pop("schema"), "shared": {"chips": []}, "reasons": facts.pop("reasons")}
    port = {"name": facts.pop("port"), "chips": facts.pop("devices"), **facts}
    path.write_bytes(yaml.dump({**top, "port": port}, Dumper=DUMPER, sort_keys=False, encoding="utf-8"))
    return path


def quickly_written(world: World, place: Path) -> Path:
    """The bundle of a world on disk, of which nothing waits for the disk."""
    with mock.patch.object(os, "fsync"):
        return Made(world).write(place)
