"""The simulated msprof: layout and columns of the release, durations that add up, and its own failures."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from selftest.ascend_simulator.conftest import MakeOm, Simulator
from selftest.contracts.host import BENCHMARK

ROUNDS = 4


def profile(simulator: Simulator, om: Path, cwd: Path, fault: str = "", **env: str) -> dict[str, str]:
    """The tables by kind."""
    words = f"{BENCHMARK} -round={ROUNDS} -om_path={om} -device_id=0 -batch_size=2"
    done = simulator.run("msprof", f"--output={cwd}", f"--application={words}", cwd=cwd, fault=fault, **env)
    assert done.returncode == 0, done.stdout
    assert "[SIMULATOR] msprof" in done.stderr
    files = cwd.glob("PROF_*/mindstudio_profiler_output/op_*.csv")
    return {path.name.rpartition("_")[0]: path.read_text() for path in files}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_durations_are_those_of_the_executions(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    found = profile(simulator, om(2), tmp_path)
    tasks, kinds = rows(found["op_summary"]), rows(found["op_statistic"])
    total = sum(float(row["Task Duration(us)"]) for row in tasks)
    assert total == pytest.approx(sum(float(row["Total Time(us)"]) for row in kinds), abs=0.01)
    assert len(tasks) == sum(int(row["Count"]) for row in kinds)
    names = [row["Op Name"] for row in tasks[: len(tasks) // ROUNDS]]
    assert names == ["trans_TransData_0", "convactivation", "PartitionedCall_fc_MatMulV2_2", "trans_Cast_1"]


@pytest.mark.parametrize(("release", "word"), [("7.0", "Block Dim"), ("8.1", "Block Dim"), ("9.1", "Block Num")])
def test_columns_are_called_as_the_release_calls_them(
    simulator: Simulator, om: MakeOm, tmp_path: Path, release: str, word: str
) -> None:
    found = profile(simulator, om(2), tmp_path, ASCEND_SIMULATOR_CANN=release)
    assert {word, f"Mix {word}"} <= set(rows(found["op_summary"])[0])


def test_what_it_does_wrong_when_asked_to(simulator: Simulator, om: MakeOm, tmp_path: Path) -> None:
    found: dict[str, dict[str, str]] = {}
    orders = ("", "msprof:cut-short", "msprof:lost-rows", "msprof:other-om", "msprof:types-alone", "msprof:no-table")
    for number, order in enumerate(orders):
        folder = tmp_path / str(number)
        folder.mkdir()
        found[order] = profile(simulator, om(2), folder, order)
    whole = found[""]["op_summary"]
    assert not found["msprof:cut-short"]["op_summary"].endswith("\n")
    assert len(rows(found["msprof:lost-rows"]["op_summary"])) == len(rows(whole)) - 2
    assert list(found["msprof:lost-rows"]) == ["op_summary"]
    assert list(found["msprof:types-alone"]) == ["op_statistic"]
    assert found["msprof:no-table"] == {}
    assert found["msprof:other-om"]["op_summary"] != whole


def test_words_that_are_wrong_are_refused(simulator: Simulator, tmp_path: Path) -> None:
    assert simulator.run("msprof", "--output=.", "--unheard-of=1", "true", cwd=tmp_path).returncode == 1
    assert simulator.run("msprof", "--output=.", cwd=tmp_path).returncode == 1
    assert simulator.run("msprof", "--output=.", "false", cwd=tmp_path).returncode == 1
    assert simulator.run("msprof", "--export=on", "--output=.", cwd=tmp_path).returncode == 0
