"""Profiles of a bundle are held against the profiler's own tables in it. Whole runs are in selftest/test_profile.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from selftest.evidence.bundles import Made, World
from selftest.evidence.tampering import Forgery, contents_of
from tools.judge import records
from tools.judge.bundle import read_bundle
from tools.judge.op_profile import EXECUTIONS, NodeName, OnnxNames, OperatorProfile, operator_profile
from tools.judge.profile_logs import check_profiles, tables

HERE = "acceptance.json.profiles"
NODES = (NodeName("/c/Conv", "Conv"), NodeName("/r/Relu", "Relu"), NodeName("/g/Gemm", "Gemm"))
TABLE = "op_summary_20260101120000.csv"
BELOW = "logs/profile-bs1/collect/"
HEADER = "Device_id,Model ID,Op Name,OP Type,Task Type,Task Duration(us),Input Shapes,Input Formats\n"
ROWS = (
    '0,1,/c/Conv/r/Relu,Conv2D,AI_CORE,27.0,"1,1,8,8,16",NC1HWC0\n',
    '0,1,/g/Gemm,MatMulV2,AI_CORE,41.0,"1,9216",ND\n',
)
TEXT = HEADER + "".join(ROWS) * EXECUTIONS


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run whose OM was profiled, and others beside the profiler's table."""
    small = World(images=20, batches=(1,), runs=1, stages=("onnx", "om"))
    made = contents_of(Made(small).write(tmp_path_factory.mktemp("profiled") / "bundle"))
    others = {f"{BELOW}stdout.txt": b"said", f"{BELOW}below/{TABLE}": b"", f"logs/profile-bs16/collect/{TABLE}": b""}
    return {**made, **others, f"{BELOW}{TABLE}": TEXT.encode()}


def profile(nodes: tuple[NodeName, ...] = NODES, text: str = TEXT, device: int = 0) -> OperatorProfile:
    """What the table says."""
    return operator_profile({TABLE: text}, nodes, batch=1, device=device)


def problems(contents: dict[str, bytes], *profiles: OperatorProfile, **changes: Any) -> list[str]:  # noqa: ANN401
    """What the judge says of a record with these profiles; `table` takes the place of the kept one."""
    forgery = Forgery(contents)
    forgery.record["profiles"] = [records.plain(entry) for entry in profiles]
    forgery.record["onnx_names"] = records.plain(OnnxNames(NODES))
    if "table" in changes:
        forgery.contents[f"{BELOW}{TABLE}"] = changes.pop("table")
    forgery.record.update(changes)
    bundle = read_bundle("bundle", forgery.sealed())
    check_profiles(bundle)
    return bundle.problems


def handed_in(name: str) -> list[dict[str, object]]:
    """A record of one file that was handed in."""
    return [{"name": name, "file": "mine", "sha256": "0" * 64, "size_bytes": 1, "data": [], "kept": ""}]


def test_a_profile_that_its_table_says_holds(contents: dict[str, bytes]) -> None:
    assert problems(contents, profile()) == []
    assert problems(contents) == []
    assert problems(contents, onnx_names=None) == [], "which nobody rests on"
    assert problems(contents, profile(), onnx=None, machine=None) == [], "parts of other bundles"


def test_only_the_tables_of_the_profiled_run_itself_are_read(contents: dict[str, bytes]) -> None:
    bundle = read_bundle("bundle", Forgery(contents).sealed())
    assert tables(bundle, 1) == {TABLE: TEXT}
    assert tables(bundle, 4) == {}


def test_a_table_with_bytes_that_are_no_text_is_read_all_the_same(contents: dict[str, bytes]) -> None:
    odd = TEXT.replace("AI_CORE", "\N{REPLACEMENT CHARACTER}")
    assert problems(contents, profile(text=odd), table=TEXT.encode().replace(b"AI_CORE", b"\xff")) == []


def test_a_profile_of_another_table_is_named_value_by_value(contents: dict[str, bytes]) -> None:
    slower = replace(profile(), unmeasured=1)
    assert problems(contents, profile(), slower) == [f"{HERE}[1].unmeasured: 1 recorded, 0 recomputed"]
    (said,) = problems(contents, profile(), table=TEXT[:-20].encode())
    assert said.startswith(f"{HERE}[0]: ")
    (said,) = problems(contents, replace(profile(), batch=4))
    assert said.startswith(f"{HERE}[0]: ")
    assert "wrote neither op_summary_*.csv nor op_statistic_*.csv" in said


def test_a_profile_without_the_names_that_it_rests_on_is_a_problem(contents: dict[str, bytes]) -> None:
    assert problems(contents, profile(), onnx_names=None) == [
        f"acceptance.json.onnx_names is missing: {HERE}[0] rests on it"
    ]


OTHER = "acceptance.json.onnx_names: other operators than those of the ONNX file"


def test_the_names_are_those_of_the_onnx_file(contents: dict[str, bytes]) -> None:
    more = (*NODES, NodeName("", "Relu"))
    assert problems(contents, profile(more), onnx_names=records.plain(OnnxNames(more))) == [OTHER]
    swapped = (NODES[1], NODES[0], NODES[2])
    assert problems(contents, profile(swapped), onnx_names=records.plain(OnnxNames(swapped))) == [OTHER]
    both = {"onnx_names": records.plain(OnnxNames(more)), "handed_in": handed_in("om_bs1")}
    assert problems(contents, profile(more), **both) == [OTHER]


def test_names_are_unknown_only_of_oms_that_were_handed_in(contents: dict[str, bytes]) -> None:
    none = {"onnx_names": records.plain(OnnxNames(()))}
    assert problems(contents, profile(()), **none) == [OTHER]
    assert problems(contents, profile(()), **none, handed_in=handed_in("onnx")) == [OTHER]
    assert problems(contents, profile(()), **none, handed_in=handed_in("om_bs1")) == []


def test_the_device_is_one_of_the_machines(contents: dict[str, bytes]) -> None:
    assert problems(contents, profile(device=3)) == [f"{HERE}[0].device: device 3 is none of the machine's"]
