"""The simulated npu-smi: both layouts, states of the device, and its own failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftest.ascend_simulator.conftest import MakeOm, Simulator
from selftest.contracts.host import BENCHMARK


def table(simulator: Simulator, cwd: Path, fault: str = "", soc: str = "Ascend310", **env: str) -> str:
    """What `npu-smi info` prints."""
    done = simulator.run("npu-smi", "info", cwd=cwd, fault=fault, ASCEND_SIMULATOR_SOC=soc, **env)
    assert done.returncode == 0
    return done.stdout


@pytest.mark.parametrize(("soc", "chips"), [("Ascend310", 4), ("Ascend310P3", 1)])
def test_every_line_of_the_table_is_equally_wide(simulator: Simulator, tmp_path: Path, soc: str, chips: int) -> None:
    text = table(simulator, tmp_path, soc=soc)
    assert len({len(line) for line in text.splitlines()}) == 1
    assert text.count(f" {soc.removeprefix('Ascend')} ") == chips
    assert text.count("| OK ") == chips


def test_states_of_the_device(simulator: Simulator, tmp_path: Path) -> None:
    assert "| 0                 621  / 8192" in table(simulator, tmp_path)
    assert "| 87                1821 / 8192" in table(simulator, tmp_path, "device:busy")
    assert table(simulator, tmp_path, "device:unhealthy").count("Alarm") == 1
    assert " 310P3 " in table(simulator, tmp_path, "device:other-soc")
    busy = table(simulator, tmp_path, "device:busy", soc="Ascend310P3")
    assert "| 4711            | python3                  | 1200                |" in busy


def test_a_device_that_gets_busy_half_way(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    state = {"ASCEND_SIMULATOR_STATE": str(tmp_path)}
    for _ in range(2):
        assert "| 87  " not in table(simulator, tmp_path, "device:busy-half-way", **state)
    args = ("-round=1", f"-om_path={om(1)}")
    assert simulator.run(BENCHMARK, *args, cwd=tmp_path, fault="device:busy-half-way", **state).returncode == 0
    assert "| 87  " in table(simulator, tmp_path, "device:busy-half-way", **state)


@pytest.mark.parametrize(("fault", "tables"), [("device:aicore-lags", (87, 0)), ("device:aicore-stays", (87, 87))])
def test_an_ai_core_that_works_alone(
    simulator: Simulator, om: MakeOm, tmp_path: Path, fault: str, tables: tuple[int, ...]
) -> None:
    state = {"ASCEND_SIMULATOR_STATE": str(tmp_path)}
    assert "| 0                 621  / 8192" in table(simulator, tmp_path, fault, **state)
    assert simulator.run(BENCHMARK, "-round=1", f"-om_path={om(1)}", cwd=tmp_path, fault=fault, **state).returncode == 0
    for percent in tables:
        assert f"| {percent:<17} 621  / 8192" in table(simulator, tmp_path, fault, **state)


def test_a_device_that_gets_unhealthy_half_way(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    state = {"ASCEND_SIMULATOR_STATE": str(tmp_path)}
    assert "Alarm" not in table(simulator, tmp_path, "device:unhealthy-half-way", **state)
    args = ("-round=1", f"-om_path={om(1)}")
    assert simulator.run(BENCHMARK, *args, cwd=tmp_path, fault="device:unhealthy-half-way", **state).returncode == 0
    assert table(simulator, tmp_path, "device:unhealthy-half-way", **state).count("Alarm") == 1


def test_half_way_needs_a_folder_to_remember_in(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    for argv in (("npu-smi", "info"), (BENCHMARK, "-round=1", f"-om_path={om(1)}")):
        done = simulator.run(*argv, cwd=tmp_path, fault="device:busy-half-way")
        assert (done.returncode, "ASCEND_SIMULATOR_STATE" in done.stderr) == (97, True)


def test_failures_of_npu_smi_itself(simulator: Simulator, tmp_path: Path) -> None:
    done = simulator.run("npu-smi", "info", cwd=tmp_path, fault="npu-smi:dcmi-failed")
    assert (done.returncode, done.stdout) == (255, "dcmi module initialize failed. ret is -8005\n")
    assert table(simulator, tmp_path, "npu-smi:truncated").splitlines()[-1].startswith("| 0       310 ")
    whole = table(simulator, tmp_path, soc="Ascend310P3")
    without = table(simulator, tmp_path, "npu-smi:no-process-table", soc="Ascend310P3")
    assert ("Process id" in whole, "Process id" in without) == (True, False)
    assert whole.startswith(without)


def test_the_board_has_a_serial_number(simulator: Simulator, tmp_path: Path) -> None:
    done = simulator.run("npu-smi", "info", "-t", "board", "-i", "0", cwd=tmp_path)
    assert (done.returncode, "\tSerial Number                  : SIMULATOR\n" in done.stdout) == (0, True)
    assert simulator.run("npu-smi", "info", "-t", "board", "-i", "1", cwd=tmp_path).returncode == 255


DRIVER_26 = {"ASCEND_SIMULATOR_DRIVER": "26", "ASCEND_SIMULATOR_CONTAINER": "6,2,5"}


def test_a_container_with_driver_26(simulator: Simulator, tmp_path: Path) -> None:
    text = table(simulator, tmp_path, ASCEND_SIMULATOR_BUSY="2", **DRIVER_26)
    heads, processes = text.split("\n+-------------------------+", 1)
    assert len({len(line) for line in heads.splitlines()}) == 1
    assert [line.split()[1] for line in heads.splitlines() if " 310 " in line] == ["2", "5", "6"]
    assert "| Process id in container   |" in processes
    assert "| 2       0               | 48213         | python3.11         | 4120                  | NA " in processes
    assert [f"No running processes found in NPU {npu}" in processes for npu in (2, 5, 6)] == [False, True, True]
    assert "Process id" not in table(simulator, tmp_path, "npu-smi:no-process-table", **DRIVER_26)


def test_the_map_of_a_container_with_driver_26(simulator: Simulator, tmp_path: Path) -> None:
    text = simulator.run("npu-smi", "info", "-m", cwd=tmp_path, **DRIVER_26).stdout
    chips = [line.split()[:4] for line in text.splitlines() if line.endswith("Ascend 310")]
    assert chips == [["2", "0", "1", "2"], ["5", "0", "2", "5"], ["6", "0", "0", "6"]]
    assert text.count("Mcu") == 3
    listed = simulator.run("npu-smi", "info", "-l", cwd=tmp_path, **DRIVER_26).stdout
    assert listed.split()[:4] == ["Total", "Count", ":", "3"]
    board = simulator.run("npu-smi", "info", "-t", "board", "-i", "5", cwd=tmp_path, **DRIVER_26)
    assert "\tSerial Number                  : SIMULATOR5\n" in board.stdout
    assert simulator.run("npu-smi", "info", "-t", "board", "-i", "0", cwd=tmp_path, **DRIVER_26).returncode == 255


@pytest.mark.parametrize(
    ("visible", "devices"),
    [("", 3), ("0", 1), ("1,2", 2), ("1,0", 1), ("0, 1", 1), ("2,9", 1), ("-1,0", 0), ("x", 0)],
)
def test_tools_see_the_devices_that_the_variable_lists_up_to_the_first_bad_one(
    simulator: Simulator, om: MakeOm, tmp_path: Path, visible: str, devices: int
) -> None:
    env = {**DRIVER_26, "ASCEND_RT_VISIBLE_DEVICES": visible}
    for device in {0, devices - 1, devices} - {-1}:
        args = ("-round=1", f"-om_path={om(1)}", f"-device_id={device}")
        done = simulator.run(BENCHMARK, *args, cwd=tmp_path, **env)
        assert (done.returncode == 0, f"open device {device} failed" in done.stdout) == (
            device < devices,
            device >= devices,
        )


def test_the_log_of_the_libraries_is_mixed_into_the_output(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    noise = {"ASCEND_SIMULATOR_SLOG": "1"}
    done = simulator.run(BENCHMARK, "-round=1", f"-om_path={om(1)}", cwd=tmp_path, **noise)
    assert (done.returncode, "[ERROR] GE(" in done.stdout) == (0, True)
    assert "GE(" not in simulator.run("npu-smi", "info", cwd=tmp_path, **noise).stdout


@pytest.mark.parametrize(
    "setting",
    [
        {"ASCEND_SIMULATOR_DRIVER": "27"},
        {"ASCEND_SIMULATOR_CONTAINER": "1"},
        {"ASCEND_SIMULATOR_BUSY": "1"},
        {**DRIVER_26, "ASCEND_SIMULATOR_BUSY": "x"},
        {**DRIVER_26, "ASCEND_SIMULATOR_CONTAINER": "1,1"},
        {"ASCEND_SIMULATOR_SLOG": "yes"},
    ],
)
def test_a_setting_that_does_not_exist_ends_the_tool(
    simulator: Simulator, tmp_path: Path, setting: dict[str, str]
) -> None:
    done = simulator.run("npu-smi", "info", cwd=tmp_path, **setting)
    assert (done.returncode, "it must be" in done.stderr or "needs" in done.stderr) == (97, True)


def test_other_words_are_refused(simulator: Simulator, tmp_path: Path) -> None:
    assert simulator.run("npu-smi", "set", cwd=tmp_path).returncode == 255


def test_numpy_is_not_imported(simulator: Simulator, tmp_path: Path) -> None:
    done = simulator.run("npu-smi", "info", cwd=tmp_path, PYTHONPROFILEIMPORTTIME="1")
    assert "enum" in done.stderr
    assert "numpy" not in done.stderr
