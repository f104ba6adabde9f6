"""What ais_bench does not check is checked: its batch, its padding, its names, its path policy, its summaries."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tools.ascend import ais_bench, ais_package
from tools.ascend.runs import ONE_OUTPUT, DatasetRun, Outputs, Place
from tools.base.errors import OmError, PerfError
from tools.judge.texts.reading import ThroughputReading

from .stubs import ais_bench_package

IDS = tuple(f"image_{index}" for index in range(5))
OM_BATCH = 4
RUN = """
OM_BATCH = 4
batch = int(args.get("batchsize", OM_BATCH))
out = Path(args["output"])
dumps = out / args["output_dirname"]
dumps.mkdir()
if "input" in args:
    bins = sorted(Path(args["input"]).iterdir())
    executions = -(-len(bins) // OM_BATCH)
    print(f"[INFO] get filesperbatch files0 size:9 tensor0size:36 filesperbatch:{OM_BATCH} runcount:{executions}")
    for path in bins:
        (dumps / (path.name.split(".", 1)[0] + "_0.bin")).write_bytes(b"1234")
else:
    executions = int(args["loop"])
    (dumps / "pure_infer_data_0.bin").write_bytes(b"1234")
times = [2.0] * executions
throughput = 1000 * batch / 2.0
summary = {"NPU_compute_time": {"mean": 2.0, "count": executions}, "throughput": throughput}
summary["npu_compute_time_list"] = times
"""
REPORT = """
print("[INFO] -----------------Performance Summary------------------")
print("[INFO] NPU_compute_time (ms): min = 2.0, max = 2.0, mean = 2.0, median = 2.0, percentile(99%) = 2.0")
print(f"[INFO] throughput 1000*batchsize.mean({batch})/NPU_compute_time.mean(2.0): {throughput}")
print("[INFO] ------------------------------------------------------")
target = out / (args["output_dirname"] + "_summary.json")
target.write_text(json.dumps(summary))
"""


def _om(folder: Path) -> Path:
    om = folder / "alexnet.om"
    om.write_bytes(b"om")
    om.chmod(0o640)
    return om


def _bins(folder: Path, ids: Sequence[str] = IDS) -> Path:
    bins = folder / "bins"
    bins.mkdir()
    for name in ids:
        (bins / f"{name}.bin").write_bytes(b"123456789")
        (bins / f"{name}.bin").chmod(0o640)
    return bins


def _place(folder: Path, body: str, timeout: float = 60) -> Place:
    return Place(ais_bench_package(folder / "site", body), folder / "work", folder / "logs", timeout)


def _run(
    folder: Path,
    *,
    change: str = "",
    after: str = "",
    batch: int = OM_BATCH,
    ids: Sequence[str] = IDS,
    bins: Path | None = None,
    om: Path | None = None,
    timeout: float = 60,
    outputs: Outputs = ONE_OUTPUT,
) -> DatasetRun:
    return ais_bench.run_dataset(
        om=om or _om(folder),
        bins=bins or _bins(folder, ids),
        batch=batch,
        device=0,
        python=Path(sys.executable),
        place=_place(folder, RUN + change + REPORT + after, timeout),
        expected_ids=ids,
        outputs=outputs,
    )


def _pure(
    folder: Path, *, change: str = "", after: str = "", batch: int = OM_BATCH, loop: int = 3
) -> ThroughputReading:
    return ais_bench.run_pure(
        om=_om(folder),
        batch=batch,
        device=0,
        python=Path(sys.executable),
        place=_place(folder, RUN + change + REPORT + after),
        loop=loop,
    )


def test_a_good_run_counts_real_images_only(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert sorted(path.name for path in run.dumps.iterdir()) == [f"{name}_0.bin" for name in IDS]
    assert run.reading.reported_images_per_second == 2000
    assert run.reading.images_per_second_per_chip == 2000 * 5 / 8
    assert run.reading.seconds_per_image == (0.0005, 0.0005)


TWO_OUTPUTS = """
for dump in sorted((out / args["output_dirname"]).glob("*_0.bin")):
    dump.with_name(dump.name.replace("_0.bin", "_1.bin")).write_bytes(b"second")
"""


def test_of_two_outputs_the_judged_ones_dumps_are_left(tmp_path: Path) -> None:
    dumps = _run(tmp_path, after=TWO_OUTPUTS, outputs=Outputs(count=2, judged=1)).dumps
    assert {path.name: path.read_bytes() for path in dumps.iterdir()} == {f"{name}_1.bin": b"second" for name in IDS}


def test_an_output_more_than_the_port_names_is_told(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="not in the input"):
        _run(tmp_path, after=TWO_OUTPUTS)


def test_the_summary_of_2022_is_taken_out_of_the_dumps(tmp_path: Path) -> None:
    run = _run(tmp_path, after='del summary["npu_compute_time_list"]\ntarget.rename(dumps / "sumary.json")\n')
    assert run.reading.images_per_second_per_chip == 2000 * 5 / 8
    assert len(list(run.dumps.iterdir())) == len(IDS)


def test_ids_with_dots_are_made_whole_again(tmp_path: Path) -> None:
    ids = ("a.v1", "b.v1")
    assert sorted(path.name for path in _run(tmp_path, ids=ids).dumps.iterdir()) == ["a.v1_0.bin", "b.v1_0.bin"]


def test_ids_that_collide_at_the_first_dot_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OmError, match=r"a\.v1 and a\.v2 would overwrite each other"):
        _run(tmp_path, ids=("a.v1", "a.v2"))
    assert not (tmp_path / "work").exists()


FAULTS: Mapping[str, tuple[str, str]] = {
    "bad argument": ("sys.exit(2)\n", "exit code 2"),
    "runtime error": ('print("[ERROR] acl open device 0 failed, ret 507033")\nsys.exit(1)\n', "507033"),
    "error with exit code 0": ('print("50%|##[ERROR] save out files error")\n', "save out files error"),
    "a dump dropped": ('next(dumps.glob("image_3*")).unlink()\n', "1 missing in the dumps (image_3_0.bin)"),
    "a dump too many": ('(dumps / "pure_infer_data_0.bin").touch()\n', "1 not in the input"),
    "an empty dump": ('next(dumps.glob("image_3*")).write_text("")\n', "1 dumps are empty"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_a_data_set_run_is_named(tmp_path: Path, fault: str) -> None:
    after, named = FAULTS[fault]
    with pytest.raises(OmError) as caught:
        _run(tmp_path, after=after)
    assert caught.value.gate == "om.ran[bs4]"
    assert named in str(caught.value)


def test_a_hang_is_ended_and_named(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="hang"):
        _run(tmp_path, after="import time\ntime.sleep(600)\n", timeout=2)


def test_an_om_of_another_batch_is_found_by_files_per_execution(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="another batch size than asked for; found batch 4; allowed batch 16"):
        _run(tmp_path, batch=16)


def test_an_om_of_another_batch_is_found_by_executions(tmp_path: Path) -> None:
    quiet = RUN.replace("print(", "str(")
    run = ais_bench.run_dataset(
        om=_om(tmp_path),
        bins=_bins(tmp_path),
        batch=2,
        device=0,
        python=Path(sys.executable),
        place=_place(tmp_path, quiet + REPORT),
        expected_ids=IDS,
    )
    with pytest.raises(PerfError, match="executed 2 times, 5 images in batches of 2 need 3"):
        _ = run.reading


BAD_READINGS = {
    "batch reckoned otherwise": ("batch = 16\n", "", "another batch size"),
    "printed and stored differ": (
        "throughput *= 2\n",
        "",
        "throughput of ais_bench is 4000 on the console and 2000 in the summary",
    ),
    "no summary file": ("", "target.unlink()\n", "No such file"),
    "summary cut": ("", "target.write_text(target.read_text()[:20])\n", "not whole JSON"),
    "an execution less": ("times.pop()\nsummary['NPU_compute_time']['count'] = 1\n", "", "executed 1 times"),
}


@pytest.mark.parametrize("fault", BAD_READINGS)
def test_a_bad_summary_blocks_the_reading_and_not_the_dumps(tmp_path: Path, fault: str) -> None:
    change, after, named = BAD_READINGS[fault]
    run = _run(tmp_path, change=change, after=after)
    assert len(list(run.dumps.iterdir())) == len(IDS)
    with pytest.raises(PerfError) as caught:
        _ = run.reading
    assert caught.value.gate == "om.perf.reading[bs4]"
    assert named in str(caught.value)


def test_a_summary_that_tells_no_batch_at_all_is_refused(tmp_path: Path) -> None:
    mute = "del summary['npu_compute_time_list'], summary['NPU_compute_time']['count']\n"
    with pytest.raises(PerfError, match="cannot be cross-checked"):
        _ = ais_bench.run_dataset(
            om=_om(tmp_path),
            bins=_bins(tmp_path),
            batch=OM_BATCH,
            device=0,
            python=Path(sys.executable),
            place=_place(tmp_path, RUN.replace("print(", "str(") + mute + REPORT),
            expected_ids=IDS,
        ).reading


def test_a_pure_run_takes_its_batch_from_the_om(tmp_path: Path) -> None:
    reading = _pure(tmp_path)
    assert reading.images_per_second_per_chip == 2000
    assert reading.seconds_per_image == (0.0005,) * 3
    assert "--batchsize" not in (tmp_path / "logs" / "command.txt").read_text()


@pytest.mark.parametrize(
    ("change", "after", "size", "named"),
    [
        ("", "", 16, "another batch size; found 4; allowed 16"),
        ("", "sys.exit(1)\n", 4, "exit code 1"),
        ("times.pop()\nsummary['NPU_compute_time']['count'] = 2\n", "", 4, "executed 2 times instead of 3"),
        ("", "target.unlink()\n", 4, "No such file"),
    ],
)
def test_every_fault_of_a_pure_run_is_named(tmp_path: Path, change: str, after: str, size: int, named: str) -> None:
    with pytest.raises(PerfError) as caught:
        _pure(tmp_path, change=change, after=after, batch=size)
    assert named in str(caught.value)


def test_a_loop_of_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PerfError, match="at least 1"):
        _pure(tmp_path, loop=0)


def test_a_file_others_may_write_is_refused(tmp_path: Path) -> None:
    bins = _bins(tmp_path)
    (bins / "image_2.bin").chmod(0o660)
    with pytest.raises(OmError, match=r"image_2\.bin is writable by group or others"):
        _run(tmp_path, bins=bins)
    assert not (tmp_path / "work").exists()


def test_an_input_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    bins = _bins(tmp_path)
    bins.chmod(0o775)
    with pytest.raises(OmError, match=r"bins is writable by group or others"):
        _run(tmp_path, bins=bins)


def test_a_linked_om_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.om"
    link.symlink_to(_om(tmp_path))
    with pytest.raises(OmError, match="is a symbolic link"):
        _run(tmp_path, om=link)


def test_an_input_folder_with_a_stranger_is_refused(tmp_path: Path) -> None:
    bins = _bins(tmp_path)
    (bins / "stray.bin").write_bytes(b"x")
    with pytest.raises(OmError, match="1 not in the data set"):
        _run(tmp_path, bins=bins)


def test_path_policy(tmp_path: Path) -> None:
    good = _om(tmp_path)
    assert ais_bench.path_policy_problems(good) == ()
    odd = tmp_path / "a+b.om"
    odd.write_bytes(b"x")
    odd.chmod(0o602)
    characters, mode = ais_bench.path_policy_problems(odd)
    assert "characters other than" in characters
    assert "writable by group or others" in mode
    (absent,) = ais_bench.path_policy_problems(tmp_path / "absent.om")
    assert "No such file" in absent


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    om = _om(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: om.stat().st_uid + 1)
    monkeypatch.setattr(os, "getgid", lambda: om.stat().st_gid + 1)
    monkeypatch.setattr(os, "getgroups", list)
    (problem,) = ais_bench.path_policy_problems(om)
    assert "belongs to another user" in problem


def find_python(env: Mapping[str, str], named: Path | None = None) -> Path | None:
    """The interpreter that is found."""
    found = ais_package.find_ais_bench(env, named=named)
    return None if found is None else found.python


def test_the_interpreter_is_the_first_that_runs_it(tmp_path: Path) -> None:
    env = ais_bench_package(tmp_path / "site", "")
    assert find_python(env) == Path(sys.executable)
    assert find_python({"PATH": "/usr/bin:/bin"}, named=Path(sys.executable)) is None
    assert find_python(env, named=tmp_path / "no-python") is None


def test_interpreters_on_the_runners_path_come_after_the_suites_own(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    found = ais_package.interpreters({"PATH": f"{tmp_path}:/nowhere"})
    assert found == (Path(sys.executable), python)
    assert ais_package.interpreters({}, named=python) == (python,)


def test_a_runner_python_serves_where_the_suites_own_has_no_ais_bench(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\ntest "$3" = --help && echo "  --model MODEL"\n')
    python.chmod(0o755)
    assert find_python({"PATH": f"{tmp_path}:/usr/bin:/bin"}) == python


def test_a_program_with_another_help_is_no_interpreter_of_ais_bench() -> None:
    assert find_python({"PATH": "/usr/bin:/bin"}, named=Path("/bin/ls")) is None


def test_the_stub_writes_json(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert json.loads((run.dumps.parent / "dumps_summary.json").read_text())["throughput"] == 2000


def test_a_progress_bar_does_not_push_the_cause_out_of_the_message(tmp_path: Path) -> None:
    bar = (
        "print('model is damaged')\n"
        "for step in range(600):\n    print(f'\\rloop inference exec: ({step}/600)', end='')\n"
        "sys.exit(1)\n"
    )
    with pytest.raises(OmError, match=r"`ais_bench` ended with exit code 1") as caught:
        _run(tmp_path, after=bar)
    assert "model is damaged / loop inference exec: (599/600)" in str(caught.value)
    assert "(30/600)" not in str(caught.value)
