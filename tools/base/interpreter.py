"""What a command needs of the Python that it was started with, said in one line where that one lacks it.

People type the guide's commands on a device's host, whose `python3` is CANN's: 3.7 to 3.11, with few libraries. This
module is imported before anything that such a Python could not read, and is itself written for 3.7.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

SUITE = (3, 11)
"""The oldest Python that the whole suite runs on."""
EXIT_BAD_INPUT = 2
INSTALLED_AS = {"yaml": "PyYAML", "PIL": "Pillow", "_yaml": "PyYAML"}
"""The name that pip knows, where a library is imported by another one."""
VENV_PYTHON = Path(__file__).resolve().parent.parent.parent / ".venv" / "bin" / "python"


def require(*libraries: str, oldest: tuple[int, int] = SUITE) -> None:
    """End with status 2 and one line unless this Python is new enough and has these libraries.

    Whatever else is found missing while the command runs ends it in the same way.
    """
    if sys.version_info[:2] < oldest:
        _refuse(f"needs Python {oldest[0]}.{oldest[1]} or newer, and this is {_this()}")
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        _refuse(_lacks(missing))
    sys.excepthook = _unless_missing


def _unless_missing(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python's own report of an error, but for a library that is not installed."""
    name = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and name and name != __name__.partition(".")[0]:
        _refuse(_lacks([name]))
    sys.__excepthook__(kind, error, trace)


def _lacks(missing: list[str]) -> str:
    names = [INSTALLED_AS.get(name, name) for name in missing]
    return f"needs {', '.join(names)}, not installed in {_this()} (pip install {' '.join(names)})"


def _this() -> str:
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}, {sys.executable}"


def _refuse(why: str) -> None:
    command = Path(sys.argv[0]).name
    sys.stderr.write(f"error: {command} {why}. Run it with {VENV_PYTHON}, which `make accept` sets up\n")
    sys.stderr.flush()
    os._exit(EXIT_BAD_INPUT)  # nothing is open yet, or an error ends the command; a hook cannot choose the status
