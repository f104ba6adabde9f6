"""From what fixtures hold to what evidence keeps: one function for each record that takes some thought."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median_low

from tools.ascend.machine import Machine
from tools.ascend.reading import ThroughputReading
from tools.data.dataset import LabelledImages
from tools.engines.scoring import Scored
from tools.engines.throughput import Paired
from tools.judge.acceptance import (
    DatasetRecord,
    DeviceThroughput,
    HostThroughput,
    InputDigest,
    MachineRecord,
    ThroughputRun,
    VariantRecord,
)
from tools.judge.accuracy import Loss, compare
from tools.judge.agreement import Agreement
from tools.judge.spec import Accuracy, AtMost, Spec
from tools.judge.throughput import judge_throughput


def input_digest(name: str, path: Path, *, sha256: str, md5: str | None) -> InputDigest:
    """A file by the digests that are known of it (the files are large, and have been read once)."""
    return InputDigest(name=name, path=str(path), sha256=sha256, md5=md5, size_bytes=path.stat().st_size)


def dataset_record(
    dataset: LabelledImages, *, images_sha256: str, gap: str, embedded_sample: bool, limit: int | None
) -> DatasetRecord:
    """The labelled images; a limit that left none out is none."""
    return DatasetRecord(
        images=len(dataset.ids),
        embedded_sample=embedded_sample,
        limit=limit if dataset.limited else None,
        ids_sha256=dataset.ids_sha256,
        images_sha256=images_sha256,
        gap=gap,
    )


def losses(pth: Scored, candidate: Scored, asked: Accuracy, *, strict: bool) -> tuple[Loss, Loss]:
    """The paired comparison with the pth at Top-1 and Top-5, as the gates ask for it."""

    def loss(k: int, margin: AtMost) -> Loss:
        return compare(pth.places, candidate.places, k=k, margin=margin, tight=asked.tight_drop_pp, strict=strict)

    return loss(1, asked.top1_drop_pp), loss(5, asked.top5_drop_pp)


def variant_record(
    scored: Scored, *, batch: int | None, model_sha256: str, losses: tuple[Loss, ...], agreement: Agreement | None
) -> VariantRecord:
    """A variant's accuracy, and how it compares with the pth (nothing for the pth itself)."""
    return VariantRecord(
        name=scored.variant,
        batch=batch,
        model_sha256=model_sha256,
        accuracy=scored.accuracy,
        losses=losses,
        agreement=agreement,
    )


def host_throughput(paired: Paired, candidate: str, reference: str) -> HostThroughput:
    """Raw samples of two engines measured in turn."""
    return HostThroughput(
        batch=paired.batch,
        candidate=candidate,
        candidate_seconds_per_image=paired.candidate,
        reference=reference,
        reference_seconds_per_image=paired.reference,
        ratio=paired.ratio,
    )


def machine_record(machine: Machine) -> MachineRecord:
    """Where OMs are compiled and run."""
    return MachineRecord(
        soc=machine.soc,
        infer_tool=str(machine.target.infer_tool),
        devices=machine.devices,
        why=machine.target.why,
        toolchain=dict(machine.toolchain),
    )


def device_throughput(
    runs: Sequence[Sequence[ThroughputReading]], *, soc: str, simulated: bool, busy: tuple[str, ...], spec: Spec
) -> DeviceThroughput:
    """All runs of one batch size, each with a reading for every device.

    The simulator's rates are kept without published figure, floor or verdict: they say nothing about a device.
    """
    rates = [min(reading.images_per_second_per_chip for reading in readings) for readings in runs]
    first, device = runs[0][0], spec.device(soc)
    published = None if device is None or simulated else device.published(first.batch)
    chips, rate = 1 if device is None else device.chips_per_card, median_low(rates)
    floor = None if device is None or published is None else device.floor(published)
    judged = (
        None
        if device is None or floor is None
        else judge_throughput(rates, floor=floor, noise_cv_percent=device.noise_cv_percent.value)
    )
    return DeviceThroughput(
        batch=first.batch,
        mode=str(first.mode),
        soc=soc,
        chips_per_card=chips,
        runs=tuple(_run(number, reading) for number, readings in enumerate(runs, 1) for reading in readings),
        images_per_second_per_chip=rate,
        images_per_second_per_card=rate * chips,
        published_images_per_second_per_chip=None if published is None else published.images_per_second_per_chip.value,
        floor_images_per_second_per_chip=None if floor is None else floor.at_least,
        figure_source="" if published is None else published.images_per_second_per_chip.source,
        busy=busy,
        judged=judged,
    )


def _run(number: int, reading: ThroughputReading) -> ThroughputRun:
    return ThroughputRun(
        run=number,
        tool=str(reading.tool),
        mode=str(reading.mode),
        batch=reading.batch,
        device=reading.device,
        images=reading.images,
        seconds_per_image=reading.seconds_per_image,
        reported_images_per_second=reading.reported_images_per_second,
        images_per_second_per_chip=reading.images_per_second_per_chip,
    )
