"""A whole run on a device, as far as one can be had without one: it is green, and its bundle holds against itself."""

from __future__ import annotations

from functools import partial

import pytest

from selftest.faults.device_faults import pretend_device, renumbered_container
from selftest.faults.world import World
from tools.judge import logs
from tools.judge.bundle import open_files
from tools.judge.consistency import on_device
from tools.judge.device_numbers import Seat
from tools.judge.results import Word
from tools.judge.verify import OK, verify

TOOLS = ("benchmark", "ais_bench")
BY_DAY = ("ais_bench", (4,), "0")
"""benchmark runs every day too: in a container, below."""
BATCHES = ((4,), (1, 4), (16,), (8, 32), (32, 16, 4, 1))
CHIPS = [
    pytest.param(tool, batches, devices, marks=() if (tool, batches, devices) == BY_DAY else pytest.mark.nightly)
    for tool in TOOLS
    for batches in BATCHES
    for devices in ("0", "0,1")
]


@pytest.mark.parametrize(("tool", "batches", "devices"), CHIPS)
def test_a_sound_chip_is_green_and_the_offline_judge_agrees(
    tool: str, batches: tuple[int, ...], devices: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty clean runs, of which one is quick enough for every day."""
    pretend_device(world, monkeypatch)
    world.only_batches(*batches)
    outcome = world.run(f"--infer-tool={tool}", f"--device={devices}")
    assert outcome.exit_code == 0, outcome.text
    record = outcome.acceptance
    assert (record.target, record.verdict.word, record.verdict.failed) == ("ascend", Word.SAMPLE, ())
    assert {entry.name.partition("/")[0] for entry in record.reused}.isdisjoint({"predictions-om", "throughput-om"})
    judge_offline(world, monkeypatch)


def test_the_chip_really_used_is_watched_in_a_container_of_driver_26_beside_busy_cards(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others that a misread number would lead to are busy, and the libraries' log is mixed into every output."""
    pretend_device(world, monkeypatch)
    renumbered_container(monkeypatch, busy="3,5,6")
    monkeypatch.setenv("ASCEND_SIMULATOR_SLOG", "1")
    outcome = world.run("--device=1")
    assert outcome.exit_code == 0, outcome.text
    record = outcome.acceptance
    assert record.machine is not None
    assert (record.machine.devices, record.machine.visible_devices) == ((1,), "1,2")
    assert record.machine.boards[0].seat == Seat(npu=2, chip=0, logical=2, physical=2)
    assert outcome.check("om.device").measured == "Ascend310, device 1 (NPU 2 chip 0, logical 2, physical 2)"
    assert [entry.busy for entry in record.device_throughput] == [()]
    kept = world.folder / "evidence" / "logs"
    table = (kept / "npu-smi" / "stdout.txt").read_text(encoding="utf-8")
    assert "Process id in container" in table
    assert table.count("python3.11") == 3
    assert "[ERROR] GE(" in (kept / "predict-bs4" / "run-1-device1" / "stdout.txt").read_text(encoding="utf-8")
    judge_offline(world, monkeypatch)


def judge_offline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The offline judge comes to the same word."""
    monkeypatch.setattr(logs, "IDLE_SAMPLES", 1)  # as many as the pretended device was asked for
    monkeypatch.setattr(on_device, "SIMULATOR_SAYS", b"what no tool says")
    evidence = world.folder / "evidence"
    judged = verify([("device", partial(open_files, evidence))], None)
    assert (judged.status, judged.word) == (OK, Word.SAMPLE), judged.text
