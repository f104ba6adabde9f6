"""Bundles that several modules read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from selftest.report.bundles import Scenario, write_bundle
from selftest.report.page import Page
from tools.evidence import Acceptance


@dataclass(frozen=True)
class Written:
    """A bundle on disk, its record and its page."""

    folder: Path
    run: Acceptance
    page: Page


def written(folder: Path, scenario: Scenario) -> Written:
    """Write a bundle and read its page."""
    run = write_bundle(folder, scenario)
    return Written(folder, run, Page(folder / "report.html"))


@pytest.fixture(scope="session")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A run on a device in which everything passed."""
    return written(tmp_path_factory.mktemp("accepted") / "evidence", Scenario(images=2000))


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A run of the sample on the simulator."""
    scenario = Scenario(images=1000, on_device=False, sample=True, noise=0.02)
    return written(tmp_path_factory.mktemp("simulated") / "evidence", scenario)


@pytest.fixture(scope="session")
def rejected(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A run with a slow batch, a batch near its floor, lost accuracy beyond the tight bound, and a dead compiler."""
    scenario = Scenario(
        images=3000,
        broken=60,
        speed={1: 0.9, 16: 0.951},
        failed={"om.compiled[bs32]": "atc ended with E40021"},
    )
    return written(tmp_path_factory.mktemp("rejected") / "evidence", scenario)


@pytest.fixture(scope="session")
def incomplete(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A run by marker: no throughput, two batches left out."""
    scenario = Scenario(left_out=("om.perf", "host.perf"), missing_batches=(8, 32))
    return written(tmp_path_factory.mktemp("incomplete") / "evidence", scenario)
