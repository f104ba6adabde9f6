"""Bundles for a scorecard: made-up runs of several ports, chips, toolkits and days."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selftest.evidence.bundles import Made, World
from tools.engines.predictions import Predictions
from tools.evidence.manifest import write_manifest
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.ids import PTH, Variant
from tools.judge.layout import FILE
from tools.judge.machine_records import MachineRecord
from tools.judge.operators import OperatorFacts
from tools.judge.spec import Spec
from tools.report.html import write_report

PLAIN = World(images=60, margin_pp=30.0, tight_pp=20.0, batches=(1, 4), runs=3)
"""Sixty images prove a drop of no less than some 10 pp, which a made-up port may therefore allow."""


@dataclass(frozen=True)
class Card:
    """A run as a scorecard tells it from others; the OMs get so many images `wrong` that the checkpoint gets right."""

    port: str = "alexnet"
    cann: str = "8.1"
    day: int = 1
    wrong: int = 0
    source: str = "torchvision:alexnet"
    year: int = 2026
    world: World = PLAIN


class Carded(Made):
    """The evidence of such a run."""

    def __init__(self, card: Card) -> None:
        self.card = card
        super().__init__(dataclasses.replace(card.world))

    def _spec(self) -> Spec:
        found = super()._spec()
        model = dataclasses.replace(found.model, source=self.card.source)
        return dataclasses.replace(found, port=self.card.port, model=model)

    def machine(self) -> MachineRecord:
        """See Made; a device has a release of CANN."""
        found = super().machine()
        cann = {"cann": self.card.cann} if self.world.on_device and self.card.cann else {}
        return dataclasses.replace(found, toolchain={**found.toolchain, **cann})

    def operators(self) -> OperatorFacts:
        """See Made; looked up for that release."""
        return dataclasses.replace(super().operators(), release=self.card.cann or "8.1")

    def predictions(self, variant: Variant) -> Predictions:
        """See Made; of an OM the best and the sixth class change places in the first images that were right."""
        found = super().predictions(variant)
        if variant == PTH or variant.batch is None or not self.card.wrong:
            return found
        logits = found.logits.copy()
        order = (-self.pth.logits).argsort(axis=1)
        right = [row for row, name in enumerate(self.ids) if order[row, 0] == self.labels[name]]
        for row in right[: self.card.wrong]:
            first, sixth = order[row, 0], order[row, 5]
            logits[row, [first, sixth]] = logits[row, [sixth, first]]
        return Predictions(variant, self.ids, logits)

    def acceptance(self) -> Acceptance:
        """See Made; on a day of its own."""
        day, card = f"{self.card.year}-01-{self.card.day:02d}", self.card
        said = f"{card.port} {card.cann} {card.day} {card.wrong} {card.world.soc} {card.world.stages} {card.source}"
        name = hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()
        return dataclasses.replace(
            super().acceptance(),
            run=name,
            started_utc=f"{day}T00:00:00+00:00",
            finished_utc=f"{day}T00:10:00+00:00",
        )


def write_card(place: Path, card: Card | None = None, *, pages: bool = False) -> Path:
    """Write the bundle of a run, with its pages where they are asked for, without waiting for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        folder = Carded(card or Card()).write(place)
        if pages:
            write_report(folder, read_acceptance(folder))
            write_manifest(folder)
    return folder


def altered(folder: Path, place: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of a bundle whose record says something else, with a manifest that fits it."""
    shutil.copytree(folder, place)
    record = json.loads((place / FILE).read_bytes())
    change(record)
    (place / FILE).write_text(json.dumps(record), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        write_manifest(place)
    return place


def port_file(folder: Path) -> Path:
    """The file of the port that a bundle was judged by."""
    return next((folder / "port").glob("*.yaml"))
