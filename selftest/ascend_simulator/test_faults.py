"""The catalogue of faults: code, README and tests name the same ones, typos are refused, hangs really hang."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from selftest.ascend_simulator.conftest import MakeOm, Simulator
from selftest.contracts.conftest import atc_args
from selftest.contracts.host import BENCHMARK, SIMULATOR
from tools.ascend.simulator.faults import Fault


def test_readme_and_code_name_the_same_faults() -> None:
    rows = re.findall(r"^\| `([a-z-]+:[a-z0-9-]+)` \| (.*?) \| (.*?) \|$", (SIMULATOR / "README.md").read_text(), re.M)
    assert rows == [(fault.order, fault.effect, fault.mimics) for fault in Fault]


def test_each_fault_is_ordered_by_a_test() -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [fault.order for fault in Fault if f'"{fault.order}"' not in text] == []


def test_each_fault_is_used_by_the_simulator() -> None:
    sources = [path.read_text() for path in SIMULATOR.rglob("*.py") if path.name != "faults.py"]
    assert [fault.name for fault in Fault if not any(f"Fault.{fault.name}" in source for source in sources)] == []


@pytest.mark.parametrize("tool", ["atc", BENCHMARK, "npu-smi", "ais_bench"])
def test_an_unknown_fault_ends_every_tool(simulator: Simulator, tmp_path: Path, tool: str) -> None:
    done = simulator.run(tool, cwd=tmp_path, fault="atc:hang,infer:nann")
    assert done.returncode == 97
    assert "orders 'infer:nann', which does not exist" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ASCEND_SIMULATOR_SOC", "Ascend910"),
        ("ASCEND_SIMULATOR_RATE_FACTOR", "0"),
        ("ASCEND_SIMULATOR_RATE_FACTOR", "quick"),
        ("ASCEND_SIMULATOR_AIS_BENCH", "msame"),
        ("ASCEND_SIMULATOR_CORES", "-1"),
        ("ASCEND_SIMULATOR_CORES", "two"),
    ],
)
def test_settings_that_do_not_exist_are_refused(
    simulator: Simulator, om: MakeOm, tmp_path: Path, name: str, value: str
) -> None:
    done = simulator.run("ais_bench", "--model", om(1), cwd=tmp_path, **{name: value})
    assert (done.returncode, name in done.stderr) == (97, True)


def test_other_weights_need_a_file(simulator: Simulator, onnx_file: Path, tmp_path: Path) -> None:
    args = atc_args(onnx_file, tmp_path / "tiny", "Ascend310")
    done = simulator.run("atc", *args, cwd=tmp_path, fault="atc:other-weights")
    assert (done.returncode, "ASCEND_SIMULATOR_WEIGHTS" in done.stderr) == (97, True)


@pytest.mark.parametrize("fault", ["atc:hang", "atc:hang-ignoring-sigterm"])
def test_a_hanging_atc(simulator: Simulator, onnx_file: Path, tmp_path: Path, fault: str) -> None:
    args = atc_args(onnx_file, tmp_path / "tiny", "Ascend310")
    _assert_hangs(simulator, ["atc", *args], tmp_path, fault, "ATC start working")


@pytest.mark.parametrize("fault", ["infer:hang", "infer:hang-ignoring-sigterm"])
@pytest.mark.parametrize("tool", [BENCHMARK, "ais_bench"])
def test_a_hanging_inference(simulator: Simulator, om: MakeOm, tmp_path: Path, tool: str, fault: str) -> None:
    argv = {BENCHMARK: [BENCHMARK, "-round=1", f"-om_path={om(1)}"]}
    argv["ais_bench"] = [simulator.host.python, "-m", "ais_bench", "--model", str(om(1))]
    _assert_hangs(simulator, argv[tool], tmp_path, fault, "load model")


def test_a_hanging_npu_smi(simulator: Simulator, tmp_path: Path) -> None:
    _assert_hangs(simulator, ["npu-smi", "info"], tmp_path, "npu-smi:hang", "")


def _assert_hangs(simulator: Simulator, argv: list[str], cwd: Path, fault: str, sign: str) -> None:
    """It goes on after the sign of life, and ends on SIGTERM unless it is deaf to it."""
    program = simulator.host.require(argv[0]) if not argv[0].startswith("/") else argv[0]
    env = {**simulator.host.env, "ASCEND_SIMULATOR_FAULT": fault}
    child = subprocess.Popen([program, *argv[1:]], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        child.stderr.readline()
        while sign and sign.encode() not in (line := child.stdout.readline()):
            assert line, "ended before the sign of life"
        deaf = fault.endswith("sigterm")
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        child.send_signal(signal.SIGTERM)
        if deaf:
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.3)
        else:
            assert child.wait(10) == -signal.SIGTERM
    finally:
        child.kill()
        child.communicate()
