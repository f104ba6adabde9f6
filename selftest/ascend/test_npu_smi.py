"""All table layouts give the same kind of chips; an unreadable or absent table is an error and never an idle device."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.ascend.npu_smi import NpuSmiError, Process, busy_reasons, chip_of, parse_info, query, watch

TRANSCRIPTS = Path(__file__).parent / "transcripts"
IDLE = (TRANSCRIPTS / "npu_smi_310p3.txt").read_text()


def _table(name: str) -> str:
    return (TRANSCRIPTS / f"npu_smi_{name}.txt").read_text()


@pytest.mark.parametrize(
    ("name", "ids", "chip", "used"),
    [
        ("310", [(1, 0, 0), (1, 1, 1), (1, 2, 2), (1, 3, 3)], "310", 4890),
        ("310p3", [(0, 0, 0), (32, 0, 1)], "310P3", 1070),
        ("duo", [(2, 0, 0), (2, 1, 1)], "310P3", 37623),
        ("910b", [(0, 0, 0), (2, 0, 1)], "910B3", 41120),
        ("a3", [(3, 0, 6), (3, 1, 7)], "Ascend910", 50242),
    ],
)
def test_every_layout(name: str, ids: list[tuple[int, int, int]], chip: str, used: int) -> None:
    chips = parse_info(_table(name))
    assert [(found.npu_id, found.chip_id, found.device) for found in chips] == ids
    assert chips[-1].name == chip
    assert chips[-1].memory_used_mb == used


def test_health_and_load_of_each_chip() -> None:
    chips = parse_info(_table("310"))
    assert [chip.healthy for chip in chips] == [True, True, True, False]
    assert [chip.aicore_percent for chip in chips] == [0, 0, 0, 87]
    assert chips[0].memory_total_mb == 8192


def test_no_process_table_is_not_no_process() -> None:
    assert parse_info(IDLE)[0].processes is None
    first, second = parse_info(_table("910b"))
    assert first.processes == ()
    assert second.processes == (Process(1333928, "", 37709),)
    free, taken = parse_info(_table("duo"))
    assert free.processes == ()
    assert taken.processes == (Process(4711, "python3", 36200),)


@pytest.mark.parametrize("name", ["310", "310p3", "duo", "910b", "a3"])
def test_an_idle_chip_has_no_reason(name: str) -> None:
    assert busy_reasons(parse_info(_table(name))[0]) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"processes": (Process(7, "python3", 900),)}, "process 7 python3 holds 900 MB"),
        ({"aicore_percent": 1}, "AI core at 1 %"),
        ({"memory_used_mb": 2300}, "idle is at most 2155 MB"),
        ({"name": "999", "memory_used_mb": 8000}, "idle is at most 7106 MB"),
    ],
)
def test_each_sign_of_work_makes_a_chip_busy(change: dict[str, object], reason: str) -> None:
    (found,) = busy_reasons(replace(parse_info(IDLE)[0], **change))  # type: ignore[arg-type]
    assert reason in found


DAMAGES = {
    "nothing": ("", "printed nothing"),
    "no table": ("npu-smi: command failed\n", "no table of chips"),
    "header only": ("\n".join(IDLE.splitlines()[:4]), "no table of chips"),
    "cut after the first row": ("\n".join(IDLE.splitlines()[:5]), "cut short after the first row of NPU 0"),
    "no header": ("\n".join(IDLE.splitlines()[4:]), "no table of chips"),
    "no load": (IDLE.replace("| 0            1074", "| NA           1074"), "line 6"),
    "no memory": (IDLE.replace("1074 / 21534", "           "), "line 6"),
    "no health cell": (IDLE.replace("| OK              |", "|", 1), "line 5"),
    "a chip twice": (IDLE.replace("| 0       1         ", "| 0       0         "), "twice"),
    "process of no chip": (_table("duo").replace("| 2       1                     | 4711", "| 5 1 | 4711"), "NPU 5"),
    "process row cut": (_table("duo").replace("| 36200                     |", "|"), "line 16"),
    "-8005": ("dcmi module initialize failed. ret is -8005\n", "ret is -8005"),
    "-8020": (
        "dcmi model initialized failed, because the device is used. ret is -8020\nDrvMngGetConsoleLogLevel failed\n",
        "nother container",
    ),
    "other code": ("dcmi module initialize failed. ret is -8001\n", "could not start"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_refused_by_name(damage: str) -> None:
    text, named = DAMAGES[damage]
    with pytest.raises(NpuSmiError, match=named):
        parse_info(text)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(st.sampled_from([*IDLE.splitlines(), "| NPU Chip | Process id | a | b |", "| 0 |", "||"])).map(
            "\n".join
        ),
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        chips = parse_info(text)
    except NpuSmiError:
        return
    assert chips


def _stub(folder: Path, body: str) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    program = folder / "npu-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_query_runs_npu_smi_info(tmp_path: Path) -> None:
    env = _stub(tmp_path / "bin", f'test "$1" = info && cat {TRANSCRIPTS / "npu_smi_duo.txt"}')
    assert len(query(env, tmp_path / "logs")) == 2


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("echo dcmi failed. ret is -8005 >&2; exit 1", "ret is -8005"),
        ("echo broken; exit 3", "exit code 3"),
        ("exit 0", "printed nothing"),
        ("exec sleep 60", "did not end within"),
    ],
)
def test_a_failing_npu_smi_is_named(tmp_path: Path, body: str, named: str) -> None:
    with pytest.raises(NpuSmiError, match=named):
        query(_stub(tmp_path / "bin", body), tmp_path / "logs", timeout_seconds=0.5 if "sleep" in body else 30)


def test_npu_smi_absent_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NpuSmiError, match=r"not on PATH.*nstall the Ascend driver"):
        query({"PATH": str(tmp_path)}, tmp_path / "logs")


def test_watch_finds_work_in_any_sample(tmp_path: Path) -> None:
    """The stub shows an idle table first and a working AI core from the second call on."""
    busy = tmp_path / "busy.txt"
    busy.write_text(IDLE.replace("| 0            1074", "| 55           1074"))
    idle = TRANSCRIPTS / "npu_smi_310p3.txt"
    env = _stub(
        tmp_path / "bin", f"if [ -e {tmp_path}/seen ]; then cat {busy}; else touch {tmp_path}/seen; cat {idle}; fi"
    )
    assert watch(env, tmp_path / "logs", [0, 1], pause_seconds=0) == {0: ("AI core at 55 %",), 1: ()}


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(NpuSmiError, match=r"no such device; found 9; allowed \[0, 1\]"):
        chip_of(parse_info(IDLE), 9)
