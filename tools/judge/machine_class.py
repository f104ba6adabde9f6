"""A machine class: a chip, what it can do, and the figures that were published for the port on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.judge.numbers import AtLeast, AtMost, Entry, Fact, PlainName, Positive, check_unique

if TYPE_CHECKING:
    from typing import Literal


@dataclass(frozen=True)
class DeviceBatch(Entry):
    """Published throughput of one batch size on one chip, and the card figure where one was printed."""

    batch: Positive
    mode: Literal["dataset", "pure"]
    images_per_second_per_chip: Fact
    images_per_second_per_card: Fact | None = None


@dataclass(frozen=True)
class Device(Entry):
    """One machine class: floors belong to it alone and are published x (100 - floor_margin_percent) / 100.

    Accuracy and throughput are those of the port; where nobody published any, there is none.
    """

    soc: PlainName
    chips_per_card: Positive
    floor_margin_percent: Fact
    ceiling_margin_percent: Fact
    noise_cv_percent: Fact
    peak_fp16_tflops_per_chip: Fact
    om_top1_error_pp: AtMost
    om_top5_error_pp: AtMost
    om_top1: Fact | None = None
    om_top5: Fact | None = None
    throughput: tuple[DeviceBatch, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.floor_margin_percent.value < 100:
            raise ValueError(f"floor_margin_percent is {self.floor_margin_percent.value}, it must lie in 0..100")
        if not 0 <= self.noise_cv_percent.value <= 25:
            raise ValueError(f"noise_cv_percent is {self.noise_cv_percent.value}, it must lie in 0..25")
        check_percents("om", self.om_top1, self.om_top5)
        check_unique([entry.batch for entry in self.throughput], "batch")
        for entry in self.throughput:
            self._check_card(entry)

    def _check_card(self, entry: DeviceBatch) -> None:
        card, chip = entry.images_per_second_per_card, entry.images_per_second_per_chip.value
        if chip <= 0:
            raise ValueError(f"batch {entry.batch}: images_per_second_per_chip is {chip}, it must be positive")
        if card is not None and abs(card.value - chip * self.chips_per_card) > 0.0005:
            raise ValueError(f"batch {entry.batch}: card {card.value} is not {self.chips_per_card} x chip {chip}")

    def published(self, batch: int) -> DeviceBatch | None:
        """The published throughput at this batch size, None where nobody published one."""
        return next((entry for entry in self.throughput if entry.batch == batch), None)

    def ceiling(self, batch: int, flops_per_image: Fact | None) -> AtMost | None:
        """The most images per second per chip that can be believed, the lower of arithmetic and published figure.

        None where neither is known: nobody counted the network's operations or published a figure for the batch size.
        """
        published, peak = self.published(batch), self.peak_fp16_tflops_per_chip
        known = []
        if published is not None:
            margin, figure = self.ceiling_margin_percent, published.images_per_second_per_chip
            raised, source = figure.value * (100 + margin.value) / 100, f"{margin.value:g} % more ({margin.source})"
            known.append(AtMost(at_most=raised, unit=figure.unit, source=f"{figure.value} and {source}"))
        if flops_per_image is not None:
            source = f"{peak.value:g} TFLOPS ({peak.source})"
            known.append(AtMost(at_most=peak.value * 1e12 / flops_per_image.value, unit="images/s", source=source))
        return min(known, key=lambda bound: bound.at_most) if known else None

    def floor(self, entry: DeviceBatch) -> AtLeast:
        """The floor in images per second per chip, derived from the published figure by the stated margin."""
        margin, figure = self.floor_margin_percent, entry.images_per_second_per_chip
        return AtLeast(
            at_least=figure.value * (100 - margin.value) / 100,
            unit=figure.unit,
            source=f"{figure.value} less {margin.value:g} % ({figure.source}; margin: {margin.source})",
        )


def check_percents(variant: str, top1: Fact | None, top5: Fact | None) -> None:
    """ValueError unless published accuracies are percents in order, those that there are."""
    percents = [fact.value for fact in (top1, top5) if fact is not None]
    if percents != sorted(percents) or any(value > 100 for value in percents):
        said = " and ".join(
            f"{variant}_{name} {fact.value}" for name, fact in (("top1", top1), ("top5", top5)) if fact is not None
        )
        raise ValueError(f"{said} are not percents in order")
