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
from tools.catalogue.kept import read_evidence, read_finished, write_finished
from tools.catalogue.rows import Row, State, duration
from tools.evidence.scrub import Scrubber
from tools.evidence.staging import set_aside
from tools.judge.acceptance import FILE
from tools.judge.results import Word
from tools.judge.verify import NOT_GOOD_ENOUGH, REFUSED
from tools.pipeline.publish import run_scrubber
from tools.pipeline.setup import Setup

TAIL_LINES = 20
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
        except OSError as error:
            return replace(row, said=f"it could not be run: {bounded(printable(str(error)))}")
        if done is None or self._stopping.is_set():
            return replace(row, state=State.WAITING, status=None)
        scrub = run_scrubber(due.setup.inputs, os.environ)
        row = replace(row, seconds=done.seconds, tail=_tail(done, scrub))
        if done.timed_out:
            said = f"it did not end within the time limit of {duration(self._limit_seconds)}"
            return replace(row, state=State.TOO_LONG, said=said)
        return self._answer(due, done, row)

    def kept(self, due: Due) -> Row:
        """The answer that lies there already."""
        finished, entry = read_finished(due.entry), due.entry
        row = Row(entry.name, str(entry.file), State.KEPT, why="nothing changed", log=f"{entry.name}/log")
        code, seconds = (REFUSED, None) if finished is None else (finished.exit_code, finished.seconds)
        return replace(self._of_evidence(due, row, code), seconds=seconds)

    def _run(self, argv: tuple[str, ...], logs: Path) -> process.Completed | None:
        """None where the command is being ended."""
        if self._stopping.is_set():
            return None
        return process.run(argv, cwd=self._asked.here, logs=logs, timeout_seconds=self._limit_seconds)

    def _answer(self, due: Due, done: process.Completed, row: Row) -> Row:
        ending = _ending(done.returncode)
        if not (due.entry.evidence / FILE).is_file():
            return replace(row, said=f"{ending} and left no evidence: {_last(row.tail)}")
        if done.returncode not in ENDS:
            return replace(row, said=f"{ending}: {_last(row.tail)}", evidence=f"{due.entry.name}/evidence")
        found = self._of_evidence(due, replace(row, state=State.JUDGED), done.returncode)
        if found.state is State.JUDGED:
            write_finished(due.entry, self._asked.kept, done.returncode, done.seconds)
        return replace(found, tail=found.tail if found.status else ())

    def _of_evidence(self, due: Due, row: Row, exit_code: int) -> Row:
        """The row with what the bundle says, which is no better than the exit code of its run."""
        row = replace(row, evidence=f"{due.entry.name}/evidence")
        try:
            found = read_evidence(due.entry, due.setup, self._require)
        except SuiteError as error:
            return replace(row, state=State.DIED, status=REFUSED, said=str(error))
        record = found.record
        answer, _, said = found.outcome.lines[-1].removeprefix("VERDICT: ").partition(" - ")
        failed = f"; failed: {some(record.verdict.failed)}" if record.verdict.failed else ""
        weak = f"; {found.outcome.lines[-2]}" if found.outcome.lines[-2].startswith("--require") else ""
        status = max(found.outcome.status, NOT_GOOD_ENOUGH if exit_code else 0)
        beside = "; its run says no" if status > found.outcome.status else ""
        return replace(
            row,
            status=status,
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
    """The last lines that say something, of stderr where that said anything, without what is nobody's business."""
    lines = [line.rstrip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return tuple(bounded(printable(scrub.text(line))) for line in lines[-TAIL_LINES:])


def _last(tail: tuple[str, ...]) -> str:
    return tail[-1] if tail else "it printed nothing"
