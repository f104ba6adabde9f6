"""All table layouts give the same kind of chips; an unreadable or absent table is an error and never an idle device."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftest.ascend.table_maker import Layout, machines, table
from tools.ascend.npu_smi import query, query_map, watch
from tools.base import process
from tools.base.process import Completed
from tools.judge.device_numbers import Numbering, Seat
from tools.judge.npu_smi import (
    MAP,
    MOST_LAGGING,
    UNKNOWN,
    Chip,
    NpuSmiError,
    Process,
    busy_over,
    busy_reasons,
    chip_of,
    idle_memory_mb,
    parse_info,
)

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
        ("a3", [(3, 0, 0), (3, 1, 1)], "Ascend910", 50242),
        ("310b1_idle", [(0, 0, 0)], "310B1", 4974),
        ("910b4-1_idle", [(0, 0, 0)], "910B4-1", 2880),
        ("a3_container_phy5_6", [(2, 1, 0), (3, 0, 1)], "Ascend910", 3131),
        ("driver26_910b3_idle", [(0, 0, 0)], "910B3", 3390),
        ("950", [(0, 0, 0), (1, 0, 1)], "Ascend950PR", 14541),
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


def test_a_board_in_alarm_is_read_and_its_health_is_the_only_reason() -> None:
    """A 310B holds memory that it shares with the host, and all of its huge pages: neither is work."""
    (chip,) = parse_info(_table("310b4_alarm"))
    assert (chip.name, chip.health, chip.memory_used_mb, chip.memory_total_mb) == ("310B4", "Alarm", 1508, 7545)
    assert busy_reasons(chip) == ("its health is Alarm",)


def test_no_process_table_is_not_no_process() -> None:
    assert parse_info(IDLE)[0].processes is None
    first, second = parse_info(_table("910b"))
    assert first.processes == ()
    assert second.processes == (Process(1333928, "", 37709),)
    free, taken = parse_info(_table("duo"))
    assert free.processes == ()
    assert taken.processes == (Process(4711, "python3", 36200),)


def test_the_hosts_number_of_a_chip_is_neither_its_device_nor_its_npu_id() -> None:
    assert [(chip.device, chip.physical) for chip in parse_info(_table("a3_container_phy5_6"))] == [(0, 5), (1, 6)]


def test_a_busy_neighbour_and_a_column_more_leave_a_chip_free() -> None:
    taken, free = parse_info(_table("driver26_910b3_busy"))
    assert busy_reasons(taken) == ("process 48213 python3.11 holds 4120 MB",)
    assert (free.processes, busy_reasons(free)) == ((), ())
    free, taken = parse_info(_table("950"))
    assert busy_reasons(free) == ()
    assert busy_reasons(taken) == ("process 4711 python3.11 holds 10240 MB", "AI core at 12 %")


@settings(max_examples=200, deadline=None)
@given(machines())
def test_the_next_drivers_layout_is_likely_to_be_read(machine: tuple[Layout, tuple[Chip, ...]]) -> None:
    layout, chips = machine
    assert parse_info(table(layout, chips)) == chips


@pytest.mark.parametrize(
    "name", ["310", "310p3", "duo", "910b", "a3", "310b1_idle", "910b4-1_idle", "driver26_910b3_idle", "950"]
)
def test_an_idle_chip_has_no_reason(name: str) -> None:
    assert busy_reasons(parse_info(_table(name))[0]) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"processes": (Process(7, "python3", 900),)}, "process 7 python3 holds 900 MB"),
        ({"processes": (Process(7, "", 900),)}, "process 7 holds 900 MB"),
        ({"aicore_percent": 1}, "AI core at 1 %"),
    ],
)
def test_each_sign_of_work_makes_a_chip_busy(change: dict[str, object], reason: str) -> None:
    assert busy_reasons(replace(parse_info(IDLE)[0], **change)) == (reason,)  # type: ignore[arg-type]


def test_all_signs_of_work_are_told() -> None:
    chip = replace(parse_info(IDLE)[0], processes=(Process(7, "a", 1), Process(8, "b", 2)), aicore_percent=87)
    reasons = ("process 7 a holds 1 MB", "process 8 b holds 2 MB", "AI core at 87 %")
    assert busy_reasons(chip) == reasons
    assert busy_reasons(replace(chip, health="Alarm")) == ("its health is Alarm", *reasons)


def test_memory_is_held_against_what_this_very_chip_held_when_it_was_idle() -> None:
    """A cousin's figure says nothing: a 310B shares its memory with the host, and a 310's would call it busy."""
    idle, other = parse_info(IDLE)
    assert idle_memory_mb((idle, replace(other, aicore_percent=3))) == {idle.device: 1074}
    more = replace(idle, memory_used_mb=1074 + 512)
    assert busy_reasons(more, 1074) == ()
    most = "1587 MB of 21534 MB in use, idle is at most 1586 MB"
    assert busy_reasons(replace(more, memory_used_mb=1587), 1074) == (most,)
    assert busy_reasons(replace(more, memory_used_mb=21534)) == ()


def unreadable(line: int, cells: str) -> str:
    """The message about a line of the table."""
    return f"line {line} of the npu-smi table cannot be read: {cells}"


BUS, LOAD = "0000:82:00.0", "0            1074 / 21534"
FIRST = "0       310P3 | OK | 15.8         42                0    / 0"
DAMAGES = {
    "nothing": ("", "npu-smi printed nothing"),
    "white space": (" \n \n", "npu-smi printed nothing"),
    "no table": ("npu-smi: command failed\n", "npu-smi printed no table of chips"),
    "header only": ("\n".join(IDLE.splitlines()[:4]), "npu-smi printed no table of chips"),
    "cut after the first row": (
        "\n".join(IDLE.splitlines()[:5]),
        "the npu-smi table is cut short after the first row of NPU 0",
    ),
    "no header": ("\n".join(IDLE.splitlines()[4:]), "npu-smi printed no table of chips"),
    "no load": (
        IDLE.replace("| 0            1074", "| NA           1074"),
        unreadable(6, f"0       0 | {BUS} | NA           1074 / 21534"),
    ),
    "no memory": (IDLE.replace("1074 / 21534", "           "), unreadable(6, f"0       0 | {BUS} | 0")),
    "no health cell": (
        IDLE.replace("| OK              |", "|", 1),
        unreadable(5, FIRST.replace("OK | ", "")),
    ),
    "a name of two words": (IDLE.replace("310P3 ", "310 P3", 1), unreadable(5, FIRST.replace("310P3", "310 P3"))),
    "an NPU without number": (
        IDLE.replace("| 0       310P3", "| -       310P3"),
        unreadable(5, f"-{FIRST[1:]}"),
    ),
    "no device in its column": (
        IDLE.replace("| 0       0  ", "| 0          ", 1),
        unreadable(6, f"0 | {BUS} | {LOAD}"),
    ),
    "no bar at the end of a row": (
        IDLE.replace("1074 / 21534                            |", "1074 / 21534"),
        unreadable(6, f"0       0 | {BUS} | {LOAD}"),
    ),
    "a chip without number": (
        IDLE.replace("| 0       0         |", "| x       0         |"),
        unreadable(6, f"x       0 | {BUS} | {LOAD}"),
    ),
    "memory in use of 13 digits": (
        IDLE.replace("1074 / 21534", "1000000000000 / 21534"),
        unreadable(6, f"0       0 | {BUS} | 0            1000000000000 / 21534"),
    ),
    "memory of 13 digits": (
        IDLE.replace("1074 / 21534", "1074 / 1000000000000"),
        unreadable(6, f"0       0 | {BUS} | 0            1074 / 1000000000000"),
    ),
    "process on an NPU without number": (
        _table("duo").replace("| 2       1                     | 4711", "| x 1 | 4711"),
        unreadable(16, "x 1 | 4711 | python3 | 36200"),
    ),
    "process on a chip without number": (
        _table("duo").replace("| 2       1                     | 4711", "| 2 x | 4711"),
        unreadable(16, "2 x | 4711 | python3 | 36200"),
    ),
    "a device number of 13 digits": (
        IDLE.replace("| 0       0         |", "| 0       1000000000000 |"),
        unreadable(6, f"0       1000000000000 | {BUS} | {LOAD}"),
    ),
    "a device number in other digits": (
        IDLE.replace("| 0       0  ", "| 0       \u0663  ", 1),
        unreadable(6, f"0       \u0663 | {BUS} | {LOAD}"),
    ),
    "a chip twice": (
        IDLE.replace("| 0       1         ", "| 0       0         "),
        "npu-smi lists a chip twice: devices [0, 0]",
    ),
    "a chip under two device numbers": (
        IDLE.replace("| 32      310P3", "| 0       310P3"),
        "npu-smi lists a chip twice: devices [0, 1]",
    ),
    "process of no chip": (
        _table("duo").replace("| 2       1                     | 4711", "| 5 1 | 4711"),
        "npu-smi lists a process on NPU 5 chip 1, which is not listed",
    ),
    "process of no chip of a listed NPU": (
        _table("duo").replace("| 2       1                     | 4711", "| 2 7 | 4711"),
        "npu-smi lists a process on NPU 2 chip 7, which is not listed",
    ),
    "process row cut": (
        _table("duo").replace("| 36200                     |", "|"),
        unreadable(16, "2       1 | 4711 | python3"),
    ),
    "process row cut short": (
        _table("duo").replace("| 36200                     |", "| 362"),
        unreadable(16, "2       1 | 4711 | python3 | 362"),
    ),
    "process row cut short in its first cell": (
        _table("duo")[: _table("duo").index("| 4711 ")].rstrip(),
        unreadable(16, "2       1"),
    ),
    "process row cut of no chip": (
        _table("duo").replace("| 2       1                     | 4711", "| 5 1 | 47").replace("| 36200 ", "")[:-80],
        unreadable(16, "5 1 | 47 | python3"),
    ),
    "a process row without an NPU": (
        _table("duo").replace("| 2       1                     | 4711", "|  | 4711"),
        unreadable(16, "| 4711 | python3 | 36200"),
    ),
    "a row after the processes that is a bar": (f"{_table('duo')}|\n", unreadable(18, "")),
    "process without its chip": (
        _table("duo").replace("| 2       1                     | 4711", "| 2 | 4711"),
        unreadable(16, "2 | 4711 | python3 | 36200"),
    ),
    "a line of 300 characters": (
        IDLE.replace("| OK ", f"| {'x' * 300} | ", 1),
        unreadable(5, f"0       310P3 | {'x' * 184}"),
    ),
    "-8005": (
        "dcmi module initialize failed. ret is -8005\n",
        "npu-smi could not open the device: ret is -8005. "
        "Another container most likely holds the device: end it, or hand this container its own device",
    ),
    "-8020": (
        "dcmi model initialized failed, because the device is used. ret is -8020\nDrvMngGetConsoleLogLevel failed\n",
        "npu-smi could not open the device: ret is -8020. "
        "Another container most likely holds the device: end it, or hand this container its own device",
    ),
    "other code": (
        "dcmi module initialize failed. ret is -8001\n",
        "npu-smi could not start: dcmi module initialize failed. ret is -8001",
    ),
    "other code, spelled otherwise": (
        f"dcmi model initialized failed. {'y' * 600}",
        f"npu-smi could not start: dcmi model initialized failed. {'y' * 469}",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_refused_by_name(damage: str) -> None:
    text, named = DAMAGES[damage]
    with pytest.raises(NpuSmiError) as caught:
        every_chip(text)
    said = re.sub("^npu-smi info: device -?[0-9]+: ", "", str(caught.value))
    assert said == " ".join(named.split())  # a row of the table is told on one line, its gaps closed


def every_chip(text: str) -> None:
    """Use each chip of a table."""
    for chip in parse_info(text):
        chip_of((chip,), chip.device)


def test_a_row_that_cannot_be_read_is_its_chips_trouble_alone() -> None:
    spoilt, whole = parse_info(IDLE.replace("| 0            1074", "| NA           NA  "))
    said = "line 6 of the npu-smi table cannot be read: 0       0 | 0000:82:00.0 | NA           NA   / 21534"
    assert spoilt == Chip(0, 0, 0, "310P3", "", 0, 0, 0, None, None, said)
    assert (spoilt.bus_id, whole.bus_id) == ("", "0000:89:00.0")
    assert chip_of((spoilt, whole), 1) == parse_info(IDLE)[1]
    with pytest.raises(NpuSmiError, match="npu-smi info: device 0: line 6 of the npu-smi table cannot be read"):
        chip_of((spoilt, whole), 0)


def test_what_can_be_read_of_a_chip_in_trouble_is_known() -> None:
    """Its number is its place in the table where there is no Device column, and unknown where its cell says none."""
    ((npu, chip_id, device, name), neighbour), trouble = numbers(
        IDLE.replace("| 0       0         |", "| 0       x         |")
    )
    assert (npu, chip_id, device, name, neighbour) == (0, 0, UNKNOWN, "310P3", (32, 0, 1, "310P3"))
    assert "line 6" in trouble
    unread, (*_, device, name) = numbers(_table("910b").replace("| 91.0 ", "| "))[0]
    assert (unread, device, name) == ((UNKNOWN, 0, 0, ""), 1, "910B3")
    assert numbers(_table("a3_container_phy5_6").replace("| 1     5 ", "| x     5 "))[0][0] == (
        2,
        UNKNOWN,
        0,
        "Ascend910",
    )
    one_more = IDLE.replace("0    / 0              |", "0    / 0 | 9 |", 1)
    assert numbers(one_more)[0][0] == (UNKNOWN, 0, 0, "")


def numbers(text: str) -> tuple[list[tuple[int, int, int, str]], str]:
    """NPU, chip, device and name of each chip of a table, and what is in trouble."""
    chips = parse_info(text)
    known = [(chip.npu_id, chip.chip_id, chip.device, chip.name) for chip in chips]
    return known, "; ".join(chip.trouble for chip in chips if chip.trouble)


def test_a_table_without_a_health_column_shows_no_chip_that_can_be_used() -> None:
    assert all(chip.trouble for chip in parse_info(IDLE.replace("| Health ", "| State  ")))


def test_a_process_that_cannot_be_read_is_its_npus_trouble_alone() -> None:
    for cut in ("| 2       0                 | 1333928", "| 2 | 1333928 | ", "|2|13"):
        free, taken = parse_info(_table("910b").partition("| 2       0                 | 1333928")[0] + cut)
        assert (free.trouble, free.processes, busy_reasons(free)) == ("", (), ())
        assert taken.trouble.startswith("line 18 of the npu-smi table cannot be read: 2")


def test_devices_that_cannot_be_read_are_told_where_one_is_not_found() -> None:
    unnumbered = re.sub(r"\| 0       [01]         \|", "| 0       x         |", IDLE)
    with pytest.raises(NpuSmiError) as caught:
        chip_of(parse_info(unnumbered), 0)
    said = "; ".join(
        f"line {line} of the npu-smi table cannot be read: 0 x | {bus} | 0 {used} / 21534"
        for line, bus, used in ((6, BUS, 1074), (9, "0000:89:00.0", 1070))
    )
    assert str(caught.value).startswith(f"npu-smi info: no such device; {said}; found 0; allowed [")


def test_a_process_whose_cells_say_na_holds_its_chip() -> None:
    text = _table("duo").replace("| 4711 ", "| NA   ").replace("36200 ", "NA    ")
    assert busy_reasons(parse_info(text)[1])[0] == "process NA python3 holds NA MB"


def test_a_device_number_of_12_digits_is_one() -> None:
    assert parse_info(IDLE.replace("| 0       0         |", "| 0       100000000000 |"))[0].device == 100_000_000_000


def test_the_table_may_be_indented_and_end_its_lines_by_carriage_return() -> None:
    assert parse_info("\r".join(f"  {line} " for line in IDLE.splitlines())) == parse_info(IDLE)


def test_rows_may_be_tight_and_headers_short() -> None:
    tight = "\n".join(re.sub(r" *\| *", "|", line) for line in IDLE.splitlines())
    assert parse_info(tight) == parse_info(IDLE)
    assert parse_info(f"| NPU |\n{IDLE}") == parse_info(IDLE)
    header = "| Process id      | Process name             | Process memory(MB)        |"
    assert header in _table("duo")
    assert parse_info(_table("duo").replace(header, "| Process id |"))[1].processes == (Process(4711, "", None),)


def test_a_process_of_one_chip_says_that_the_npus_other_chip_is_free() -> None:
    free, taken = parse_info(_table("duo"))
    assert (free.npu_id, free.processes) == (taken.npu_id, ())


def test_several_processes_of_a_chip_are_all_kept() -> None:
    row = "| 2       1                     | 4712            | tensor                   | 9                         |\n"
    text = _table("duo").rstrip("\n").rpartition("\n")[0] + "\n" + row
    assert parse_info(text)[1].processes == (Process(4711, "python3", 36200), Process(4712, "tensor", 9))


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
    assert query(env, tmp_path / "deep" / "logs") == parse_info(_table("duo"))
    assert (tmp_path / "deep" / "logs" / "command.txt").read_text().endswith("\nnpu-smi\ninfo\n")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (
            "echo dcmi failed. ret is -8005 >&2; exit 1",
            "npu-smi could not open the device: ret is -8005. "
            "Another container most likely holds the device: end it, or hand this container its own device",
        ),
        ("echo broken; exit 3", "LOGS: `npu-smi info` ended with exit code 3: broken"),
        ("exit 0", "npu-smi printed nothing"),
        ("echo so far; exec sleep 60", "LOGS: `npu-smi info` did not end within 0.5 s: so far"),
    ],
)
def test_a_failing_npu_smi_is_named(tmp_path: Path, body: str, named: str) -> None:
    logs = tmp_path / "logs"
    with pytest.raises(NpuSmiError) as caught:
        query(_stub(tmp_path / "bin", body), logs, timeout_seconds=0.5 if "sleep" in body else 30)
    assert str(caught.value).replace(str(logs), "LOGS") == named


def test_npu_smi_absent_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NpuSmiError) as caught:
        query({"PATH": str(tmp_path)}, tmp_path / "logs")
    assert str(caught.value) == ("`npu-smi` is not on PATH. Install the Ascend driver, or add /usr/local/sbin to PATH")


def test_npu_smi_that_floods_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MOST_STREAM_BYTES", 3)
    with pytest.raises(
        NpuSmiError, match="logs: `npu-smi info` cannot be run: the file is too large: 5 bytes, at most 3 are read"
    ):
        query(_stub(tmp_path / "bin", "echo 1234"), tmp_path / "logs")


@pytest.mark.parametrize(
    ("body", "seconds", "said"),
    [
        ('test "$1 $2" = "info -m" && echo listed', 30, "listed\n"),
        ("echo half of it; exit 1", 30, ""),
        ("echo half of it; exec sleep 60", 0.5, ""),
    ],
)
def test_the_map_of_the_chips_is_what_npu_smi_says_of_it_or_nothing(
    body: str, seconds: float, said: str, tmp_path: Path
) -> None:
    logs = tmp_path / "deep" / "logs"
    assert query_map(_stub(tmp_path / "bin", body), logs, timeout_seconds=seconds) == said
    assert (logs / "command.txt").read_text().endswith("\nnpu-smi\ninfo\n-m\n")


@pytest.mark.parametrize(("ended", "timed_out", "said"), [(0, False, "listed"), (1, False, ""), (0, True, "")])
def test_the_map_has_a_minute_too(
    ended: int, timed_out: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(argv: tuple[str, ...], *, timeout_seconds: float, env: dict[str, str], **_: Path) -> Completed:
        assert (argv, env, timeout_seconds) == (MAP, {"A": "b"}, 60.0)
        return Completed(argv, ended, "listed", "", timeout_seconds, timed_out=timed_out)

    monkeypatch.setattr("tools.base.process.run", answered)
    assert query_map({"A": "b"}, tmp_path) == said


def test_npu_smi_gets_a_minute_to_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hung(argv: tuple[str, ...], *, cwd: Path, logs: Path, timeout_seconds: float, env: dict[str, str]) -> Completed:
        assert (argv, cwd, logs, env) == (("npu-smi", "info"), tmp_path, tmp_path, {"A": "b"})
        return Completed(argv, -15, "", "", timeout_seconds, timed_out=True)

    monkeypatch.setattr("tools.base.process.run", hung)
    with pytest.raises(NpuSmiError, match=r"did not end within 60 s:$"):
        query({"A": "b"}, tmp_path)


def test_watch_takes_three_samples_a_second_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sample has logs of its own, and a reason that is seen again is told once."""
    steps: list[object] = []
    busy = parse_info(IDLE.replace("| 0            1074", "| 55           1074"))

    def sampled(env: dict[str, str], logs: Path) -> tuple[Chip, ...]:
        assert env == {"A": "b"}
        steps.append(logs.name)
        return busy

    monkeypatch.setattr("tools.ascend.npu_smi.query", sampled)
    monkeypatch.setattr("time.sleep", steps.append)
    assert watch({"A": "b"}, tmp_path, [0]) == {0: ("AI core at 55 %",)}
    assert steps == ["sample0", 1.0, "sample1", 1.0, "sample2"]


def test_where_the_figure_lags_throughout_the_last_table_counts() -> None:
    tables = [parse_info(IDLE.replace("| 0            1074", f"| {load}           1074")) for load in (87, 70, 55)]
    assert busy_over(tables, 0, lagging=5) == ("AI core at 55 %",)
    assert busy_over(tables[:1], 0, lagging=5) == ("AI core at 87 %",)


WORKS = IDLE.replace("| 0            1074", "| 87           1074")
HELD = WORKS.replace("1074 / 21534", "9074 / 21534")
ANOTHER = ("AI core at 87 %", "9074 MB of 21534 MB in use, idle is at most 1586 MB")


@pytest.mark.parametrize(
    ("tables", "reasons", "taken"),
    [
        ([IDLE], (), 3),
        ([WORKS, IDLE], (), 4),
        ([WORKS] * 5 + [IDLE], (), 5 + 3),
        ([WORKS] * 6 + [IDLE], ("AI core at 87 %",), 5 + 3),
        ([WORKS], ("AI core at 87 %",), 5 + 3),
        ([WORKS, IDLE, WORKS, IDLE], ("AI core at 87 %",), 4),
        ([IDLE, WORKS, IDLE], ("AI core at 87 %",), 3),
        ([HELD, IDLE], ANOTHER, 3),
        ([WORKS, HELD, IDLE], ANOTHER, 4),
    ],
)
def test_after_a_run_of_its_own_the_figure_may_lag_and_no_more(
    tables: list[str], reasons: tuple[str, ...], taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last table stands for all that follow; the second device is idle throughout."""
    asked: list[str] = []

    def sampled(env: dict[str, str], logs: Path) -> tuple[Chip, ...]:
        asked.append(logs.name)
        return parse_info(tables[min(len(asked), len(tables)) - 1])

    monkeypatch.setattr("tools.ascend.npu_smi.query", sampled)
    idle = idle_memory_mb(parse_info(IDLE))
    found = watch({}, tmp_path, [0, 1], lagging=MOST_LAGGING, idle_memory_mb=idle, pause_seconds=0)
    assert found == {0: reasons, 1: ()}
    assert asked == [f"sample{number}" for number in range(taken)]


def test_a_load_that_was_there_before_the_run_does_not_lag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [WORKS, IDLE, IDLE]
    monkeypatch.setattr("tools.ascend.npu_smi.query", lambda env, logs: parse_info(tables.pop(0)))
    assert watch({}, tmp_path, [0], pause_seconds=0) == {0: ("AI core at 87 %",)}
    assert tables == []


def test_devices_are_numbered_as_the_tools_number_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first device of the tools is the second chip of the table, which works."""
    busy = parse_info(IDLE.replace("| 0            1070", "| 55           1070"))
    assert [chip.aicore_percent for chip in busy] == [0, 55]
    numbering = Numbering({0: Seat(busy[1].npu_id, busy[1].chip_id, 1, None)})
    monkeypatch.setattr("tools.ascend.npu_smi.query", lambda env, logs: busy)
    assert watch({}, tmp_path, [0], numbering=numbering, pause_seconds=0) == {0: ("AI core at 55 %",)}
    with pytest.raises(NpuSmiError, match=r"no such device; found 1; allowed \[0\]"):
        watch({}, tmp_path, [0, 1], numbering=numbering, pause_seconds=0)


def test_no_device_is_watched_by_so_many_tables_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def sampled(env: dict[str, str], logs: Path) -> tuple[Chip, ...]:
        asked.append(logs.name)
        return parse_info(IDLE)

    monkeypatch.setattr("tools.ascend.npu_smi.query", sampled)
    assert watch({}, tmp_path, [], samples=2, pause_seconds=0) == {}
    assert asked == ["sample0", "sample1"]


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
    with pytest.raises(NpuSmiError, match=r"npu-smi info: no such device; found 9; allowed \[0, 1\]. Name devices"):
        chip_of(parse_info(IDLE), 9)
    with pytest.raises(NpuSmiError, match=r"^npu-smi info: no such device; found 9; allowed \[0, 1\]\."):
        chip_of(parse_info(IDLE.replace("1074 / 21534", "NA")), 9)


def test_the_question_for_the_chips_numbers_is_npu_smis_own() -> None:
    assert MAP == ("npu-smi", "info", "-m")
