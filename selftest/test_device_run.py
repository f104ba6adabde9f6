"""A whole run on a device, as far as one can be had without one: it is green, and its bundle holds against itself."""

from __future__ import annotations

from functools import partial

import pytest

from selftest.faults.device_faults import pretend_device
from selftest.faults.world import World
from tools.judge import consistency, logs
from tools.judge.bundle import open_files
from tools.judge.results import Word
from tools.judge.verify import OK, verify


@pytest.mark.parametrize("tool", ["benchmark", "ais_bench"])
def test_a_sound_chip_is_green_and_the_offline_judge_agrees(
    tool: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_device(world, monkeypatch)
    outcome = world.run(f"--infer-tool={tool}")
    assert outcome.exit_code == 0, outcome.text
    record = outcome.acceptance
    assert (record.target, record.verdict.word, record.verdict.failed) == ("ascend", Word.SAMPLE, ())
    assert {entry.name.partition("/")[0] for entry in record.reused}.isdisjoint({"predictions-om", "throughput-om"})
    monkeypatch.setattr(logs, "IDLE_SAMPLES", 1)  # as many as the pretended device was asked for
    monkeypatch.setattr(consistency, "SIMULATOR_SAYS", b"what no tool says")
    evidence = world.folder / "evidence"
    judged = verify([("device", partial(open_files, evidence))], None)
    assert (judged.status, judged.word) == (OK, Word.SAMPLE), judged.text
