"""The profiler's tables, field by field: what is read of them, which of several count, and each way to be refused.
What follows from them for an OM is in selftest/ascend/test_op_summary.py."""

from __future__ import annotations

import math

import pytest

from tools.judge.texts.op_summary import TABLE, ProfileTextError, Task, read_tables

SUMMARY, STATISTIC = "op_summary_1.csv", "op_statistic_1.csv"
HEAD = "Device_id,Model ID,Op Name,OP Type,Task Type,Task Duration(us),Input Shapes,Input Formats\n"
ROW = '0,1,/c/Conv,Conv2D,AI_CORE,27.5,"4,3",NCHW\n'
TOTALS = "OP Type,Core Type,Count,Total Time(us)\n"
TOTAL = "Conv2D,AI_CORE,1,27.50\n"


def refusal(**files: str) -> str:
    """What is said of tables that are refused; `summary` and `statistic` stand for one file of each."""
    names = {"summary": SUMMARY, "statistic": STATISTIC}
    with pytest.raises(ProfileTextError) as caught:
        read_tables({names.get(name, name): text for name, text in files.items()})
    return str(caught.value)


def test_every_field_of_a_row_is_read() -> None:
    found = read_tables({SUMMARY: HEAD + ROW})
    assert found.tasks == (Task("/c/Conv", "Conv2D", "AI_CORE", 1, 0, 27.5, "4,3", "NCHW"),)
    assert (found.source, found.files, found.iterations) == ("op_summary", (SUMMARY,), None)
    assert found.rounding_us == {"Conv2D": 0.05}


def test_tasks_of_one_operator_are_added_and_its_type_tells_it_from_others() -> None:
    rows = [ROW, ROW.replace("27.5", "2.25"), ROW.replace("27.5", "N/A"), ROW.replace("Conv2D", "Cast")]
    first, second = read_tables({SUMMARY: HEAD + "".join(rows)}).tasks
    assert (first.kind, first.count, first.unmeasured, first.total_us) == ("Conv2D", 3, 1, 29.75)
    assert (second.kind, second.count, second.unmeasured, second.total_us) == ("Cast", 1, 0, 27.5)
    assert read_tables({SUMMARY: HEAD + rows[0] + rows[1]}).rounding_us == {"Conv2D": 0.055}
    assert read_tables({SUMMARY: HEAD + rows[0] + rows[2]}).rounding_us == {"Conv2D": math.inf}


def test_columns_that_releases_leave_out_are_empty() -> None:
    found = read_tables({SUMMARY: "OP Type,Op Name,Task Duration(us)\nConv2D,/c,1\n"})
    assert found.tasks == (Task("/c", "Conv2D", "", 1, 0, 1.0, "", ""),)
    found = read_tables({STATISTIC: "OP Type,Count,Total Time(us)\nConv2D,2,1\n"})
    assert found.tasks == (Task("", "Conv2D", "", 2, 0, 1.0, "", ""),)


@pytest.mark.parametrize("said", ["N/A", "NA", ""])
def test_what_is_not_said_is_empty(said: str) -> None:
    row = f"0,1,/c/Conv,Conv2D,AI_CORE,27.5,{said},{said}\n"
    (task,) = read_tables({SUMMARY: HEAD + row}).tasks
    assert (task.shapes, task.formats) == ("", "")
    second = ROW.replace("27.5", said)
    assert read_tables({SUMMARY: HEAD + ROW + second}).tasks[0].unmeasured == 1


def test_tabs_quotes_blanks_and_a_byte_order_mark_are_no_part_of_a_field() -> None:
    row = '0\t, 1 ,"/c/Conv\t",""" Conv2D ""","AI\tCORE",27.5\t,"""4,3""", NCHW\n\n'
    (task,) = read_tables({SUMMARY: "\ufeff" + HEAD + row}).tasks
    assert task == Task("/c/Conv", "Conv2D", "AI CORE", 1, 0, 27.5, "4,3", "NCHW")
    (task,) = read_tables({SUMMARY: (HEAD + ROW).replace("\n", "\r\n")}).tasks
    assert (task.name, task.formats) == ("/c/Conv", "NCHW")


def test_ends_of_lines_letters_and_marks_are_kept_where_they_are_a_fields_own() -> None:
    (task,) = read_tables({SUMMARY: "\ufeffOP Type,Op Name,Task Duration(us)\nXX,X/c/X,1\n"}).tasks
    assert (task.kind, task.name) == ("XX", "X/c/X")
    (task,) = read_tables({SUMMARY: HEAD + ROW.replace("4,3", "4,\r\n3")}).tasks
    assert task.shapes == "4,\r\n3"
    (task,) = read_tables({SUMMARY: (HEAD + ROW[:-1]).replace("\n", "\r") + "\n"}).tasks
    assert task.name == "/c/Conv"


def test_types_are_read_with_their_counts() -> None:
    found = read_tables({STATISTIC: TOTALS + TOTAL + "Cast,AI_VECTOR_CORE,2,4\nConv2D,AI_CORE,4,2.5\n"})
    assert found.tasks == (
        Task("", "Conv2D", "AI_CORE", 5, 0, 30.0, "", ""),
        Task("", "Cast", "AI_VECTOR_CORE", 2, 0, 4.0, "", ""),
    )
    assert (found.source, found.files, found.iterations) == ("op_statistic", (STATISTIC,), None)
    assert found.rounding_us == pytest.approx({"Conv2D": 0.055, "Cast": 0.5})


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "the profiler wrote neither op_summary_*.csv nor op_statistic_*.csv"),
        ({"x_op_summary_1.csv": HEAD}, "the profiler wrote neither op_summary_*.csv nor op_statistic_*.csv"),
        (
            {"summary": HEAD + ROW + "0,1," + "x" * 90},
            f"{SUMMARY}: cut short: its last line does not end; found '{'x' * 80}'",
        ),
        ({"summary": HEAD + ROW + "0,1"}, f"{SUMMARY}: cut short: its last line does not end; found '0,1'"),
        ({"summary": HEAD + ROW + "0,1X"}, f"{SUMMARY}: cut short: its last line does not end; found '0,1X'"),
        ({"summary": HEAD + ROW + "0,1 "}, f"{SUMMARY}: cut short: its last line does not end; found '0,1 '"),
        (
            {"summary": ",".join(map(str, range(25))) + "\n"},
            f"{SUMMARY}: no column OP Type, Op Name, Task Duration(us); found {[str(at) for at in range(20)]}",
        ),
        ({"summary": f"{HEAD}0,1\r"}, f"{SUMMARY}: cut short: its last line does not end; found '0,1'"),
        ({"summary": ""}, f"{SUMMARY}: cut short: its last line does not end; found ''"),
        ({"summary": HEAD + '"a"b\n'}, f"{SUMMARY}: no table: ',' expected after '\"'"),
        ({"summary": HEAD + '"a\n'}, f"{SUMMARY}: no table: unexpected end of data"),
        ({"summary": "\n"}, f"{SUMMARY}: no column OP Type, Op Name, Task Duration(us); found []"),
        (
            {"summary": "OP Type,Device_id\n"},
            f"{SUMMARY}: no column Op Name, Task Duration(us); found ['OP Type', 'Device_id']",
        ),
        ({"statistic": "OP Type\n"}, f"{STATISTIC}: no column Count, Total Time(us); found ['OP Type']"),
        (
            {"summary": "OP Type,Op Name,Task Duration(us),Op Name\n"},
            f"{SUMMARY}: a column is there twice; found ['OP Type', 'Op Name', 'Task Duration(us)', 'Op Name']",
        ),
        ({"summary": HEAD + ROW + "0,1\n"}, f"{SUMMARY}: cut short in row 3; found 2 fields; allowed 8"),
        ({"summary": HEAD + ROW[:-1] + ",more\n"}, f"{SUMMARY}: cut short in row 2; found 9 fields; allowed 8"),
        ({"summary": HEAD}, f"{SUMMARY}: no row"),
        (
            {"summary": HEAD + ROW.replace("27.5", "N/A")},
            f"{SUMMARY}: no task has a duration (collected with --task-time=l0?)",
        ),
        (
            {"summary": HEAD + ROW + ROW.replace("0,1", "3,1", 1)},
            f"{SUMMARY}: rows of several: Device_id 0, 3",
        ),
        (
            {"summary": HEAD + "".join(ROW.replace("0,1", f"0,{model}", 1) for model in range(7))},
            f"{SUMMARY}: rows of several: Model ID 0, 1, 2, 3, 4",
        ),
        (
            {"summary": HEAD + ROW.replace("27.5", "quick" * 20)},
            f"{SUMMARY}: Task Duration(us) is no duration or count; found '{'quick' * 8}'",
        ),
        (
            {"statistic": TOTALS + TOTAL.replace("27.50", "-1")},
            f"{STATISTIC}: Total Time(us) is no duration or count; found '-1'",
        ),
        (
            {"statistic": TOTALS + TOTAL.replace(",1,", ",x,")},
            f"{STATISTIC}: Count is no duration or count; found 'x'",
        ),
        ({"statistic": TOTALS + TOTAL.replace(",1,", ",1.5,")}, f"{STATISTIC}: Count is no number of tasks; found 1.5"),
        ({"statistic": TOTALS + TOTAL.replace(",1,", ",0,")}, f"{STATISTIC}: Count is no number of tasks; found 0"),
    ],
)
def test_each_way_not_to_hold_is_one_line(files: dict[str, str], said: str) -> None:
    assert refusal(**files) == said


def test_a_number_is_looked_at_up_to_thirty_years() -> None:
    assert read_tables({SUMMARY: HEAD + ROW.replace("27.5", "1e15")}).tasks[0].total_us == 1e15
    assert "is no duration" in refusal(summary=HEAD + ROW.replace("27.5", "1000000000000001"))
    assert read_tables({SUMMARY: HEAD + ROW.replace("27.5", "0")}).tasks[0].unmeasured == 0


# --- Two tables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (TOTAL, ""),
        (TOTAL.replace("27.50", "27.55"), ""),
        (TOTAL.replace("27.50", "27.45"), ""),
        (
            TOTAL.replace("27.50", "27.56"),
            f"durations of Conv2D do not add up to what {STATISTIC} says; found 27.5 us; allowed 27.56 us",
        ),
        (
            TOTAL.replace("27.50", "27.44"),
            f"durations of Conv2D do not add up to what {STATISTIC} says; found 27.5 us; allowed 27.44 us",
        ),
        (
            TOTAL.replace(",1,", ",2,"),
            f"{SUMMARY}: tasks of Conv2D were lost or added; found 1; allowed 2 of {STATISTIC}",
        ),
        (
            TOTAL + "Cast,AI_CORE,1,0\n",
            f"{SUMMARY}: tasks of Cast were lost or added; found 0; allowed 1 of {STATISTIC}",
        ),
        (
            TOTAL.replace("Conv2D", "Relu") + TOTAL,
            f"{SUMMARY}: tasks of Relu were lost or added; found 0; allowed 1 of {STATISTIC}",
        ),
        (TOTAL.replace("Conv2D", "Z"), f"{SUMMARY}: tasks of Conv2D were lost or added; found 1; allowed none"),
    ],
)
def test_both_tables_say_the_same_up_to_what_is_printed(total: str, said: str) -> None:
    files = {"summary": HEAD + ROW, "statistic": TOTALS + total}
    if said:
        assert refusal(**files) == said
    else:
        assert read_tables({SUMMARY: files["summary"], STATISTIC: files["statistic"]}).source == "op_summary"


def test_operators_of_one_type_are_counted_together() -> None:
    two = HEAD + ROW + ROW.replace("/c/Conv", "/d/Conv").replace("27.5", "2.5")
    assert len(read_tables({SUMMARY: two, STATISTIC: TOTALS + TOTAL.replace(",1,27.50", ",2,30.0")}).tasks) == 2
    parts = {"op_summary_1_slice_0.csv": HEAD + ROW, "op_summary_1_slice_1.csv": HEAD + ROW}
    lost = {**parts, "op_statistic_1_slice_0.csv": TOTALS + TOTAL, "op_statistic_1_slice_1.csv": TOTALS + TOTAL * 2}
    with pytest.raises(ProfileTextError) as caught:
        read_tables(lost)
    assert str(caught.value) == (
        "op_summary_1_slice_0.csv, op_summary_1_slice_1.csv: tasks of Conv2D were lost or added; found 2; "
        "allowed 3 of op_statistic_1_slice_0.csv, op_statistic_1_slice_1.csv"
    )
    lost["op_statistic_1_slice_1.csv"] = TOTALS + TOTAL.replace("27.50", "30.00")
    with pytest.raises(ProfileTextError, match=r"what op_statistic_1_slice_0.csv, op_statistic_1_slice_1.csv says"):
        read_tables(lost)


# --- Which files count ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "newest"),
    [
        (("op_summary_2.csv", "op_summary_10.csv"), ("op_summary_10.csv",)),
        (("op_summary_0_9_1.csv", "op_summary_1.csv"), ("op_summary_1.csv",)),
        (("op_summary_5_9_1.csv", "op_summary_1.csv"), ("op_summary_1.csv",)),
        (("op_summary_3_1.csv", "op_summary_2.csv"), ("op_summary_2.csv",)),
        (("op_summary_0_9_1.csv", "op_summary.csv"), ("op_summary.csv",)),
        (("op_summary_0_1_1.csv", "op_summary_0_2_1.csv"), ("op_summary_0_2_1.csv",)),
        (("op_summary_0_5_1.csv", "op_summary_1_2_1.csv"), ("op_summary_1_2_1.csv",)),
        (("op_summary_0_1_2.csv", "op_summary_0_1_10.csv"), ("op_summary_0_1_2.csv", "op_summary_0_1_10.csv")),
        (
            ("op_summary_7_slice_1.csv", "op_summary_7_slice_0.csv"),
            ("op_summary_7_slice_0.csv", "op_summary_7_slice_1.csv"),
        ),
        (
            ("op_summary_slice_2_7.csv", "op_summary_slice_1_7.csv"),
            ("op_summary_slice_1_7.csv", "op_summary_slice_2_7.csv"),
        ),
        (("op_summary_7_slice_5.csv", "op_summary_8_slice_0.csv"), ("op_summary_8_slice_0.csv",)),
    ],
)
def test_the_newest_table_counts_with_its_parts_in_order(names: tuple[str, ...], newest: tuple[str, ...]) -> None:
    assert read_tables(dict.fromkeys(names, HEAD + ROW)).files == newest


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("op_summary_7_slice_0.csv", "op_summary_7_slice_2.csv"), "[0, 2]"),
        (("op_summary_7_slice_2.csv", "op_summary_7_slice_3.csv"), "[2, 3]"),
        (("op_summary_7_slice_1.csv", "op_summary_slice_1_7.csv"), "[1, 1]"),
        (("op_summary_7.csv", "op_summary_7_slice_0.csv"), "[0, 0]"),
    ],
)
def test_parts_that_are_missing_or_there_twice_are_told(names: tuple[str, ...], parts: str) -> None:
    said = f"parts of op_summary are missing, or there twice; found {parts}; allowed from 0 on"
    assert refusal(**dict.fromkeys(names, HEAD + ROW)) == said


@pytest.mark.parametrize(
    ("name", "iterations"),
    [("op_summary_0_1.csv", 1), ("op_summary_0_1_5.csv", 1), ("op_summary_5.csv", None), ("op_summary.csv", None)],
)
def test_tables_of_the_older_form_are_one_execution_each(name: str, iterations: int | None) -> None:
    assert read_tables({name: HEAD + ROW}).iterations == iterations


@pytest.mark.parametrize(
    "name",
    [
        *("op_summary_1_2_3_4.csv", f"op_summary_{'1' * 21}.csv", "op_summary_1.csv.bak", "op_summary_x.csv"),
        *("op_summary_1_slice_.csv", f"op_summary_1_slice_{'1' * 10}.csv", "OP_SUMMARY_1.csv", "op_other_1.csv"),
    ],
)
def test_other_files_are_no_tables(name: str) -> None:
    assert TABLE.fullmatch(name) is None
    assert read_tables({name: "", SUMMARY: HEAD + ROW}).files == (SUMMARY,)
