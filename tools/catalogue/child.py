"""One port in a process of its own: whatever becomes of that, the others have their answers."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from tools.base import process
from tools.base.errors import SuiteError
from tools.base.printable import bounded, printable
from tools.base.reading import some
from tools.catalogue.asked import Asked
from tools.catalogue.entry import Entry
from tools.catalogue.kept import Evidence, Finished, read_evidence, write_finished
from tools.catalogue.rows import Row, State, duration
from tools.evidence.aside import set_aside
from tools.evidence.scrub import Scrubber
from tools.judge.layout import FILE
from tools.judge.results import Word
from tools.judge.verify import NOT_GOOD_ENOUGH, REFUSED
from tools.pipeline.begin import run_scrubber
from tools.pipeline.setup import Setup

TAIL_LINES = 20
_FRAMES = ("  File ", "  ...", "Current thread ", "Thread 0x", "Extension modules: ")
"""How lines begin that Python's fault handler adds to the error itself."""
_RULE = "===="
"""How the line begins with which pytest ends."""
ENDS = (0, 1)
"""Exit codes of a pytest that came to its end; any other says that it did not."""


@dataclass(frozen=True)
class Due:
    """A port that is to be judged, on what, and why."""

    entry: Entry
    setup: Setup
    why: str


class Runner:
    """Runs ports, each with a time limit in seconds; `require` is the weakest word that is good enough."""

    def __init__(self, asked: Asked, scratch: Path, *, limit_seconds: float, require: Word) -> None:
        self._asked, self._scratch, self._require = asked, scratch, require
        self._limit_seconds = limit_seconds
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Begin no process any more, and end those that run."""
        self._stopping.set()
        process.end_running()

    def prepare(self, due: Due) -> None:
        """Fill the cache as far as no device is needed. What goes wrong here the run itself will say."""
        argv = self._asked.preparation(due.entry, self._scratch / due.entry.name)
        with contextlib.suppress(OSError):
            self._run(argv, due.entry.prepare_log)

    def judge(self, due: Due, device: int | None) -> Row:
        """The answer about a port; an earlier bundle is moved aside before anything begins."""
        entry = due.entry
        row = Row(entry.name, str(entry.file), State.DIED, status=REFUSED, why=due.why, log=f"{entry.name}/log")
        try:
            set_aside(entry.evidence)
            done = self._run(self._asked.command(entry, device), entry.log)
            return replace(row, state=State.WAITING, status=None) if done is None else self._ended(due, done, row)
        except (SuiteError, OSError) as error:
            return replace(row, said=bounded(printable(str(error))))

    def kept(self, entry: Entry, finished: Finished, evidence: Evidence) -> Row:
        """The answer that lies there already."""
        row = Row(entry.name, str(entry.file), State.KEPT, why="nothing changed", log=f"{entry.name}/log")
        return self._of_evidence(entry, evidence, replace(row, seconds=finished.seconds), finished.exit_code)

    def _run(self, argv: tuple[str, ...], logs: Path) -> process.Completed | None:
        """None where the command is being ended, and what ran with it."""
        if self._stopping.is_set():
            return None
        done = process.run(argv, cwd=self._asked.here, logs=logs, timeout_seconds=self._limit_seconds)
        return None if self._stopping.is_set() else done

    def _ended(self, due: Due, done: process.Completed, row: Row) -> Row:
        """The row of a process that has ended, by itself or by the time limit."""
        scrub = run_scrubber(due.entry.evidence, due.setup.inputs, os.environ)
        row = replace(row, seconds=done.seconds, tail=_tail(done, scrub))
        if done.timed_out:
            said = f"it did not end within the time limit of {duration(self._limit_seconds)}"
            return replace(row, state=State.TOO_LONG, said=said)
        ending = _ending(done.returncode)
        if not (due.entry.evidence / FILE).is_file():
            return replace(row, said=f"{ending} and left no evidence: {_last(row.tail)}")
        if done.returncode not in ENDS:
            return replace(row, said=f"{ending}: {_last(row.tail)}", evidence=f"{due.entry.name}/evidence")
        found = read_evidence(due.entry, due.setup)
        write_finished(due.entry, self._asked.kept, done.returncode, done.seconds)
        row = self._of_evidence(due.entry, found, replace(row, state=State.JUDGED), done.returncode)
        return replace(row, tail=row.tail if row.status else ())

    def _of_evidence(self, entry: Entry, evidence: Evidence, row: Row, exit_code: int) -> Row:
        """The row with what the bundle says, which is no better than the exit code of its run."""
        found, record = evidence.outcome.requiring(self._require), evidence.record
        answer, _, said = found.lines[-1].removeprefix("VERDICT: ").partition(" - ")
        failed = f"; failed: {some(record.verdict.failed)}" if record.verdict.failed else ""
        weak = f"; {found.lines[-2]}" if found.lines[-2].startswith("--require") else ""
        status = max(found.status, NOT_GOOD_ENOUGH if exit_code else 0)
        beside = "; its run says no" if status > found.status else ""
        return replace(
            row,
            status=status,
            evidence=f"{entry.name}/evidence",
            answer=answer,
            said=f"{said}{failed}{weak}{beside}",
            run=record.run,
            finished_utc=record.finished_utc,
        )


def _ending(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode >= 0:
        return f"it ended with exit code {returncode}"
    try:
        return f"it was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"it was ended by signal {-returncode}"


def _tail(done: process.Completed, scrub: Scrubber) -> tuple[str, ...]:
    """The last lines that say something, those of stderr last, without what the evidence would not hold either."""
    lines = [line.rstrip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    if any("Fatal Python error: " in line for line in lines):  # frames and modules by the hundred; the log has them
        lines = [line for line in lines if not line.startswith(_FRAMES)]
    return tuple(bounded(printable(scrub.text(line))) for line in lines[-TAIL_LINES:])


def _last(tail: tuple[str, ...]) -> str:
    """The last line that says something: below the reason pytest counts the tests that passed nonetheless."""
    return next((line for line in reversed(tail) if not line.startswith(_RULE)), "it printed nothing")
