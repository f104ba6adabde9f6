"""Child processes of vendor tools: argv lists, own process group, a time limit, both streams kept."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TAIL_CHARACTERS = 2000
GRACE_SECONDS = 5.0
_running: set[subprocess.Popen[bytes]] = set()


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
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    logs: Path,
    timeout_seconds: float,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a tool to its end and keep `<logs>/stdout.txt`, `stderr.txt`, `command.txt` and `ending.json` as evidence.

    The child leads its own process group: at the time limit, and whenever we leave early (Ctrl-C), the whole group is
    terminated and then killed, so that no grandchild lives on. FileNotFoundError when the program does not exist.
    """
    words = tuple(str(word) for word in argv)
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "command.txt").write_text("\n".join((f"cwd: {cwd}", *words)) + "\n", encoding="utf-8")
    started = time.monotonic()
    out_path, err_path = logs / "stdout.txt", logs / "stderr.txt"
    with out_path.open("wb") as out, err_path.open("wb") as err:
        child = subprocess.Popen(
            words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        _running.add(child)
        try:
            child.wait(timeout_seconds)
            timed_out = False
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            end_group(child)
            _running.discard(child)
    seconds = time.monotonic() - started
    ending = {"returncode": child.returncode, "seconds": seconds}
    (logs / "ending.json").write_text(json.dumps(ending), encoding="utf-8")
    return Completed(
        argv=words,
        returncode=child.returncode,
        stdout=out_path.read_text(encoding="utf-8", errors="replace"),
        stderr=err_path.read_text(encoding="utf-8", errors="replace"),
        seconds=seconds,
        timed_out=timed_out,
    )


def end_running() -> None:
    """End the children that other threads wait for: Ctrl-C is raised in the main thread alone."""
    for child in tuple(_running):
        end_group(child)


def end_group(child: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the child's process group: terminate, wait a little, kill."""
    _signal_group(child, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return
