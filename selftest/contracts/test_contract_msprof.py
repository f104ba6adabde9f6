"""msprof: an inference tool under the profiler, and the tables of operators that come of it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from selftest.contracts import tiny_model
from selftest.contracts.conftest import MakeOm
from selftest.contracts.host import BENCHMARK, Host

LOOPS = 3
NAMED = ("Op Name", "OP Type", "Task Type", "Task Duration(us)", "Input Shapes", "Input Formats")
COUNTED = ("OP Type", "Count", "Total Time(us)")


@pytest.fixture(scope="module")
def tables(host: Host, om: MakeOm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """Rows by the kind of table, of one OM at batch 2."""
    if shutil.which("msprof", path=host.env["PATH"]) is None:
        pytest.skip("msprof is not on PATH: this toolkit has no profiler")
    folder = tmp_path_factory.mktemp("profile")
    done = host.run("msprof", f"--output={folder}", f"--application={_application(host, om(2), folder)}", cwd=folder)
    assert done.returncode == 0, done.stdout
    found: dict[str, list[dict[str, str]]] = {}
    for kind in ("op_summary", "op_statistic"):
        files = sorted(folder.glob(f"PROF_*/**/{kind}_*.csv"))
        assert files, f"no {kind} below {folder}: {done.stdout}"
        found[kind] = list(csv.DictReader(files[-1].read_text(encoding="utf-8").splitlines()))
    return found


def _application(host: Host, om: Path, folder: Path) -> str:
    if shutil.which(BENCHMARK, path=host.env["PATH"]) is not None:
        return f"{BENCHMARK} -round={LOOPS} -om_path={om} -device_id=0 -batch_size=2"
    output = folder / "out"
    output.mkdir(mode=0o750)
    return f"{host.python} -m ais_bench --model {om} --device 0 --output {output} --loop {LOOPS}"


def test_a_row_for_each_task_with_these_columns(tables: dict[str, list[dict[str, str]]]) -> None:
    for row in tables["op_summary"]:
        assert [word for word in NAMED if word not in row] == []
        duration = row["Task Duration(us)"].strip()
        assert duration == "N/A" or float(duration) >= 0


def test_every_operator_runs_equally_often(tables: dict[str, list[dict[str, str]]]) -> None:
    names = [row["Op Name"] for row in tables["op_summary"]]
    counts = {name: names.count(name) for name in names}
    fewest = min(counts.values())
    assert fewest >= LOOPS
    assert {name: count for name, count in counts.items() if count % fewest} == {}


def test_op_statistic_adds_up_the_rows(tables: dict[str, list[dict[str, str]]]) -> None:
    for row in tables["op_statistic"]:
        assert [word for word in COUNTED if word not in row] == []
    counted = {row["OP Type"]: 0 for row in tables["op_statistic"]}
    for row in tables["op_statistic"]:
        counted[row["OP Type"]] += int(row["Count"])
    kinds = [row["OP Type"] for row in tables["op_summary"]]
    assert counted == {kind: kinds.count(kind) for kind in kinds}


def test_matrix_operators_are_named_after_the_nodes_of_the_onnx_file(
    tables: dict[str, list[dict[str, str]]],
) -> None:
    names = [row["Op Name"] for row in tables["op_summary"]]
    for node in tiny_model.WEIGHTED_NODES:
        assert any(node in name for name in names), names
