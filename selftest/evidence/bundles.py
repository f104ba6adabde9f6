"""Bundles without a model: made-up logits and times, judged by the suite's own judge and written by its own writer."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import yaml
from numpy.typing import NDArray
from tools.engines.scoring import Scored, agree, score

from tools.ascend.reading import InferTool, Mode, ThroughputReading
from tools.base.errors import Stage
from tools.engines.predictions import Predictions
from tools.engines.throughput import Paired
from tools.evidence.host import host_record
from tools.evidence.records import device_throughput, host_throughput, losses, variant_record
from tools.evidence.scrub import Scrubber
from tools.evidence.staging import Staging, open_staging
from tools.judge import agreement, checks, gates
from tools.judge.acceptance import (
    Acceptance,
    DatasetRecord,
    DeviceThroughput,
    InputDigest,
    MachineRecord,
    VariantRecord,
    Versions,
)
from tools.judge.device import idle, plausible
from tools.judge.handover import handover
from tools.judge.published import published_accuracy
from tools.judge.results import Check, GateResult, Verdict
from tools.judge.run import judge_run
from tools.judge.spec import Exactly, Fact, Spec
from tools.judge.throughput import Stated, check_reported
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec

CLASSES = 20
SOC = "Ascend310"
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
DIGEST = hashlib.sha256(b"made up").hexdigest()
NO_SCRUBBING = Scrubber((), (), "")
SPECS = {"published": load_spec(PUBLISHED_SPEC), "sample": load_spec(SAMPLE_SPEC)}
AGREEMENT: dict[str, Callable[[agreement.Agreement, Any], Check]] = {
    "min_cosine": agreement.check_min_cosine,
    "mean_cosine_distance": agreement.check_mean_cosine_distance,
    "max_abs_error": agreement.check_max_abs_error,
    "flips_beyond_near_tie": agreement.check_flips_beyond_near_tie,
    "top5_set_changed_percent": agreement.check_top5_set_changed,
}


@dataclass(frozen=True)
class World:
    """What a made-up run is like; the defaults are an accepted port of 600 images."""

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
    busy: tuple[str, ...] = ()
    tolerate_busy: bool = False
    stages: tuple[str, ...] = tuple(Stage)
    interrupted: str = ""
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "random", np.random.default_rng(self.seed))


class Made:
    """Everything of one made-up run, from logits to gates."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids = tuple(f"ILSVRC2012_val_{index + 1:08d}" for index in range(world.images - world.missing_images))
        self.gap = f"{world.missing_images} missing" if world.missing_images else ""
        self.pth = self._pth()
        self.labels = self._labels()
        self.spec = self._spec()
        self.readings = {batch: self._readings(batch) for batch in world.batches}
        self.host = {batch: self._host(batch) for batch in world.batches}

    def _pth(self) -> Predictions:
        logits = self.world.random.normal(0, 3, (len(self.ids), CLASSES)).astype(np.float32)
        return Predictions("pth", self.ids, logits)

    def _labels(self) -> dict[str, int]:
        best = np.argsort(-self.pth.logits, axis=1)
        place = self.world.random.choice(CLASSES, len(self.ids), p=[0.6, *[0.4 / (CLASSES - 1)] * (CLASSES - 1)])
        return dict(zip(self.ids, best[np.arange(len(self.ids)), place].tolist(), strict=True))

    def _spec(self) -> Spec:
        world, replaced = self.world, dataclasses.replace
        spec = SPECS[world.kind]
        full = score(self.pth, self.labels).accuracy
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
                device, om_top1=_fact(device.om_top1, full[0].percent), om_top5=_fact(device.om_top5, full[4].percent)
            )
            for device in spec.devices
        )
        images = Exactly(exactly=float(world.images), unit="images", source="made up")
        pinned = DIGEST if world.kind == "sample" else None
        dataset = replaced(spec.dataset, images=images, classes=CLASSES, content_sha256=pinned)
        return replaced(spec, accuracy=accuracy, devices=devices, dataset=dataset, batches=world.batches)

    def _readings(self, batch: int) -> list[list[ThroughputReading]]:
        device = self.spec.device(SOC)
        published = device.published(batch) if device else None
        base = published.images_per_second_per_chip.value if published else 1000.0
        mode = Mode(self.spec.throughput_mode(SOC, batch))
        true_rate = base * self.world.rate_over_published
        return [[self._reading(batch, mode, true_rate)] for _ in range(self.world.runs)]

    def _reading(self, batch: int, mode: Mode, true_rate: float) -> ThroughputReading:
        world = self.world
        rate = true_rate * (1 + world.rate_noise * world.random.standard_normal())
        samples = (1 / rate,)
        if world.ais_bench:
            samples = tuple((1 / rate * (1 + 0.01 * world.random.standard_normal(7))).tolist())
        reported = len(samples) / sum(samples) * world.reported_over_samples
        images = len(self.ids) if mode is Mode.DATASET else None
        share = 1.0
        if world.ais_bench and images is not None:
            share = images / (-(-images // batch) * batch)
        return ThroughputReading(
            tool=InferTool.AIS_BENCH if world.ais_bench else InferTool.BENCHMARK,
            mode=mode,
            batch=batch,
            device=0,
            images=images,
            images_per_second_per_chip=reported * share,
            reported_images_per_second=reported,
            seconds_per_image=samples,
        )

    def _host(self, batch: int) -> Paired:
        slow = tuple((0.02 * (1 + 0.1 * self.world.random.random(5))).tolist())
        return Paired(batch, tuple((0.01 * (1 + 0.1 * self.world.random.random(5))).tolist()), slow)

    @cached_property
    def candidates(self) -> dict[str, Predictions]:
        """onnx and each OM: the pth's logits with noise, the same for all batches."""
        noise = self.world.logit_noise * self.world.random.standard_normal(self.pth.logits.shape)
        logits = (self.pth.logits + noise).astype(np.float32)
        onnx = (self.pth.logits + np.minimum(self.world.logit_noise, 1e-5) * np.sign(noise)).astype(np.float32)
        oms = {f"om_bs{batch}": logits for batch in self.world.batches}
        return {name: Predictions(name, self.ids, rows) for name, rows in {"onnx": onnx, **oms}.items()}

    @cached_property
    def scored(self) -> dict[str, Scored]:
        """Every variant's accuracy."""
        return {name: score(rows, self.labels) for name, rows in {"pth": self.pth, **self.candidates}.items()}

    @cached_property
    def agreements(self) -> dict[str, agreement.Agreement]:
        """Every candidate's agreement with the pth."""
        return {
            name: agree(self.pth, rows, near_tie_logits=self._bounds(name)) for name, rows in self.candidates.items()
        }

    def _bounds(self, name: str) -> float:
        bounds = self.spec.agreement.onnx if name == "onnx" else self.spec.agreement.om(on_device=self.world.on_device)
        return bounds.near_tie_logits.value

    def variants(self) -> Iterator[tuple[VariantRecord, NDArray[np.float32]]]:
        """Every variant's record with its logits."""
        yield (
            variant_record(
                self.scored["pth"], batch=None, model_sha256=_sha256("checkpoint"), losses=(), agreement=None
            ),
            self.pth.logits,
        )
        for name, rows in self.candidates.items():
            batch = int(name[5:]) if name.startswith("om") else None
            lost = losses(self.scored["pth"], self.scored[name], self.spec.accuracy, strict=self.world.strict)
            record = variant_record(
                self.scored[name], batch=batch, model_sha256=_sha256(name), losses=lost, agreement=self.agreements[name]
            )
            yield record, rows.logits

    def results(self) -> list[GateResult]:
        """Every gate of the stages that this run was asked for, decided as tests/ decide it."""
        asked = gates.Asked(self.spec, on_device=self.world.on_device)
        found = []
        for name in gates.expected(asked):
            gate = gates.find(name)
            if gate.stage in self.world.stages:
                batch = int(name.partition("[bs")[2].rstrip("]") or 0)
                found.append(GateResult(id=name, stage=gate.stage, check=self._check(gate.id, batch)))
        return found

    def _check(self, name: str, batch: int) -> Check:
        stage, _, rest = name.partition(".")
        if rest.startswith("accuracy."):
            return self._accuracy(f"om_bs{batch}" if stage == "om" else stage, rest.partition(".")[2])
        if ".perf." in name:
            return self._perf(name, batch)
        return self._file(name) or self._data(name)

    def _file(self, name: str) -> Check | None:
        spec, tensors = self.spec, ("checkpoint.keys", "checkpoint.shapes", "checkpoint.finite", "onnx.weights")
        if name in tensors:
            return checks.none_of((), among=16, unit="tensors", source="AlexNet")
        texts = {
            "checkpoint.md5": (spec.checkpoint.md5, spec.checkpoint.md5, "md5", spec.checkpoint.source),
            "checkpoint.content_sha256": (
                *[str(spec.checkpoint.content_sha256)] * 2,
                "sha256",
                spec.checkpoint.source,
            ),
            "onnx.checker": ("accepted", "accepted", "answer", "onnx.checker with full shape inference"),
            "onnx.opset": ("ai.onnx 11", "ai.onnx 11", "opset", spec.onnx.opset.source),
            "onnx.input": (*[str(spec.onnx.input)] * 2, "input", "guide"),
            "onnx.output": (*[str(spec.onnx.output)] * 2, "output", "guide"),
        }
        if name in texts:
            measured, expected, unit, source = texts[name]
            return checks.same(measured, expected, unit=unit, source=source)
        numbers = {
            "onnx.logits_abs_error": (2e-5, spec.onnx.logits_abs_error),
            "onnx.batch_invariance_abs_error": (0.0, spec.onnx.batch_invariance_abs_error),
            "om.batch_invariance_abs_error": (0.0, spec.om.batch_bound(on_device=self.world.on_device)),
        }
        return checks.within(*numbers[name]) if name in numbers else None

    def _data(self, name: str) -> Check:
        count, step = len(self.ids), name.partition(".")[2]
        counted = {"labels": "labels", "images": "images", "ran": "outputs"}
        if step in counted:
            return checks.made(f"{count} {counted[step]}")
        if step in ("ids", "bins", "info"):
            return checks.conserved(handover("labels", self.ids, "images", self.ids))
        if step in ("bin_size", "finite", "value_range", "torchvision_parity", "described"):
            looked_at = {"torchvision_parity": min(100, count), "described": 1}.get(step, count)
            return checks.none_of((), among=looked_at, unit="bins", source="guide")
        if step == "dataset_complete":
            return checks.complete(self.gap, self.spec.dataset.images, required=self.world.on_device)
        if step == "images_sha256":
            return checks.pinned(DIGEST, self.spec.dataset, own=self.world.kind != "sample" or bool(self.gap))
        assert step in ("loads", "export", "toolkit", "device", "compiled"), name
        return checks.made("it is there")

    def _accuracy(self, variant: str, what: str) -> Check:
        if what in AGREEMENT:
            bounds = (
                self.spec.agreement.onnx
                if variant == "onnx"
                else self.spec.agreement.om(on_device=self.world.on_device)
            )
            return AGREEMENT[what](self.agreements[variant], getattr(bounds, what))
        if what == "ids":
            return checks.conserved(handover("labels", self.labels, variant, self.ids))
        if what == "finite":
            return checks.made(f"{len(self.ids)} rows")
        k = int(what[3])
        if what.endswith("drop_pp"):
            found = losses(self.scored["pth"], self.scored[variant], self.spec.accuracy, strict=self.world.strict)
            return found[0 if k == 1 else 1].check
        top_k = self.scored[variant].accuracy[k - 1]
        figures = self.spec.accuracy if variant == "pth" else self.spec.require_device(SOC)
        prefix = "pth" if variant == "pth" else "om"
        figure, bound = getattr(figures, f"{prefix}_top{k}"), getattr(figures, f"{prefix}_top{k}_error_pp")
        return published_accuracy(top_k, figure, bound, incomplete=self.gap)

    def _perf(self, name: str, batch: int) -> Check:
        world, step = self.world, name.rpartition(".")[2]
        if step == "onnx_to_torch":
            return checks.within(self.host[batch].ratio, self.spec.host_ratio(batch))
        record = self.device(batch)
        if step == "plausible":
            fastest = max(run.images_per_second_per_chip for run in record.runs)
            return plausible(fastest, self.spec.require_device(SOC), self.spec.model, batch)
        if step == "reading":
            stated = [Stated(run.reported_images_per_second, run.seconds_per_image) for run in record.runs]
            return check_reported(stated, self.spec.om.reported_rate_error_percent)
        if step == "device_idle":
            return idle(world.busy, tolerated=world.tolerate_busy)
        if record.judged is None:
            return checks.not_run(f"no figure was published for batch {batch}", threshold="-", unit="images/s")
        check = record.judged.check
        return dataclasses.replace(check, verdict=Verdict.INCONCLUSIVE) if world.busy else check

    def device(self, batch: int) -> DeviceThroughput:
        """The throughput record of a batch size."""
        return device_throughput(
            self.readings[batch], soc=SOC, simulated=not self.world.on_device, busy=self.world.busy, spec=self.spec
        )

    def stage(self, staging: Staging, folder: Path) -> None:
        """Put every piece into the bundle that is being made."""
        path = folder / "spec.yaml"
        path.write_bytes(yaml.dump(msgspec.to_builtins(self.spec), Dumper=DUMPER, sort_keys=False, encoding="utf-8"))
        staging.put_spec(self.spec, path.read_bytes(), path, "made up")
        for name in ("checkpoint", *self.candidates):
            md5 = self.spec.checkpoint.md5 if name == "checkpoint" else None
            digest = InputDigest(name=name, path=f"<cache>/{name}", sha256=_sha256(name), md5=md5, size_bytes=1)
            staging.put(digest, name)
        ids_sha256 = hashlib.sha256("\n".join(self.ids).encode()).hexdigest()
        dataset = DatasetRecord(
            images=len(self.ids),
            embedded_sample=self.world.kind == "sample",
            limit=len(self.ids) if self.gap else None,
            ids_sha256=ids_sha256,
            images_sha256=DIGEST,
            gap=self.gap,
        )
        staging.put_dataset(dataset, self.labels)
        if "accuracy" in self.world.stages:
            for record, logits in self.variants():
                staging.put_variant(record, self.ids, logits)
        if "perf" in self.world.stages:
            for batch in self.world.batches:
                staging.put(host_throughput(self.host[batch], "onnxruntime", "torch"), f"bs{batch}")
                staging.put(self.device(batch), f"bs{batch}")
        tool = "ais_bench" if self.world.ais_bench else "benchmark"
        machine = MachineRecord(soc=SOC, infer_tool=tool, devices=(0,), why="asked for", toolchain={"soc": SOC})
        staging.put(machine, "machine")
        staging.put(host_record(), "host")
        staging.put(Versions(python="3.11.7", libraries={"torch": "2.13.0"}, suite_sha256=DIGEST), "versions")

    def write(self, place: Path) -> Path:
        """Write the whole bundle."""
        staging = open_staging(place, NO_SCRUBBING)
        work = place.with_suffix(".work")
        work.mkdir(parents=True)
        self.stage(staging, work)
        self._logs(work)
        staging.put_logs("om_bs1", work / "logs")
        return staging.publish(self.acceptance())

    def _logs(self, work: Path) -> None:
        folder = work / "logs" / "device0"
        folder.mkdir(parents=True)
        (folder / "command.txt").write_text("cwd: <tmp>\natc\n--model=x.onnx\n", encoding="utf-8")
        (folder / "stdout.txt").write_text("ATC run success\n", encoding="utf-8")
        (folder / "stderr.txt").write_text("" if self.world.on_device else "[SIMULATOR] atc\n", encoding="utf-8")
        (folder / "ending.json").write_text('{"returncode":0,"seconds":1.5}', encoding="utf-8")

    def acceptance(self) -> Acceptance:
        """The run's own part of the record."""
        world, results = self.world, self.results()
        expected = gates.expected(gates.Asked(self.spec, on_device=world.on_device))
        simulated = not world.on_device and any(result.id.startswith("om.") for result in results)
        return Acceptance(
            verdict=judge_run(expected, results, sample=world.kind == "sample", simulated=simulated),
            gates=results,
            inputs=["checkpoint: made up"],
            artifacts=["hit onnx/123"],
            interrupted=world.interrupted,
            strict_accuracy=world.strict,
            started_utc="2026-01-01T00:00:00+00:00",
            finished_utc="2026-01-01T00:10:00+00:00",
            target="ascend" if world.on_device else "simulator",
        )


def _fact(fact: Fact, value: float) -> Fact:
    return dataclasses.replace(fact, value=value)


def _sha256(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
