"""Faults that only a device can show: what is missing on a runner, floors, the published OM's accuracy.

No device exists where these tests run: the simulator is passed off as one, which nothing outside selftest/ can do.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

import fixtures.setup
from selftest.faults.fault import Catalogue
from selftest.faults.world import World
from tools.ascend import machine, om_file, toolchain
from tools.ascend.target import Target, TargetKind, choose_target
from tools.engines import om_engine
from tools.evidence import staging as evidence_bundle
from tools.judge.results import Verdict
from tools.pipeline import machine as machine_step
from tools.pipeline import setup
from tools.ports.spec import PUBLISHED_SPEC

MADE = ("throughput-om",)
compiling = Catalogue("om")
predicting = Catalogue("accuracy and npu and not om")
measuring = Catalogue("perf and npu", remade=MADE)
GARBAGE = "om.accuracy.min_cosine[bs4]"
collecting = Catalogue("preprocessing")
FIGURES = {"value: 56.530,": "value: 52.083333,", "value: 79.080,": "value: 75.0,"}  # what 48 images give


def pretend_ascend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the simulator pass for an Ascend310."""

    def choose(*words: object, **named: object) -> Target:
        simulated = choose_target("simulator", "auto", os.environ, Path("/"))
        return dataclasses.replace(simulated, kind=TargetKind.ASCEND)

    monkeypatch.setattr(setup, "target_kind", lambda *words: TargetKind.ASCEND)
    monkeypatch.setattr(machine_step, "choose_target", choose)
    monkeypatch.setattr(toolchain, "cann_version", lambda *words: "8.1.RC1")  # where none is known nothing is reused
    monkeypatch.setattr(om_engine, "IDLE_SAMPLES", 1)
    monkeypatch.setattr(machine, "SIMULATOR_SAYS", "what no tool says")
    monkeypatch.setattr(evidence_bundle, "SIMULATOR_SAYS", b"what no tool says")
    monkeypatch.setattr(om_file, "SIMULATED", b"what no OM says")


def pretend_device(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, with the published floors and the small world's accuracy."""
    pretend_ascend(monkeypatch)
    published = PUBLISHED_SPEC.read_text(encoding="utf-8").partition("\n  published:\n")[2]
    world.edit_port("\nport:\n", f"\nport:\n  published:\n{published.partition('    - soc: Ascend310P3')[0]}")
    for old, new in FIGURES.items():
        world.edit_port(old, new)
    world.only_batches(4)


def renumbered_container(monkeypatch: pytest.MonkeyPatch, *, busy: str) -> None:
    """A container of four cards of a host with driver 26, in which device 1 is NPU 2 whichever way one looks: third by
    logical number, first in the table, second of those that the variable leaves."""
    monkeypatch.setenv("ASCEND_SIMULATOR_DRIVER", "26")
    monkeypatch.setenv("ASCEND_SIMULATOR_CONTAINER", "6,5,2,3")
    monkeypatch.setenv("ASCEND_SIMULATOR_BUSY", busy)
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", "1,2")


@compiling.fault("no CANN on a machine that must have it", "om.toolkit", "--target=ascend")
def no_cann(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)


@compiling.fault("a simulator that passes itself off as a device", "om.device")
def disguised_simulator(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    says = machine.SIMULATOR_SAYS
    pretend_device(world, monkeypatch)
    monkeypatch.setattr(machine, "SIMULATOR_SAYS", says)


@compiling.fault("a simulator that never says what it is, and compiles", "om.compiled[bs4]")
def silent_simulator(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = om_file.SIMULATED
    pretend_device(world, monkeypatch)
    monkeypatch.setattr(om_file, "SIMULATED", mark)


@compiling.fault("a toolkit folder, but no device and no atc", "om.toolkit")
def half_a_toolkit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.only_batches(4)
    (world.folder / "host" / "usr" / "local" / "Ascend" / "ascend-toolkit").mkdir(parents=True)
    monkeypatch.setattr(fixtures.setup, "HOST_ROOT", world.folder / "host")


@collecting.fault("images missing on a machine that must have all", "preprocessing.dataset_complete", "--limit=20")
def images_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)


@predicting.fault("the OM's Top-1 is not the published one", "om.accuracy.top1_error_pp[bs4]")
def other_top1(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    world.edit_port("om_top1: {value: 52.083333,", "om_top1: {value: 56.530,")


@predicting.fault("the OM's Top-5 is not the published one", "om.accuracy.top5_error_pp[bs4]")
def other_top5(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    world.edit_port("om_top5: {value: 75.0,", "om_top5: {value: 79.080,")


@predicting.fault("a chip that was right when the cache was filled and computes garbage now", GARBAGE)
def garbage_behind_the_cache(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    assert world.run(*predicting.select).exit_code == 0
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "infer:other-image")


@measuring.fault("throughput 3 % under the floor", "om.perf.images_per_second_per_chip[bs4]")
def under_the_floor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    monkeypatch.setenv("ASCEND_SIMULATOR_RATE_FACTOR", "0.9215")


@measuring.fault(
    "throughput 1 % under the floor", "om.perf.images_per_second_per_chip[bs4]", verdict=Verdict.INCONCLUSIVE
)
def just_under_the_floor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    monkeypatch.setenv("ASCEND_SIMULATOR_RATE_FACTOR", "0.9405")


@measuring.fault("a card's chips forgotten: a quarter of the throughput", "om.perf.images_per_second_per_chip[bs4]")
def quarter_of_a_card(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    monkeypatch.setenv("ASCEND_SIMULATOR_RATE_FACTOR", "0.25")


@measuring.fault("the card that a renumbered device really is, is busy", "om.perf.device_idle[bs4]", "--device=1")
def busy_behind_its_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    renumbered_container(monkeypatch, busy="2")


@compiling.fault("a device that ASCEND_RT_VISIBLE_DEVICES leaves invisible", "om.device", "--device=2")
def invisible_device(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    renumbered_container(monkeypatch, busy="")


@measuring.fault("a slow device", "om.perf.images_per_second_per_chip[bs4]")
def slow_device(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "device:slow")


@measuring.fault("batches counted as images", "om.perf.reading[bs4]")
def batches_as_images(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "infer:batches-as-images")


@measuring.fault("a card's throughput taken for a chip's", "om.perf.plausible[bs4]")
def card_for_chip(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "infer:rate-times-4")
