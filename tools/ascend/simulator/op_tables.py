"""The profiler's tables as text: op_summary with a row for each task, op_statistic with one for each type."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from tools.ascend.simulator.faults import Fault, ordered
from tools.ascend.simulator.op_work import Operator
from tools.ascend.simulator.release import release

FIRST_BLOCK_NUM = (8, 5)
"""From this release on `Block Dim` is called `Block Num`."""
PAUSE_US = 0.8
BLOCKS = 2


def tables(found: Sequence[Operator], times_us: Sequence[float], device: int) -> dict[str, str]:
    """Kind -> text for executions of these times in microseconds."""
    rows = [
        (number, place, operator, duration)
        for number, total in enumerate(times_us)
        for place, (operator, duration) in enumerate(_durations(found, total))
    ]
    if ordered(Fault.MSPROF_LOST_ROWS):
        rows = rows[:-2]
    summary = _text(_summary(rows, device))
    if ordered(Fault.MSPROF_CUT_SHORT):
        summary = summary[: len(summary) * 3 // 4].rstrip("\n")
    if ordered(Fault.MSPROF_TYPES_ALONE):
        return {"op_statistic": _text(_statistic(rows, device))}
    statistic = {} if ordered(Fault.MSPROF_LOST_ROWS) else {"op_statistic": _text(_statistic(rows, device))}
    return {"op_summary": summary, **statistic}


Row = tuple[int, int, Operator, float]


def _durations(found: Sequence[Operator], total_us: float) -> list[tuple[Operator, float]]:
    work = sum(operator.work for operator in found)
    return [(operator, round(total_us * operator.work / work, 3)) for operator in found]


def _summary(rows: Iterable[Row], device: int) -> list[list[str]]:
    block = "Block Num" if tuple(map(int, release().split("."))) >= FIRST_BLOCK_NUM else "Block Dim"
    named = ["Device_id", "Model ID", "Task ID", "Stream ID", "Op Name", "OP Type", "OP State", "Task Type"]
    timed = ["Task Start Time(us)", "Task Duration(us)", "Task Wait Time(us)", block, f"Mix {block}", "HF32 Eligible"]
    shaped = ["Input Shapes", "Input Data Types", "Input Formats", "Output Shapes", "Output Data Types"]
    lines = [[*named, *timed, *shaped, "Output Formats", "Context ID", "aicore_time(us)"]]
    clock = 1_700_000_000_000_000.0
    for _, place, operator, duration in rows:
        first = [str(device), "1", str(place), "2", operator.name, operator.kind, "static", operator.core]
        times = [f"{clock:.3f}\t", f"{duration:.3f}", f"{PAUSE_US:.3f}", str(BLOCKS), "0", "NO"]
        types = ";".join(["DT_FLOAT16"] * len(operator.formats.split(";")))
        form = operator.formats.partition(";")[0]
        shapes = [f'"{operator.shapes}"', types, operator.formats, f'"{operator.output}"', "DT_FLOAT16", form]
        lines.append([*first, *times, *shapes, "N/A", f"{duration:.3f}"])
        clock += duration + PAUSE_US
    return lines


def _statistic(rows: Iterable[Row], device: int) -> list[list[str]]:
    by_kind: dict[tuple[str, str], list[float]] = {}
    for _, _, operator, duration in rows:
        by_kind.setdefault((operator.kind, operator.core), []).append(duration)
    whole = sum(map(sum, by_kind.values()))
    header = ["Device_id", "OP Type", "Core Type", "Count", "Total Time(us)", "Min Time(us)", "Avg Time(us)"]
    lines = [[*header, "Max Time(us)", "Ratio(%)"]]
    for (kind, core), times in sorted(by_kind.items(), key=lambda item: -sum(item[1])):
        figures = (sum(times), min(times), sum(times) / len(times), max(times), 100 * sum(times) / whole)
        lines.append([str(device), kind, core, str(len(times)), *(f"{figure:.3f}" for figure in figures)])
    return lines


def _text(lines: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(lines)
    return written.getvalue()
