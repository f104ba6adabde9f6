"""Operators as the vendor's profiler tells of them: `op_summary_*.csv`, a row for each task, or `op_statistic_*.csv`.

Columns are found by their header words, for they vary by release; a field may hold `N/A`, tabs and quotes. Big tables
are written in parts (`_slice_0`, `_slice_1`); of several exports the newest counts. What is cut short is refused.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.base.errors import SuiteError
from tools.judge.texts.digits import half_last_digit

SUMMARY, STATISTIC = "op_summary", "op_statistic"
_PART = r"(?:_slice_([0-9]{1,9}))?"
TABLE = re.compile(rf"({SUMMARY}|{STATISTIC}){_PART}((?:_[0-9]{{1,20}}){{0,3}}){_PART}\.csv")
"""`op_summary_<timestamp>.csv` from CANN 7.0 on, before `op_summary_<device>_<model>_<iteration>.csv`."""
BYTE_ORDER_MARK = "\ufeff"
NOT_SAID = frozenset(("", "N/A", "NA"))
KIND, NAME, DURATION = "OP Type", "Op Name", "Task Duration(us)"
COUNT, TOTAL = "Count", "Total Time(us)"
MOST = 1e15
"""Microseconds or tasks: thirty years, beyond which no sum is looked at."""
ONE_OF_EACH = ("Device_id", "Model ID")
"""What is the same in every row of one model on one device."""


class ProfileTextError(SuiteError):
    """A table of the profiler that is cut short, contradicts another, or is none."""


@dataclass(frozen=True)
class Task:
    """One operator, all its tasks together: `kind` is the Ascend type, `core` where it ran (`AI_CORE`), `total_us` over
    `count` tasks, of which `unmeasured` have no duration. `shapes` and `formats` are those of the inputs as printed.

    `name` is empty where the table knows types only.
    """

    name: str
    kind: str
    core: str
    count: int
    unmeasured: int
    total_us: float
    shapes: str
    formats: str


@dataclass(frozen=True)
class Table:
    """The newest table of a kind: `tasks` in the order of the rows, `files` its parts, `rounding_us` by how much the
    durations of a type may be off by what was not printed; `iterations` counts the files where each is one execution.
    """

    source: str
    files: tuple[str, ...]
    tasks: tuple[Task, ...]
    rounding_us: dict[str, float]
    iterations: int | None


def read_tables(files: Mapping[str, str]) -> Table:
    """The operators of the newest op_summary, held against op_statistic where both are there; else op_statistic's.

    `files` are texts by name. ProfileTextError when neither is there, or what is there does not hold.
    """
    summary, statistic = (_newest(files, kind) for kind in (SUMMARY, STATISTIC))
    if not summary and not statistic:
        raise ProfileTextError(f"the profiler wrote neither {SUMMARY}_*.csv nor {STATISTIC}_*.csv")
    if not summary:
        return _statistic(files, statistic)
    found = _summary(files, summary)
    if statistic:
        _conserved(found, _statistic(files, statistic))
    return found


def _newest(files: Mapping[str, str], kind: str) -> list[str]:
    """The parts of the newest table of a kind, in order; of the older form the last model's, one an iteration."""
    tables: dict[tuple[int, ...], list[tuple[int, int, str]]] = {}
    for name in files:
        match = TABLE.fullmatch(name)
        if match is None or match[1] != kind:
            continue
        numbers = _numbers(match)
        key = (0, *numbers[:2]) if len(numbers) > 1 else (1, *numbers)
        tables.setdefault(key, []).append((sum(numbers[2:]), int(match[2] or match[4] or 0), name))
    newest = sorted(tables[max(tables)]) if tables else []
    parts = [part for iteration, part, _ in newest if iteration == newest[0][0]]
    whole = list(range(min(parts, default=0), min(parts, default=0) + len(parts)))
    if parts != whole or min(parts, default=0) > 1:
        raise ProfileTextError(f"parts of {kind} are missing, or there twice", measured=parts, allowed="from 0 on")
    return [name for _, _, name in newest]


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    """The timestamp in a table's name, or in the older form device, model and iteration."""
    return tuple(int(word) for word in match[3].split("_") if word)


def _rows(name: str, text: str, needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows by header word, fields stripped of tabs and quotes; each must be whole."""
    if not text.endswith("\n"):
        last = text.rstrip("\r\n").rpartition("\n")[2]
        raise ProfileTextError("cut short: its last line does not end", where=name, measured=repr(last[-80:]))
    try:
        read = csv.reader(io.StringIO(text.lstrip(BYTE_ORDER_MARK), newline=""), strict=True)
        lines = [[_plain(field) for field in line] for line in read if line]
    except csv.Error as error:
        raise ProfileTextError(f"no table: {error}", where=name) from error
    header = lines[0] if lines else []
    missing = [word for word in needed if word not in header]
    if missing or len(set(header)) != len(header):
        odd = f"no column {', '.join(missing)}" if missing else "a column is there twice"
        raise ProfileTextError(odd, where=name, measured=header[:20])
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(header):
            raise ProfileTextError(
                f"cut short in row {number}", where=name, measured=f"{len(line)} fields", allowed=len(header)
            )
    if not lines[1:]:
        raise ProfileTextError("no row", where=name)
    return [dict(zip(header, line)) for line in lines[1:]]


def _plain(field: str) -> str:
    return field.replace("\t", " ").strip().strip('"').strip()


def _summary(files: Mapping[str, str], names: Sequence[str]) -> Table:
    parts = [_rows(name, files[name], (KIND, NAME, DURATION)) for name in names]
    rows = [row for part in parts for row in part]
    _one_model(names[0], rows)
    found: dict[tuple[str, str], Task] = {}
    rounding: dict[str, float] = {}
    for row in rows:
        task, printed = _task(names[0], row)
        rounding[task.kind] = rounding.get(task.kind, 0.0) + printed
        known = found.get((task.name, task.kind))
        found[task.name, task.kind] = task if known is None else _added(known, task)
    if all(task.unmeasured == task.count for task in found.values()):
        raise ProfileTextError("no task has a duration (collected with --task-time=l0?)", where=names[0])
    match = TABLE.fullmatch(names[0])
    older = match is not None and len(_numbers(match)) > 1
    return Table(SUMMARY, tuple(names), tuple(found.values()), rounding, len(names) if older else None)


def _one_model(name: str, rows: Sequence[Mapping[str, str]]) -> None:
    for word in ONE_OF_EACH:
        said = sorted({row[word] for row in rows if word in row} - NOT_SAID)
        if len(said) > 1:
            raise ProfileTextError(f"rows of several: {word} {', '.join(said[:5])}", where=name)


def _task(name: str, row: Mapping[str, str]) -> tuple[Task, float]:
    """A row as a task, and by how much its printed duration may be off."""
    said = row[DURATION]
    measured = said not in NOT_SAID
    duration = _number(name, DURATION, said) if measured else 0.0
    task = Task(
        name=row[NAME],
        kind=row[KIND],
        core=row.get("Task Type", ""),
        count=1,
        unmeasured=0 if measured else 1,
        total_us=duration,
        shapes=_said(row.get("Input Shapes", "")),
        formats=_said(row.get("Input Formats", "")),
    )
    return task, half_last_digit(said) if measured else math.inf


def _said(field: str) -> str:
    return "" if field in NOT_SAID else field


def _added(known: Task, task: Task) -> Task:
    return Task(
        known.name,
        known.kind,
        known.core,
        known.count + task.count,
        known.unmeasured + task.unmeasured,
        known.total_us + task.total_us,
        known.shapes,
        known.formats,
    )


def _statistic(files: Mapping[str, str], names: Sequence[str]) -> Table:
    found: dict[str, Task] = {}
    rounding: dict[str, float] = {}
    for name in names:
        for row in _rows(name, files[name], (KIND, COUNT, TOTAL)):
            count, total = _number(name, COUNT, row[COUNT]), _number(name, TOTAL, row[TOTAL])
            if count != int(count) or count < 1:
                raise ProfileTextError(f"{COUNT} is no number of tasks", where=name, measured=row[COUNT])
            kind = row[KIND]
            task = Task("", kind, row.get("Core Type", ""), int(count), 0, total, "", "")
            found[kind] = _added(found[kind], task) if kind in found else task
            rounding[kind] = rounding.get(kind, 0.0) + half_last_digit(row[TOTAL])
    return Table(STATISTIC, tuple(names), tuple(found.values()), rounding, None)


def _number(name: str, word: str, said: str) -> float:
    try:
        value = float(said)
        half_last_digit(said)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MOST:
        raise ProfileTextError(f"{word} is no duration or count", where=name, measured=repr(said[:40]))
    return value


def _conserved(summary: Table, statistic: Table) -> None:
    """Both tables count the same tasks and the same time for each type, up to the digits that are printed."""
    ours = {kind: [task for task in summary.tasks if task.kind == kind] for kind in summary.rounding_us}
    theirs = {task.kind: task for task in statistic.tasks}
    for kind in sorted({*ours, *theirs}):
        count, told = sum(task.count for task in ours.get(kind, ())), theirs.get(kind)
        if told is None or told.count != count:
            allowed = "none" if told is None else f"{told.count} of {', '.join(statistic.files)}"
            files = ", ".join(summary.files)
            raise ProfileTextError(f"tasks of {kind} were lost or added", where=files, measured=count, allowed=allowed)
        total = math.fsum(task.total_us for task in ours[kind])
        if abs(total - told.total_us) > 1.001 * (summary.rounding_us[kind] + statistic.rounding_us[kind]):
            raise ProfileTextError(
                f"durations of {kind} do not add up to what {', '.join(statistic.files)} says",
                measured=f"{total:.6g} us",
                allowed=f"{told.total_us:.6g} us",
            )
