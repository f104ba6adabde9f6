"""One door to both tools: the data set is shared over the devices, and every dump comes together again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools.ascend.ais_bench import path_policy_problems
from tools.ascend.benchmark import binary_name
from tools.ascend.inference import DatasetJob, run_dataset, run_pure, stage_bins
from tools.ascend.target import Target, TargetKind
from tools.base.errors import StageError
from tools.judge.texts.reading import InferTool

from .stubs import ais_bench_package, executable
from .test_ais_bench import REPORT, RUN
from .test_benchmark import DATASET, PURE

IDS = tuple(f"image_{index}" for index in range(7))


def _target(folder: Path, tool: InferTool) -> Target:
    if tool is InferTool.BENCHMARK:
        body = f'if "round" in args:\n{_indented(PURE)}\nelse:\n{_indented(DATASET)}\n'
        env = executable(folder / "tools", binary_name(), body)
        return Target(TargetKind.SIMULATOR, env, tool, folder / "tools" / binary_name(), "a test")
    env = ais_bench_package(folder / "site", RUN + REPORT)
    return Target(TargetKind.SIMULATOR, env, tool, Path(sys.executable), "a test")


def _indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.splitlines())


def _job(folder: Path) -> DatasetJob:
    om = folder / "alexnet_bs4.om"
    om.write_bytes(b"om")
    om.chmod(0o640)
    bins = folder / "bins"
    bins.mkdir()
    for name in (*IDS, "not_asked_for"):
        (bins / f"{name}.bin").write_bytes(b"123456789")
    return DatasetJob(om, bins, IDS, 4, 224, 224, folder / "work", folder / "logs", timeout_seconds=60)


@pytest.mark.parametrize("tool", list(InferTool))
@pytest.mark.parametrize("devices", [[0], [0, 1, 3]])
def test_every_image_has_one_dump_whatever_the_devices(tmp_path: Path, tool: InferTool, devices: list[int]) -> None:
    run = run_dataset(_target(tmp_path, tool), _job(tmp_path), devices)
    end = "_1.bin" if tool is InferTool.BENCHMARK else "_0.bin"
    assert sorted(path.name for path in run.dumps.iterdir()) == [f"{name}{end}" for name in IDS]
    assert [reading.device for reading in run.readings] == devices
    assert sum(reading.images or 0 for reading in run.readings) == len(IDS)
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {f"device{device}" for device in devices}


@pytest.mark.parametrize("tool", list(InferTool))
def test_pure_inference(tmp_path: Path, tool: InferTool) -> None:
    target, job = _target(tmp_path, tool), _job(tmp_path)
    reading = run_pure(target, om=job.om, batch=4, device=0, work=tmp_path / "pure", logs=job.logs, timeout_seconds=60)
    assert (reading.tool, reading.images) == (tool, None)


@pytest.mark.parametrize("tool", list(InferTool))
def test_an_image_without_a_bin_is_named(tmp_path: Path, tool: InferTool) -> None:
    job = _job(tmp_path)
    (job.bins / "image_5.bin").unlink()
    with pytest.raises(StageError, match="image_5"):
        run_dataset(_target(tmp_path, tool), job, [0, 1])


def test_ais_bench_takes_the_suites_own_folders_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        run = run_dataset(_target(tmp_path, InferTool.AIS_BENCH), _job(tmp_path), [0, 1])
        folder = stage_bins(tmp_path / "bins", IDS, tmp_path / "staged", gate="om.ran[bs4]")
    finally:
        os.umask(before)
    assert len(list(run.dumps.iterdir())) == len(IDS)
    assert [path_policy_problems(path) for path in (folder, *folder.iterdir())] == [()] * (1 + len(IDS))


def test_staged_files_obey_the_path_policy_without_touching_the_users(tmp_path: Path) -> None:
    bins = tmp_path / "bins"
    bins.mkdir()
    (bins / "kept.bin").write_bytes(b"1")
    (bins / "kept.bin").chmod(0o640)
    (bins / "shared.bin").write_bytes(b"2")
    (bins / "shared.bin").chmod(0o666)
    (bins / "linked.bin").symlink_to(bins / "kept.bin")
    staged = stage_bins(bins, ("kept", "shared", "linked"), tmp_path / "staged", gate="om.ran[bs1]")
    assert (staged / "kept.bin").samefile(bins / "kept.bin")
    assert (staged / "shared.bin").stat().st_mode & 0o777 == 0o640
    assert not (staged / "linked.bin").is_symlink()
    assert (bins / "shared.bin").stat().st_mode & 0o777 == 0o666
