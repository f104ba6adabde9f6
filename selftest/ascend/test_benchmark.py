"""The legacy tool's runs are believed only when every image has its dump and the perf file is of this very run."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tools.ascend import benchmark
from tools.ascend.runs import ONE_OUTPUT, DatasetRun, Outputs, Place
from tools.base.errors import OmError, PerfError, PreprocessingError
from tools.data.info import InfoRow, write_info
from tools.judge.texts.reading import ThroughputReading

from .stubs import executable

IDS = tuple(f"image.{index}" for index in range(5))
DATASET = """
lines = [line.split() for line in Path(args["input_text_path"]).read_text().splitlines()]
dumps = Path("result/dumpOutput_device" + args["device_id"])
dumps.mkdir(parents=True)
assert args["output_binary"] == "true"
for index, path, width, height in lines:
    assert Path(path).is_absolute() and (width, height) == ("224", "224")
    (dumps / (Path(path).stem + "_1.bin")).write_bytes(b"1234")
batches = -(-len(lines) // int(args["batch_size"]))
perf = Path(f"result/perf_vision_batchsize_{args['batch_size']}_device_{args['device_id']}.txt")
perf.write_text(
    f"[e2e] throughputRate: {len(lines)}, latency: 1000\\n"
    f"[infer] throughputRate: {len(lines)}, Interface throughputRate: 900, moduleLatency: 2\\n"
    f"[post] throughputRate: {batches}, moduleLatency: {1000 / batches:.6g}\\n"
)
"""
PURE = """
for number in range(int(args["round"])):
    print(f"[INFO] Dataset number: {number} finished cost {4.1 + 0.01 * (number % 3):.6g}ms")
Path("result").mkdir()
perf = Path("result") / f"PureInfer_perf_of_{Path(args['om_path']).stem}_in_device_{args['device_id']}.txt"
perf.write_text("ave_throughputRate = 974.27samples/s, ave_latency = 1.02917ms\\n")
assert args["round"] == "30" and args["batch_size"] == "4"
"""


def _data(folder: Path) -> Path:
    (folder / "alexnet.om").write_bytes(b"om")
    bins = folder / "bins"
    bins.mkdir()
    for name in IDS:
        (bins / f"{name}.bin").write_bytes(b"x")
    rows = [InfoRow(index, f"./bins/{name}.bin", 224, 224) for index, name in enumerate(IDS)]
    write_info(rows, folder / "data.info")
    return folder / "data.info"


def _place(folder: Path, body: str, timeout: float) -> Place:
    env = executable(folder / "tools", benchmark.binary_name(), body)
    return Place(env, folder / "work", folder / "logs", timeout)


def _run(
    folder: Path,
    body: str,
    *,
    info: Path | None = None,
    timeout: float = 60,
    batch: int = 4,
    outputs: Outputs = ONE_OUTPUT,
) -> DatasetRun:
    return benchmark.run_dataset(
        om=folder / "alexnet.om",
        info=info or _data(folder),
        info_base=folder,
        batch=batch,
        device=2,
        width=224,
        height=224,
        place=_place(folder, body, timeout),
        expected_ids=IDS,
        outputs=outputs,
    )


def _pure(folder: Path, body: str, *, rounds: int = 30) -> ThroughputReading:
    (folder / "alexnet_bs4.om").write_bytes(b"om")
    return benchmark.run_pure(
        om=folder / "alexnet_bs4.om",
        batch=4,
        device=0,
        place=_place(folder, body, 60),
        rounds=rounds,
    )


def test_a_good_run(tmp_path: Path) -> None:
    run = _run(tmp_path, DATASET)
    assert sorted(path.name for path in run.dumps.iterdir()) == [f"{name}_1.bin" for name in IDS]
    assert run.reading.images_per_second_per_chip == 900
    assert (run.reading.images, run.reading.device) == (5, 2)
    assert "-useDvpp=false" in run.completed.argv


TWO_OUTPUTS = """
for dump in sorted(Path("result").glob("dumpOutput_device*/*_1.bin")):
    dump.with_name(dump.name.replace("_1.bin", "_2.bin")).write_bytes(b"second")
"""


@pytest.mark.parametrize("judged", [0, 1])
def test_of_two_outputs_the_judged_ones_dumps_are_left(tmp_path: Path, judged: int) -> None:
    dumps = _run(tmp_path, DATASET + TWO_OUTPUTS, outputs=Outputs(count=2, judged=judged)).dumps
    assert sorted(path.name for path in dumps.iterdir()) == [f"{name}_{1 + judged}.bin" for name in IDS]


def test_a_good_pure_run(tmp_path: Path) -> None:
    assert _pure(tmp_path, PURE).images_per_second_per_chip == 974.27


FAULTS = {
    "exit code": (DATASET + "sys.exit(1)\n", "exit code 1"),
    "error line with exit code 0": (DATASET + 'print("50%|##[ERROR] Execute failed\\rgo")\n', "[ERROR] Execute failed"),
    "no dumps": (DATASET + "import shutil\nshutil.rmtree(dumps)\n", "5 missing in the dumps"),
    "a dump dropped": (DATASET + 'next(dumps.glob("*3_1*")).unlink()\n', "1 missing in the dumps (image.3_1.bin)"),
    "a dump of another image": (DATASET + '(dumps / "other_1.bin").write_text("x")\n', "1 not in the input"),
    "a second output": (DATASET + '(dumps / "image.0_2.bin").write_text("x")\n', "image.0_2.bin"),
    "a dump truncated to nothing": (DATASET + '(dumps / "image.0_1.bin").write_text("")\n', "1 dumps are empty"),
    "dumps of another device": (DATASET + 'dumps.rename("result/dumpOutput_device0")\n', "5 missing"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)\n", "out of memory"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_a_data_set_run_is_named(tmp_path: Path, fault: str) -> None:
    body, named = FAULTS[fault]
    with pytest.raises(OmError) as caught:
        _run(tmp_path, body)
    assert caught.value.gate == "om.ran[bs4]"
    assert named in str(caught.value)


def test_a_hang_is_ended_and_named(tmp_path: Path) -> None:
    with pytest.raises(OmError, match=r"did not end within 1 s .*hang"):
        _run(tmp_path, DATASET + "time.sleep(600)\n", timeout=1)


BAD_PERF = {
    "no perf file": ("perf.unlink()\n", "no perf file"),
    "perf file of another batch": ('perf.rename("result/perf_vision_batchsize_1_device_2.txt")\n', "batchsize_1"),
    "perf files of two runs": ('Path("result/perf_vision_batchsize_1_device_2.txt").touch()\n', "expected only"),
    "cut": ("perf.write_text(perf.read_text()[:60])\n", "[infer]"),
    "contradicting": ('perf.write_text(perf.read_text().replace("latency: 1000", "latency: 500"))\n', "the run had 5"),
}


@pytest.mark.parametrize("fault", BAD_PERF)
def test_a_bad_perf_file_blocks_the_reading_and_not_the_dumps(tmp_path: Path, fault: str) -> None:
    body, named = BAD_PERF[fault]
    run = _run(tmp_path, DATASET + body)
    assert len(list(run.dumps.iterdir())) == len(IDS)
    with pytest.raises(PerfError) as caught:
        _ = run.reading
    assert caught.value.gate == "om.perf.reading[bs4]"
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (PURE + "sys.exit(1)\n", "exit code 1"),
        (PURE + "perf.unlink()\n", "no perf file"),
        (PURE + 'perf.rename("result/PureInfer_perf_of_other_in_device_0.txt")\n', "PureInfer_perf_of_other"),
        (PURE + 'perf.write_text("ave_throughputRate = 974.27samples/s")\n', "ave_latency is missing"),
        (PURE + 'perf.write_text("ave_throughputRate = 974.27samples/s, ave_latency = 4.1ms")\n', "contradicts itself"),
    ],
)
def test_every_fault_of_a_pure_run_is_named(tmp_path: Path, body: str, named: str) -> None:
    with pytest.raises(PerfError) as caught:
        _pure(tmp_path, body)
    assert caught.value.gate == "om.perf.reading[bs4]"
    assert named in str(caught.value)


def test_rounds_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PerfError, match="1 to 1024"):
        _pure(tmp_path, PURE, rounds=0)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("", "1 missing in the .info file"),
        ("4 ./bins/absent.bin 224 224\n", "not in the data set"),
        ("4 ./bins/image.4.bin 256 256\n", "256 x 256"),
        ("4 ./bins/../image.4.bin 224 224\n", "which is not there"),
    ],
)
def test_a_wrong_info_file_is_refused_before_the_tool_runs(tmp_path: Path, line: str, named: str) -> None:
    info = _data(tmp_path)
    info.write_text("".join(info.read_text().splitlines(keepends=True)[:4]) + line)
    with pytest.raises(PreprocessingError) as caught:
        _run(tmp_path, DATASET, info=info)
    assert named in str(caught.value)
    assert not (tmp_path / "logs").exists()


def test_results_of_an_earlier_run_are_refused(tmp_path: Path) -> None:
    info = _data(tmp_path)
    run = functools.partial(_run, tmp_path, DATASET, info=info)
    run()
    with pytest.raises(OmError, match=r"files of an earlier run.*result"):
        run()


def test_the_tool_absent_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.om").write_bytes(b"om")
    with pytest.raises(OmError, match=r"benchmark.* is not on PATH"):
        benchmark.run_pure(
            om=tmp_path / "a.om", batch=1, device=0, place=Place({"PATH": ""}, tmp_path / "work", tmp_path / "logs", 9)
        )


def test_a_missing_om_is_named(tmp_path: Path) -> None:
    info = _data(tmp_path)
    (tmp_path / "alexnet.om").unlink()
    with pytest.raises(OmError, match="the OM is missing or empty"):
        _run(tmp_path, DATASET, info=info)


@pytest.mark.parametrize(("machine", "name"), [("x86_64", "x86_64"), ("aarch64", "aarch64"), ("arm64", "aarch64")])
def test_the_binary_is_chosen_by_machine(monkeypatch: pytest.MonkeyPatch, machine: str, name: str) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert benchmark.binary_name() == f"benchmark.{name}"
