"""On a device one run at a time, measured or not; simulated devices compute side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from selftest.faults.device_faults import MADE, pretend_device
from selftest.faults.world import World
from tools.ascend import inference
from tools.ascend.machine import Machine
from tools.ascend.target import Target, TargetKind
from tools.ascend.turns import device_turn
from tools.engines import om_engine
from tools.judge.device_numbers import Numbering, Seat
from tools.judge.texts.reading import InferTool
from tools.store.artifacts import LOCKS


def machine(kind: TargetKind, *devices: int) -> Machine:
    """A machine of which nothing but its devices matters."""
    target = Target(kind, {}, InferTool.BENCHMARK, Path("benchmark"), "test")
    numbering = Numbering({device: Seat(device + 5, 0, device, None) for device in devices})
    return Machine(target, "Ascend310", devices, {}, {}, numbering)


def is_free(lock: Path) -> bool:
    """Whether somebody else could have the turn now."""
    try:
        with FileLock(lock, blocking=False):
            return True
    except Timeout:
        return False


def test_a_turn_is_for_the_devices_that_it_names_and_ends_with_it(tmp_path: Path) -> None:
    with device_turn(machine(TargetKind.ASCEND, 2, 0), tmp_path):
        assert [is_free(tmp_path / f"npu-{npu}-chip-0.lock") for npu in (5, 6, 7)] == [False, True, False]
    assert all(is_free(tmp_path / f"npu-{npu}-chip-0.lock") for npu in (5, 6, 7))


def test_a_run_that_fails_gives_its_turn_back(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk"), device_turn(machine(TargetKind.ASCEND, 0), tmp_path):
        raise OSError("disk")
    assert is_free(tmp_path / "npu-0-chip-0.lock")


def test_nobody_waits_for_a_simulated_device(tmp_path: Path) -> None:
    simulated = machine(TargetKind.SIMULATOR, 0)
    with device_turn(simulated, tmp_path / "locks"), device_turn(simulated, tmp_path / "locks"):
        assert not (tmp_path / "locks").exists()


@pytest.mark.slow
def test_whatever_the_suite_runs_on_a_device_has_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_device(world, monkeypatch)
    world.forget(*MADE)
    free: dict[str, list[bool]] = {}

    def noted(name: str, owner: object) -> None:
        original = getattr(owner, name)

        def call(*words: object, **named: object) -> object:
            free.setdefault(name, []).append(is_free(world.cache / LOCKS / "npu-0-chip-0.lock"))
            return original(*words, **named)

        monkeypatch.setattr(owner, name, call)

    noted("run_dataset", inference)
    noted("run_pure", inference)
    noted("watch", om_engine)
    outcome = world.run("-m", "npu")
    assert outcome.exit_code == 0, outcome.text
    assert set(free) == {"run_dataset", "run_pure", "watch"}
    assert not any(any(found) for found in free.values()), free
