"""Sharing a data set over devices loses no image and invents none."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ascend.runs import DatasetRun
from tools.ascend.shards import join_dumps, run_on_devices, shards
from tools.base.errors import OmError, PerfError, SuiteError
from tools.base.process import Completed

DONE = Completed((), 0, "", "", 0.0, False)
NO_READING = PerfError("none", gate="om.perf.reading[bs1]")


@given(st.sets(st.text(min_size=1), min_size=1), st.integers(1, 8))
def test_parts_conserve_the_ids_in_order(ids: set[str], count: int) -> None:
    devices = range(min(count, len(ids)))
    parts = shards(list(ids), list(devices))
    assert [name for part in parts.values() for name in part] == sorted(ids)
    sizes = [len(part) for part in parts.values()]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 1


@pytest.mark.parametrize(
    ("ids", "devices", "named"),
    [
        (["a", "a"], [0], "twice"),
        (["a"], [], "devices must be given"),
        (["a", "b"], [1, 1], "each once"),
        (["a"], [0, 1], "more devices than images"),
    ],
)
def test_bad_shares_are_refused(ids: list[str], devices: list[int], named: str) -> None:
    with pytest.raises(SuiteError, match=named):
        shards(ids, devices)


def _dump(folder: Path, names: Sequence[str]) -> DatasetRun:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(name)
    return DatasetRun(folder, DONE, NO_READING)


def test_devices_run_at_the_same_time_and_their_dumps_are_joined(tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=30)

    def run_part(device: int, ids: tuple[str, ...]) -> DatasetRun:
        together.wait()
        return _dump(tmp_path / str(device), [f"{name}_1.bin" for name in ids])

    runs = run_on_devices(shards(["a", "b", "c"], [4, 7]), run_part)
    assert list(runs) == [4, 7]
    joined = join_dumps(runs, tmp_path / "joined", gate="om.ran[bs1]")
    assert sorted(path.name for path in joined.iterdir()) == ["a_1.bin", "b_1.bin", "c_1.bin"]


def test_one_devices_failure_is_the_runs_failure(tmp_path: Path) -> None:
    def run_part(device: int, ids: tuple[str, ...]) -> DatasetRun:
        if device == 1:
            raise OmError("device 1 died", gate="om.ran[bs1]")
        return _dump(tmp_path / str(device), ids)

    with pytest.raises(OmError, match="device 1 died"):
        run_on_devices(shards(["a", "b"], [0, 1]), run_part)


def test_the_same_dump_from_two_devices_is_refused(tmp_path: Path) -> None:
    runs = {0: _dump(tmp_path / "0", ["a_1.bin"]), 1: _dump(tmp_path / "1", ["a_1.bin", "b_1.bin"])}
    with pytest.raises(OmError, match=r"two devices dumped the same image: a_1\.bin"):
        join_dumps(runs, tmp_path / "joined", gate="om.ran[bs1]")


def test_joining_into_a_used_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="earlier run"):
        join_dumps({0: _dump(tmp_path / "0", ["a_1.bin"])}, tmp_path, gate="om.ran[bs1]")
