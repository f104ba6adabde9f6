"""The simulated benchmark tool and ais_bench: the same dumps, and each fault that they can be ordered to commit."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selftest.ascend_simulator.conftest import MakeOm, Simulator
from selftest.contracts import tiny_model
from selftest.contracts.host import BENCHMARK

FP16_STEP = 2.0**-8
"""The distance of neighbouring fp16 values at 4..8, where the largest of the tiny model's outputs lie."""
NUMBERS = re.compile(r"(\w[\w ]*?): ([0-9.e+]+)")


@dataclass(frozen=True)
class Outcome:
    """What a data-set run at batch 2 left: `rate` is in images/s, None where no whole figure was written."""

    status: int
    stdout: str
    dumps: dict[str, str]
    rate: float | None
    batch: int | None
    consistent: bool


@dataclass(frozen=True)
class Tools:
    """Both inference tools on the same three images."""

    simulator: Simulator
    om: MakeOm
    bins: list[Path]
    folder: Path

    def run(self, tool: str, fault: str = "", batch: int = 2, **env: str) -> Outcome:
        """Run a tool in a folder of its own."""
        cwd = self.folder / f"{tool}-{len(list(self.folder.iterdir()))}"
        cwd.mkdir()
        return (self._benchmark if tool == BENCHMARK else self._ais_bench)(cwd, fault, batch, env)

    def _benchmark(self, cwd: Path, fault: str, batch: int, env: dict[str, str]) -> Outcome:
        info = tiny_model.save_info(cwd / "tiny.info", self.bins)
        args = (f"-batch_size={batch}", "-device_id=0", f"-om_path={self.om(batch)}", f"-input_text_path={info}")
        done = self.simulator.run(BENCHMARK, "-model_type=vision", *args, cwd=cwd, fault=fault, **env)
        perf = next(iter((cwd / "result").glob("perf_*.txt")), None)
        fields = [dict(NUMBERS.findall(line)) for line in perf.read_text().splitlines()] if perf else []
        whole = len(fields) == 5
        images = float(fields[0]["throughputRate"]) * float(fields[0]["latency"]) / 1000 if whole else 0
        return Outcome(
            status=done.returncode,
            stdout=done.stdout,
            dumps=_texts(cwd / "result" / "dumpOutput_device0"),
            rate=float(fields[3]["Interface throughputRate"]) if whole else None,
            batch=int(perf.name.split("_")[3]) if perf else None,
            consistent=abs(images - 3) < 0.01,
        )

    def _ais_bench(self, cwd: Path, fault: str, batch: int, env: dict[str, str]) -> Outcome:
        args = ("--input", self.bins[0].parent, "--output", cwd, "--output_dirname", "run", "--outfmt", "TXT")
        done = self.simulator.run("ais_bench", "--model", self.om(batch), *args, cwd=cwd, fault=fault, **env)
        document = _document(cwd / "run_summary.json")
        rate = document.get("throughput")
        shown = re.search(r"batchsize\.mean\((\d+)\)", done.stdout)
        reckoned = 1000 * int(shown[1]) / document["NPU_compute_time"]["mean"] if shown and document else 0
        return Outcome(
            status=done.returncode,
            stdout=done.stdout,
            dumps=_texts(cwd / "run"),
            rate=rate,
            batch=int(shown[1]) if shown else None,
            consistent=rate is not None and abs(reckoned / rate - 1) < 1e-9,
        )


def _document(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found


def _values(dumps: dict[str, str]) -> list[float]:
    return [float(word) for text in dumps.values() for word in text.split()]


def _texts(folder: Path) -> dict[str, str]:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.stem.rpartition("_")[0][-2:]: path.read_text() for path in files}


@pytest.fixture
def tools(simulator: Simulator, om: MakeOm, bins: list[Path], tmp_path: Path) -> Tools:
    """Both tools."""
    (tmp_path / "runs").mkdir()
    return Tools(simulator, om, bins, tmp_path / "runs")


both = pytest.mark.parametrize("tool", [BENCHMARK, "ais_bench"])


def test_both_tools_write_the_same_values(tools: Tools) -> None:
    alone, in_pairs = (tools.run(BENCHMARK, batch=batch).dumps for batch in (1, 2))
    assert list(alone) == ["01", "02", "03"]
    assert tools.run("ais_bench", batch=1).dumps == alone
    assert tools.run("ais_bench", batch=2).dumps == in_pairs
    assert _values(in_pairs) == pytest.approx(_values(alone), abs=FP16_STEP)


@both
def test_rates_are_near_the_published_ones_but_not_equal(tools: Tools, tool: str) -> None:
    rate = tools.run(tool, batch=1).rate
    assert rate is not None
    assert 0.9 < rate / 317.707 < 0.999


@both
def test_a_device_of_one_core_computes_the_same(tools: Tools, tool: str) -> None:
    assert tools.run(tool, batch=2, ASCEND_SIMULATOR_CORES="1").dumps == tools.run(tool, batch=2).dumps


@both
def test_the_rate_factor_is_obeyed(tools: Tools, tool: str) -> None:
    rate = tools.run(tool, batch=1, ASCEND_SIMULATOR_RATE_FACTOR="0.5").rate
    assert rate == pytest.approx(317.707 / 2, rel=0.003)


@both
@pytest.mark.parametrize(
    ("fault", "names"),
    [
        ("infer:dropped-samples", ["02", "03"]),
        ("infer:extra-sample", ["01", "02", "03", "99"]),
        ("infer:error-exit-0", ["01", "02"]),
        ("infer:swapped-dumps", ["01", "02", "03"]),
    ],
)
def test_faults_of_the_set_of_dumps(tools: Tools, tool: str, fault: str, names: list[str]) -> None:
    outcome = tools.run(tool, fault)
    assert (outcome.status, list(outcome.dumps)) == (0, names)
    assert ("[ERROR]" in outcome.stdout) == (fault == "infer:error-exit-0")


@both
def test_faults_of_the_dumps_content(tools: Tools, tool: str) -> None:
    sound = tools.run(tool).dumps
    assert tools.run(tool, "infer:nan").dumps["01"].startswith("nan ")
    assert tools.run(tool, "infer:inf").dumps["01"].startswith("inf ")
    assert set(map(float, tools.run(tool, "infer:zeros").dumps["01"].split())) == {0.0}
    cut = tools.run(tool, "infer:truncated-dump").dumps
    assert (cut["01"], cut["02"]) == (sound["01"][: len(sound["01"]) // 2], sound["02"])
    swapped = tools.run(tool, "infer:swapped-dumps").dumps
    assert (swapped["01"], swapped["02"], swapped["03"]) == (sound["02"], sound["01"], sound["03"])
    other = tools.run(tool, "infer:other-image").dumps
    assert (other["01"], other["02"]) == (sound["01"], sound["01"])


@both
def test_faults_of_the_figures(tools: Tools, tool: str) -> None:
    sound = tools.run(tool)
    assert sound.rate is not None
    assert (sound.batch, sound.consistent) == (2, True)
    for fault, factor in (("device:slow", 0.5), ("infer:batches-as-images", 0.5), ("infer:rate-times-4", 4.0)):
        found = tools.run(tool, fault).rate
        assert found == pytest.approx(sound.rate * factor, rel=1e-3), fault
    assert not tools.run(tool, "infer:contradicting-summary").consistent
    assert tools.run(tool, "infer:other-batch-perf").batch == 4


@both
def test_a_rate_stored_too_high(tools: Tools, tool: str) -> None:
    sound, found = tools.run(tool), tools.run(tool, "infer:stored-rate-higher")
    assert sound.rate is not None
    assert found.rate == pytest.approx(sound.rate * 1.3, rel=1e-5)


def test_an_interface_rate_stored_too_high(tools: Tools) -> None:
    sound, found = tools.run(BENCHMARK), tools.run(BENCHMARK, "infer:interface-rate-higher")
    assert sound.rate is not None
    assert found.rate == pytest.approx(sound.rate * 1.4, rel=1e-5)
    assert f"{sound.rate:.6g}" in found.stdout


@pytest.mark.parametrize(
    ("fault", "rounds", "slower"), [("", 3, 1.0), ("infer:one-round", 1, 1.0), ("infer:slower-rounds", 3, 1.3)]
)
def test_the_rounds_of_pure_inference(
    simulator: Simulator, om: MakeOm, tmp_path: Path, fault: str, rounds: int, slower: float
) -> None:
    printed = simulator.run(
        BENCHMARK, "-round=3", f"-om_path={om(2)}", "-batch_size=2", cwd=tmp_path, fault=fault
    ).stdout
    costs = [float(cost) for cost in re.findall(r"Dataset number: \d finished cost ([0-9.]+)ms", printed)]
    latency = re.search(r"ave_latency: ([0-9.]+)ms", printed)
    assert latency is not None
    assert costs == pytest.approx([2 * slower * float(latency[1])] * rounds, rel=0.01)
    argv = ("--model", om(2), "--loop", "3", "--output", tmp_path, "--output_dirname", "pure")
    simulator.run("ais_bench", *argv, cwd=tmp_path, fault=fault)
    summary = _document(tmp_path / "pure_summary.json")
    mean = summary["NPU_compute_time"]["mean"]
    assert summary["npu_compute_time_list"] == pytest.approx([slower * mean] * rounds, rel=0.01)


@both
@pytest.mark.parametrize("fault", ["infer:truncated-perf", "infer:no-perf"])
def test_faults_of_the_perf_file(tools: Tools, tool: str, fault: str) -> None:
    outcome = tools.run(tool, fault)
    assert (outcome.status, outcome.rate, len(outcome.dumps)) == (0, None, 3)


@both
def test_faults_of_the_end(tools: Tools, tool: str) -> None:
    outcome = tools.run(tool, "infer:exit-1-after-result")
    assert (outcome.status, len(outcome.dumps), outcome.consistent) == (1, 3, True)
    outcome = tools.run(tool, "infer:killed")
    assert (outcome.status, len(outcome.dumps), outcome.rate) == (-signal.SIGKILL, 1, None)


@both
@pytest.mark.parametrize("fault", ["device:open-fails", "device:other-soc"])
def test_faults_of_the_device(tools: Tools, tool: str, fault: str) -> None:
    outcome = tools.run(tool, fault)
    assert (outcome.status, outcome.dumps, outcome.rate) == (1, {}, None)
    assert ("507033" if fault == "device:open-fails" else "load model from file failed") in outcome.stdout


def test_pure_inference_of_the_benchmark_tool(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    args = ("-round=3", f"-om_path={om(2)}", "-batch_size=2")
    file = tmp_path / "result" / "PureInfer_perf_of_tiny_bs2_in_device_0.txt"
    for fault, kept in (("", True), ("infer:no-perf", False), ("infer:error-exit-0", False), ("infer:killed", False)):
        file.unlink(missing_ok=True)
        done = simulator.run(BENCHMARK, *args, cwd=tmp_path, fault=fault)
        assert done.returncode == (-signal.SIGKILL if fault == "infer:killed" else 0)
        assert file.exists() == kept
    simulator.run(BENCHMARK, *args, cwd=tmp_path, fault="infer:contradicting-summary")
    rate, latency = map(float, re.findall(r"= ([0-9.]+)", file.read_text()))
    assert rate * latency / 1000 == pytest.approx(1.5, rel=1e-4)


@pytest.mark.parametrize(
    "args",
    [
        ("-batch_size=two",),
        ("-no_such_flag=1",),
        ("-output_binary=perhaps",),
        ("-useDvpp=true",),
        ("-om_path=none.om",),
        ("-model_type=speech", "-input_text_path=tiny.info"),
        ("-input_text_path=none.info",),
        ("-input_text_path=twice.info",),
        ("-input_text_path=odd.info",),
        ("-input_text_path=empty.info",),
        ("-round=0",),
        ("-round=1025",),
    ],
)
def test_command_lines_that_the_benchmark_tool_refuses(
    simulator: Simulator, om: MakeOm, bins: list[Path], tmp_path: Path, args: tuple[str, ...]
) -> None:
    tiny_model.save_info(tmp_path / "tiny.info", bins)
    (tmp_path / "twice.info").write_text(f"0 {bins[0]} 8 8\n0 {bins[1]} 8 8\n")
    (tmp_path / "odd.info").write_text("0 a file 8 8\n")
    (tmp_path / "empty.info").write_text("\n")
    done = simulator.run(BENCHMARK, "-batch_size=2", f"-om_path={om(2)}", *args, cwd=tmp_path)
    assert done.returncode == 1
    assert "ERROR" in done.stdout + done.stderr


def test_a_sample_of_another_size_drops_its_batch_only(tools: Tools) -> None:
    tools.bins[0].write_bytes(bytes(100))
    outcome = tools.run(BENCHMARK)
    assert (outcome.status, list(outcome.dumps)) == (0, ["03"])
    assert "[ERROR]" in outcome.stdout


def test_several_devices_share_the_files_with_tools_and_not_with_ait(
    simulator: Simulator, om: MakeOm, bins: list[Path], tmp_path: Path
) -> None:
    args = ("--model", om(1), "--input", bins[0].parent, "--device", "0,1", "--output", tmp_path / "out")
    for flavour, found in (("tools", {"device0": 2, "device1": 1}), ("ait", {"device0_0": 3, "device1_1": 3})):
        done = simulator.run(
            "ais_bench", *args, "--output_dirname", flavour, cwd=tmp_path, ASCEND_SIMULATOR_AIS_BENCH=flavour
        )
        assert done.returncode == 0
        assert "multidevice run end qsize:4 result:0" in done.stdout
        folders = [path for path in (tmp_path / "out" / flavour).iterdir() if path.is_dir()]
        assert {path.name: len(list(path.iterdir())) for path in folders} == found


def test_one_failed_device_fails_the_run(simulator: Simulator, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    args = ("--model", om(1), "--input", bins[0].parent, "--device", "0,9", "--output", "out", "--output_dirname", "x")
    done = simulator.run("ais_bench", *args, cwd=tmp_path)
    assert done.returncode == 1
    assert "acl open device 9 failed" in done.stdout


def test_ait_obeys_its_path_policy(simulator: Simulator, om: MakeOm, bins: list[Path], tmp_path: Path) -> None:
    ait = {"ASCEND_SIMULATOR_AIS_BENCH": "ait"}
    (tmp_path / "link.om").symlink_to(om(1))
    (tmp_path / "open.om").write_bytes(om(1).read_bytes())
    (tmp_path / "open.om").chmod(0o664)
    (tmp_path / "a b.om").write_bytes(om(1).read_bytes())
    for model in ("link.om", "open.om", "a b.om", "none.om", "tiny.model"):
        assert simulator.run("ais_bench", "--model", model, cwd=tmp_path, **ait).returncode == 2, model
    assert simulator.run("ais_bench", "--model", "link.om", cwd=tmp_path).returncode == 0
    args = ("--model", om(1), "--input", bins[0].parent, "--output", "out", "--output_dirname", "x")
    assert simulator.run("ais_bench", *args, cwd=tmp_path, **ait).returncode == 0
    assert (tmp_path / "out" / "x").stat().st_mode & 0o777 == 0o750
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out" / "x").iterdir()} == {0o640}
    bins[0].parent.chmod(0o775)
    assert simulator.run("ais_bench", *args, cwd=tmp_path, **ait).returncode == 1
    bins[0].parent.chmod(0o755)
    bins[0].chmod(0o666)
    assert simulator.run("ais_bench", *args, cwd=tmp_path, **ait).returncode == 1


def test_npy_files_go_in_and_come_out(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", tiny_model.images(1))
    args = ("--model", om(1), "--input", "one.npy", "--output", "out", "--output_dirname", "x", "--outfmt", "NPY")
    assert simulator.run("ais_bench", *args, cwd=tmp_path).returncode == 0
    found = np.load(tmp_path / "out" / "x" / "one_0.npy")
    assert np.abs(found - tiny_model.logits(tiny_model.images(1), fp16=True)).max() < 0.01


@pytest.mark.parametrize("argument", ["--dymBatch=2", "--dymShape=x:1", "--profiler=1"])
def test_what_is_not_simulated_is_refused(simulator: Simulator, om: MakeOm, tmp_path: Path, argument: str) -> None:
    done = simulator.run("ais_bench", "--model", om(1), argument, cwd=tmp_path)
    assert (done.returncode, "is not simulated" in done.stdout) == (1, True)
