"""From what steps hold to what evidence keeps, where that takes some thought."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.judge.acceptance import InputDigest
from tools.judge.texts.reading import ThroughputReading
from tools.judge.throughput_records import ThroughputRun


def input_digest(name: str, path: Path, *, sha256: str, md5: str | None) -> InputDigest:
    """A file by the digests that are known of it (the files are large, and have been read once)."""
    return InputDigest(name=name, path=str(path), sha256=sha256, md5=md5, size_bytes=path.stat().st_size)


def throughput_runs(runs: Sequence[Sequence[ThroughputReading]]) -> tuple[ThroughputRun, ...]:
    """All runs of one batch size, counted from 1, each with a reading for every device."""
    return tuple(_run(number, reading) for number, readings in enumerate(runs, 1) for reading in readings)


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
