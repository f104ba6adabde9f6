"""How atc writes a refusal: `E10001: Value [x] …`, from CANN 8.5 on `[PID: n] <time> <Title>(E10001): Value x …`.

From 8.5 on, codes of files, tensors and operators are E13… where they were E19…; the inner error keeps E19999, and its
first line is that of the older form. Refusals are written with brackets, as the older releases have them.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from tools.ascend.simulator.atc_error import AtcError
from tools.ascend.simulator.release import speaks_titled

MOVED = frozenset({"001", "003", "004", "005", "009", "010", "018", "023", "024", "025"})
"""Last digits of the codes E19… that became E13…."""
TITLES = {"E13010": "Operator_Not_Registered", "E19999": "Inner_Error"}
OTHER_TITLE = "Invalid_Argument"
"""No source states the titles: a reader must not go by them."""
REWORDED = (
    (
        re.compile(r"No parser is registered for Op \[(.*), optype \[(.*)\]\]"),
        r"No operator plugin is registered for Op: \1, optype: \2",
    ),
    (re.compile(r"^Opname "), "Op name "),
)
LOG_FOLDER = "ASCEND_PROCESS_LOG_PATH"


def failure_lines(error: AtcError) -> list[str]:
    """The block that follows the failure line."""
    return _titled(error) if speaks_titled() else _plain(error)


def _plain(error: AtcError) -> list[str]:
    trace = [
        "        TraceBack (most recent call last):",
        "        ATC run failed[FUNC:main][FILE:main_impl.cc][LINE:1]",
    ]
    return [f"{error.code}: {error.text}", *_sections(error.cause, error.solution), *trace]


def _titled(error: AtcError) -> list[str]:
    code, inner = _code(error.code), error.code == "E19999"
    head = f"{_stamp()} {TITLES.get(code, OTHER_TITLE)}({code}): "
    first = [f"{code}: Internal Error!"] if inner else []
    trace = ["TraceBack (most recent call last):", "        ATC run failed[FUNC:main][FILE:main_impl.cc][LINE:1]"]
    said = f"{head}{' ' if inner else ''}{unbracketed(error.text)}"
    lines = [*first, said, *_sections(unbracketed(error.cause), unbracketed(error.solution)), *trace]
    _log(said)
    return lines


def _sections(cause: str, solution: str) -> list[str]:
    return [f"        {title}: {text}" for title, text in (("Possible Cause", cause), ("Solution", solution)) if text]


def unbracketed(text: str) -> str:
    """A text of the older form as 8.5 and later write it."""
    for old, new in REWORDED:
        text = old.sub(new, text)
    return re.sub(r"\[([^\[\]]*)\]", r"\1", text)


def _code(code: str) -> str:
    return f"E13{code[3:]}" if code.startswith("E19") and code[3:] in MOVED else code


def _stamp() -> str:
    now = datetime.now().astimezone()
    return f"[PID: {os.getpid()}] {now:%Y-%m-%d-%H:%M:%S}.{now.microsecond // 1000:03}.{now.microsecond % 1000:03}"


def _log(said: str) -> None:
    """The error in a log file of this process, where the environment names a folder for them; never in the home."""
    if not (place := os.environ.get(LOG_FOLDER)):
        return
    folder = Path(place) / "debug" / "plog"
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now().astimezone()
    name = f"plog-{os.getpid()}_{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03}.log"
    stamp = f"{now:%Y-%m-%d-%H:%M:%S}.{now.microsecond // 1000:03}.{now.microsecond % 1000:03}"
    line = f"[ERROR] GE({os.getpid()},atc.bin):{stamp} [main_impl.cc:1]{os.getpid()} main: {said}\n"
    (folder / name).write_text(line, encoding="utf-8")
