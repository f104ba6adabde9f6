"""Evidence bundles of runs that never were: synthetic logits, judged by the suite's own judges, written as runs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools import gates
from tools.engines.predictions import Predictions
from tools.errors import Stage
from tools.evidence import (
    Acceptance,
    CommandRecord,
    DatasetRecord,
    DeviceThroughput,
    HostRecord,
    HostThroughput,
    InputDigest,
    MachineRecord,
    SpecRecord,
    ThroughputRun,
    Timing,
    VariantRecord,
    Versions,
)
from tools.evidence_bundle import open_staging
from tools.evidence_scrub import Scrubber
from tools.judge import agreement
from tools.judge.accuracy import compare
from tools.judge.checks import made, not_run, within
from tools.judge.results import Check, GateResult, Verdict
from tools.judge.run import judge_run
from tools.judge.throughput import judge_throughput
from tools.report.html import write_report
from tools.scoring import agree, score
from tools.spec import PUBLISHED_SPEC, Spec, load_spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = 12
NEAR_TIE = 0.1


@dataclass(frozen=True)
class Scenario:
    """What a synthetic run is like. `noise` is the OMs' error in logits; `broken` images get another class at random;
    `speed` is throughput over published, by batch; `failed` maps gate ids to what is wrong; `left_out` are
    beginnings of the ids of gates that did not run; `hostile` is put into every text that data can bring along."""

    images: int = 400
    seed: int = 7
    on_device: bool = True
    sample: bool = False
    noise: float = 0.003
    broken: int = 0
    speed: Mapping[int, float] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    missing_batches: Sequence[int] = ()
    hostile: str = ""
    strict: bool = False


def write_bundle(place: Path, scenario: Scenario, images: Mapping[str, Path] | None = None) -> Acceptance:
    """Write the bundle of such a run, reports included, and return its record."""
    spec = load_spec(PUBLISHED_SPEC)
    staging = open_staging(place, Scrubber((), (), ""))
    staging.put_spec(PUBLISHED_SPEC, "the published model's")
    predictions, labels = _predictions(scenario, spec)
    variants = _variants(predictions, labels, spec, scenario)
    staging.put_dataset(_dataset(scenario), labels)
    for variant in variants:
        staging.put_variant(variant, list(labels), predictions[variant.name].logits)
    throughput = _throughput(scenario, spec)
    results = _gates(scenario, spec, variants, throughput)
    asked = gates.Asked(spec, on_device=scenario.on_device)
    verdict = judge_run(gates.expected(asked), results, sample=scenario.sample, simulated=not scenario.on_device)
    acceptance = Acceptance(
        verdict=verdict,
        gates=results,
        inputs=[f"checkpoint: alexnet-owt-4df8aa71.pth (as asked) {scenario.hostile}"],
        artifacts=["hit  onnx 3f2a", "miss om changed: batch"],
        strict_accuracy=scenario.strict,
        started_utc="2026-11-23T05:02:11Z",
        finished_utc="2026-11-23T06:40:57Z",
        spec=staging.pieces(SpecRecord)[0],
        target="ascend" if scenario.on_device else "simulator",
        machine=_machine(scenario),
        digests=_digests(scenario),
        dataset=_dataset(scenario),
        variants=variants,
        host_throughput=_host(spec),
        device_throughput=throughput,
        commands=_commands(staging.folder, spec, scenario),
        timings=_timings(spec, scenario),
        host=HostRecord(
            system="Linux 5.10.0", machine="aarch64", cpu_model="Kunpeng 920", cores=48, memory_bytes=256 * 2**30
        ),
        versions=Versions(
            python="3.11.9",
            libraries={"numpy": "2.4.6", "torch": "2.13.0" + scenario.hostile},
            suite_sha256="c0de" * 16,
        ),
    )
    staging.publish(acceptance, [lambda folder, run: write_report(folder, run, images)])
    return acceptance


def _predictions(scenario: Scenario, spec: Spec) -> tuple[dict[str, Predictions], dict[str, int]]:
    random = np.random.default_rng(scenario.seed)
    ids = [f"ILSVRC2012_val_{number + 1:08d}{scenario.hostile}" for number in range(scenario.images)]
    labels = random.integers(0, CLASSES, scenario.images)
    pth = random.normal(0, 2.2, (scenario.images, CLASSES)).astype(np.float32)
    pth[np.arange(scenario.images), labels] += 3.55
    om = pth + random.normal(0, scenario.noise, pth.shape).astype(np.float32)
    hit = random.choice(scenario.images, scenario.broken, replace=False)
    om[hit] = om[hit][:, random.permutation(CLASSES)]
    logits = {"pth": pth, "onnx": pth + random.normal(0, 1e-6, pth.shape).astype(np.float32)}
    logits |= {f"om_bs{batch}": om for batch in spec.batches}
    return (
        {name: Predictions(name, tuple(ids), rows) for name, rows in logits.items()},
        dict(zip(ids, labels.tolist(), strict=True)),
    )


def _variants(
    predictions: Mapping[str, Predictions], labels: Mapping[str, int], spec: Spec, scenario: Scenario
) -> tuple[VariantRecord, ...]:
    scored = {name: score(predictions[name], labels) for name in ("pth", "onnx", "om_bs1")}
    agreed = {
        name: agree(predictions["pth"], predictions[name], near_tie_logits=NEAR_TIE) for name in ("onnx", "om_bs1")
    }
    asked = spec.accuracy
    records = []
    for name in predictions:
        own = name == "pth"
        batch = int(name[5:]) if name.startswith("om_bs") else None
        like = name if batch is None else "om_bs1"  # every batch size of these OMs gives the same logits
        losses = [
            compare(
                scored["pth"].places, scored[like].places, k=k, margin=margin, tight=asked.tight_drop_pp,
                strict=scenario.strict,
            )
            for k, margin in ((1, asked.top1_drop_pp), (5, asked.top5_drop_pp))
        ]  # fmt: skip
        records.append(
            VariantRecord(
                name=name,
                batch=batch,
                model_sha256="ab" * 32,
                accuracy=scored[like].accuracy,
                losses=() if own else tuple(losses),
                agreement=None if own else agreed[like],
            )
        )
    return tuple(record for record in records if record.batch not in scenario.missing_batches)


def _throughput(scenario: Scenario, spec: Spec) -> tuple[DeviceThroughput, ...]:
    device = spec.require_device("Ascend310")
    entries = []
    for batch in device.throughput:
        if batch.batch in scenario.missing_batches:
            continue
        chip = batch.images_per_second_per_chip.value * scenario.speed.get(batch.batch, 1.004)
        chip *= 1 if scenario.on_device else 0.03
        floor = device.floor(batch)
        rates = (chip * 0.998, chip, chip * 1.003) if scenario.on_device else (chip,)
        judged = judge_throughput(rates, floor=floor, noise_cv_percent=device.noise_cv_percent.value)
        entries.append(
            DeviceThroughput(
                batch=batch.batch,
                mode=batch.mode,
                soc="Ascend310",
                chips_per_card=device.chips_per_card,
                runs=tuple(_run(number, rate, batch.batch, batch.mode) for number, rate in enumerate(rates)),
                images_per_second_per_chip=chip,
                images_per_second_per_card=chip * device.chips_per_card,
                published_images_per_second_per_chip=batch.images_per_second_per_chip.value
                if scenario.on_device
                else None,
                floor_images_per_second_per_chip=floor.at_least if scenario.on_device else None,
                figure_source=batch.images_per_second_per_chip.source,
                busy=(),
                judged=judged if scenario.on_device else None,
            )
        )
    return tuple(entries)


def _run(number: int, rate: float, batch: int, mode: str) -> ThroughputRun:
    return ThroughputRun(
        run=number,
        tool="benchmark",
        mode=mode,
        batch=batch,
        device=0,
        images=50000 if mode == "dataset" else None,
        seconds_per_image=(1 / rate,),
        reported_images_per_second=rate,
        images_per_second_per_chip=rate,
    )


def _gates(
    scenario: Scenario, spec: Spec, variants: Sequence[VariantRecord], throughput: Sequence[DeviceThroughput]
) -> list[GateResult]:
    known = _known_checks(variants, throughput, spec, scenario)
    results = []
    for name in gates.expected(gates.Asked(spec, on_device=scenario.on_device)):
        gone = [*scenario.left_out, *(f"[bs{batch}]" for batch in scenario.missing_batches)]
        if any(name.startswith(part) or name.endswith(part) for part in gone):
            continue
        check = known.get(name) or made(f"{name.partition('.')[0]} ready {scenario.hostile}".strip())
        if name in scenario.failed:
            check = Check(
                measured="failed", threshold="made without an error", unit="step", verdict=Verdict.FAIL,
                detail=scenario.failed[name],
            )  # fmt: skip
        results.append(GateResult(id=name, stage=gates.find(name).stage, check=check))
    return results


def _known_checks(
    variants: Sequence[VariantRecord], throughput: Sequence[DeviceThroughput], spec: Spec, scenario: Scenario
) -> dict[str, Check]:
    checks = {}
    for variant in variants:
        prefix, suffix = variant.name.partition("_bs")[0], f"[bs{variant.batch}]" if variant.batch else ""
        for loss in variant.losses:
            checks[f"{prefix}.accuracy.top{loss.k}_drop_pp{suffix}"] = loss.check
        if variant.agreement is not None:
            bounds = spec.agreement.onnx if prefix == "onnx" else spec.agreement.om(on_device=scenario.on_device)
            flips = agreement.check_flips_beyond_near_tie(variant.agreement, bounds.flips_beyond_near_tie)
            checks[f"{prefix}.accuracy.max_abs_error{suffix}"] = agreement.check_max_abs_error(
                variant.agreement, bounds.max_abs_error
            )
            checks[f"{prefix}.accuracy.flips_beyond_near_tie{suffix}"] = flips
    for entry in throughput:
        if entry.judged is not None:
            checks[f"om.perf.images_per_second_per_chip[bs{entry.batch}]"] = entry.judged.check
    for batch in spec.batches:
        checks[f"host.perf.onnx_to_torch[bs{batch}]"] = within(1.62, spec.host_ratio(batch))
    if scenario.sample:
        checks["preprocessing.dataset_complete"] = not_run("the sample", threshold="== 50000", unit="images")
    return checks


def _dataset(scenario: Scenario) -> DatasetRecord:
    return DatasetRecord(
        images=scenario.images,
        embedded_sample=scenario.sample,
        limit=None,
        ids_sha256="1d" * 32,
        images_sha256="13" * 32,
        gap="" if scenario.images == 50000 else f"{50000 - scenario.images} missing in this one{scenario.hostile}",
    )


def _machine(scenario: Scenario) -> MachineRecord:
    toolchain = {"cann": "5.0.1", "driver": "21.0.2"} if scenario.on_device else {"simulator": "9f31c2ab77e01234"}
    return MachineRecord(
        soc="Ascend310",
        infer_tool="benchmark",
        devices=(0,),
        why="traces of Ascend on this host" if scenario.on_device else "no trace of Ascend on this host",
        toolchain=toolchain,
    )


def _digests(scenario: Scenario) -> tuple[InputDigest, ...]:
    md5 = "eb1234a7f806fe28f5b6a13da68ee288" if scenario.sample else "aed0662f397a0507305ac94ea5519309"
    name = "alexnet-sample.pth" if scenario.sample else "alexnet-owt-4df8aa71.pth"
    return (
        InputDigest(name="checkpoint", path=name + scenario.hostile, sha256="4d" * 32, md5=md5, size_bytes=244418560),
        InputDigest(name="onnx", path="<cache>/onnx/alexnet.onnx", sha256="5e" * 32, md5=None, size_bytes=244403200),
    )


def _host(spec: Spec) -> tuple[HostThroughput, ...]:
    return tuple(
        HostThroughput(
            batch=batch,
            candidate="onnxruntime",
            candidate_seconds_per_image=(0.010, 0.011, 0.0105),
            reference="torch",
            reference_seconds_per_image=(0.0162, 0.0178, 0.017),
            ratio=1.62,
        )
        for batch in spec.batches
    )


def _commands(folder: Path, spec: Spec, scenario: Scenario) -> tuple[CommandRecord, ...]:
    commands = [CommandRecord(argv=("npu-smi", "info"), folder="logs/npu-smi", returncode=0, seconds=0.4)]
    for batch in spec.batches:
        argv = (
            *("atc", "--model=alexnet.onnx", "--framework=5", f"--output=alexnet_bs{batch}", "--input_format=NCHW"),
            *(f"--input_shape=actual_input_1:{batch},3,224,224", "--log=error", "--soc_version=Ascend310"),
        )
        commands.append(CommandRecord(argv=argv, folder=f"logs/om_bs{batch}", returncode=0, seconds=31.5))
        tool = ("benchmark.x86_64", "-model_type=vision", f"-batch_size={batch}", f"-om_path=a b{scenario.hostile}.om")
        ended = 0 if batch != 32 else None
        commands.append(CommandRecord(argv=tool, folder=f"logs/run_bs{batch}", returncode=ended, seconds=44.0))
    for command in commands:
        (folder / command.folder).mkdir(parents=True)
        for stream in ("stdout.txt", "stderr.txt"):
            (folder / command.folder / stream).write_text(f"{command.argv[0]}\n", encoding="utf-8")
    return tuple(commands)


def _timings(spec: Spec, scenario: Scenario) -> tuple[Timing, ...]:
    steps = [
        (Stage.CHECKPOINT, "load", 1.9),
        (Stage.ONNX, "export", 6.1),
        (Stage.ONNX, "compare", 3.2),
        (Stage.PREPROCESSING, f"bins{scenario.hostile}", 412.0),
        *((Stage.OM, f"compile bs{batch}", 31.5) for batch in spec.batches),
        (Stage.ACCURACY, "pth predictions", 1310.0),
        (Stage.ACCURACY, "onnx predictions", 905.0),
        *((Stage.ACCURACY, f"om bs{batch} predictions", 210.0) for batch in spec.batches),
        *((Stage.PERF, f"throughput bs{batch}", 95.0) for batch in spec.batches),
    ]
    return tuple(Timing(stage=stage, step=step, seconds=seconds) for stage, step, seconds in steps)


def pictures(folder: Path, ids: Sequence[str], side: int = 320) -> dict[str, Path]:
    """A JPEG of noise for each id: nothing compresses worse."""
    from PIL import Image

    random, found = np.random.default_rng(3), {}
    for number, name in enumerate(ids):
        found[name] = folder / f"{number}.jpg"
        pixels: NDArray[np.uint8] = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(found[name])
    return found
