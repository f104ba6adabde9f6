"""Bundles that several modules read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from selftest.evidence.bundles import World
from selftest.report.bundles import Change, failed, without, write_bundle
from selftest.report.page import Page
from tools.judge.acceptance import Acceptance

BATCHES = (1, 4, 8, 16, 32)


@dataclass(frozen=True)
class Written:
    """A bundle on disk, its record and its page."""

    folder: Path
    run: Acceptance
    page: Page


def written(factory: pytest.TempPathFactory, world: World, *changes: Change) -> Written:
    """Write a bundle and read its page."""
    folder = factory.mktemp("bundle") / "evidence"
    run = write_bundle(folder, world, *changes)
    return Written(folder, run, Page(folder / "report.html"))


@pytest.fixture(scope="session")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A run on a device in which everything passed."""
    return written(tmp_path_factory, World(images=2000, batches=BATCHES))


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A run of the sample on the simulator."""
    return written(
        tmp_path_factory, World(images=1000, batches=BATCHES, on_device=False, kind="sample", logit_noise=0.01)
    )


@pytest.fixture(scope="session")
def rejected(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A run of a slow chip, with accuracy lost beyond the tight bound, and a compiler that died at one batch size."""
    world = World(images=2000, batches=BATCHES, logit_noise=0.04, rate_over_published=0.9)
    return written(tmp_path_factory, world, failed("om.compiled[bs32]", "atc ended with E40021"))


@pytest.fixture(scope="session")
def incomplete(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A run by marker: no throughput, two batches left out."""
    stages = ("checkpoint", "onnx", "preprocessing", "om", "accuracy")
    return written(tmp_path_factory, World(batches=BATCHES, stages=stages), without("[bs8]", "[bs32]"))
