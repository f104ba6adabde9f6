"""Child processes of vendor tools: argv lists, own process group, a time limit, both streams kept."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.base.reading import small_file

TAIL_CHARACTERS = 2000
GRACE_SECONDS = 5.0
MOST_STREAM_BYTES = 128 * 2**20
"""Of one stream; a tool that prints a kilobyte for each of 50,000 images stays below."""
GUARD = Path(__file__).with_name("process_guard.py")
INTERRUPTED = "interrupted"
_running: dict[subprocess.Popen[bytes], int] = {}
_interrupted: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Completed:
    """A child that has ended: `returncode` is negative for a signal; `timed_out` says that we ended it."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool

    @property
    def tail(self) -> str:
        """The end of what the tool printed, for an error message."""
        return (self.stdout[-TAIL_CHARACTERS:] + self.stderr[-TAIL_CHARACTERS:]).strip()


def run(
    argv: Sequence[str | Path], *, cwd: Path, logs: Path, timeout_seconds: float, env: Mapping[str, str] | None = None
) -> Completed:
    """Run a tool to its end and keep `<logs>/stdout.txt`, `stderr.txt`, `command.txt` and `ending.json` as evidence.

    The child has a process group of its own: at the time limit, and whenever we leave early (Ctrl-C), the whole group
    is terminated and then killed, so that no grandchild lives on; a guard in the group does so when we are killed.
    `ending.json` says `ended_by` whom: the time limit, an interruption, or empty for a tool that ended by itself.
    OSError when the program cannot be started, or printed more than MOST_STREAM_BYTES: it is not read in part, for the
    rest may hold an error line.
    """
    words = tuple(str(word) for word in argv)
    _keep_command(words, cwd, logs)
    started = time.monotonic()
    out_path, err_path = logs / "stdout.txt", logs / "stderr.txt"
    with out_path.open("wb") as out, err_path.open("wb") as err, _guarded_group() as group:
        child = subprocess.Popen(
            words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, process_group=group
        )
        _running[child] = group
        ended_by = INTERRUPTED
        try:
            ended_by = _wait(child, timeout_seconds)
        finally:
            _end(child, group)
            seconds = time.monotonic() - started
            ending = {"returncode": child.returncode, "seconds": seconds, "ended_by": ended_by}
            (logs / "ending.json").write_text(json.dumps(ending), encoding="utf-8")
    return Completed(
        argv=words,
        returncode=child.returncode,
        stdout=_text(out_path),
        stderr=_text(err_path),
        seconds=seconds,
        timed_out=ended_by not in ("", INTERRUPTED),
    )


def _keep_command(words: Sequence[str], cwd: Path, logs: Path) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    command = "\n".join((f"cwd: {cwd}", *words)) + "\n"
    (logs / "command.txt").write_text(command, encoding="utf-8", errors="surrogateescape")  # a path may be any bytes


def _wait(child: subprocess.Popen[bytes], timeout_seconds: float) -> str:
    """Who ended the child, empty where it ended by itself; at the time limit it runs on."""
    try:
        child.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        return f"the time limit of {timeout_seconds:g} s"
    return INTERRUPTED if child in _interrupted else ""


def _text(stream: Path) -> str:
    """What a stream holds, with every way to end a line as a line feed."""
    text = small_file(stream, MOST_STREAM_BYTES).decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def end_running() -> None:
    """End the children that other threads wait for: Ctrl-C is raised in the main thread alone.

    All are told at once and have GRACE_SECONDS together; a second Ctrl-C meanwhile kills every one of them.
    """
    running = tuple(_running.items())
    _interrupted.update(child for child, _ in running)
    until = time.monotonic() + GRACE_SECONDS
    try:
        for _, group in running:
            _signal_group(group, signal.SIGTERM)
        for child, _ in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, until - time.monotonic()))
    finally:
        for _, group in running:
            _signal_group(group, signal.SIGKILL)


@contextlib.contextmanager
def _guarded_group() -> Iterator[int]:
    """A process group that ends with this process, however this ends, and at the latest with the block."""
    command = [sys.executable, "-IS", str(GUARD)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0) as guard:
        try:
            yield guard.pid
        finally:
            _signal_group(guard.pid, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes], group: int) -> None:
    """End whatever is left of the child's process group, terminate, wait a little, kill, and forget the child."""
    _signal_group(group, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    _signal_group(group, signal.SIGKILL)
    child.wait()
    del _running[child]
    _interrupted.discard(child)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
