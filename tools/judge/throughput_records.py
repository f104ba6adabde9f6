"""What acceptance.json keeps of speed: raw samples of host and chip, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass

from tools.judge.throughput import Throughput


@dataclass(frozen=True)
class HostThroughput:
    """Two engines of this host measured in turn at one batch size: raw samples in seconds per image, one a round."""

    batch: int
    candidate: str
    candidate_seconds_per_image: tuple[float, ...]
    reference: str
    reference_seconds_per_image: tuple[float, ...]
    ratio: float


@dataclass(frozen=True)
class ThroughputRun:
    """One reading of a vendor tool on one chip, with its raw samples (tools/judge/texts/reading.py says what they are).

    `images` is None for pure inference. `reported_images_per_second` is the tool's own figure,
    `images_per_second_per_chip` the official one: without the padding of the last batch, which ais_bench counts.
    """

    run: int
    tool: str
    mode: str
    batch: int
    device: int
    images: int | None
    seconds_per_image: tuple[float, ...]
    reported_images_per_second: float
    images_per_second_per_chip: float


@dataclass(frozen=True)
class DeviceThroughput:
    """All runs of one batch size, and the judge's word where this machine class has a published figure.

    Several devices give several `runs` of one number, of which the slowest counts. `busy` says what else used a device
    before or after, empty when nothing did. `images_per_second_per_chip` is the (lower) median over the numbers,
    `images_per_second_per_card` derived, chip times `chips_per_card`; `published`, `floor` and `judged` are None where
    the spec has no figure for the soc, or where nothing may be said about one (the simulator).
    """

    batch: int
    mode: str
    soc: str
    chips_per_card: int
    runs: tuple[ThroughputRun, ...]
    images_per_second_per_chip: float
    images_per_second_per_card: float
    published_images_per_second_per_chip: float | None
    floor_images_per_second_per_chip: float | None
    figure_source: str
    busy: tuple[str, ...]
    judged: Throughput | None
