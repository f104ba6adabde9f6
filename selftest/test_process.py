"""Children end when they must, with all that they started, and what they said is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.base import process
from tools.base.files import ROOT

PYTHON = sys.executable
FAR = 600.0
GRANDCHILD = """\
import subprocess, sys
child = subprocess.Popen([sys.executable, "-IS", "-c", {body!r}], stdout=subprocess.PIPE)
child.stdout.readline()
open("pid", "w").write(str(child.pid))
{then}
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
MEEK = "import time; print(flush=True); time.sleep(600)"


def run(tmp_path: Path, body: str, timeout_seconds: float = FAR) -> process.Completed:
    """Run a Python program as a tool would be."""
    return process.run(
        [PYTHON, "-IS", "-c", body], cwd=tmp_path, logs=tmp_path / "logs", timeout_seconds=timeout_seconds
    )


def has_ended(pid: int) -> bool:
    """True when the process is gone or waits to be reaped; a killed one takes a moment to get there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        os.sched_yield()
    return False


def test_both_streams_the_command_and_the_status_are_kept(tmp_path: Path) -> None:
    done = run(tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.returncode, done.stdout, done.stderr, done.timed_out) == (3, "out\n", "err\n", False)
    logs = tmp_path / "logs"
    assert (logs / "stdout.txt").read_text() == "out\n"
    assert (logs / "stderr.txt").read_text() == "err\n"
    assert (logs / "command.txt").read_text().splitlines()[:2] == [f"cwd: {tmp_path}", PYTHON]


def test_every_way_to_end_a_line_is_a_line_feed(tmp_path: Path) -> None:
    assert run(tmp_path, r"import os; os.write(1, b'a\r\nb\rc\n\xff')").stdout == "a\nb\nc\n\ufffd"


@pytest.mark.parametrize("stream", [1, 2])
def test_a_flood_is_refused_unread_and_not_read_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: int
) -> None:
    monkeypatch.setattr(process, "MOST_STREAM_BYTES", 1000)
    assert len(run(tmp_path, f"import os; os.write({stream}, b'x' * 1000)").tail) == 1000
    with pytest.raises(OSError, match="the file is too large: 1001 bytes, at most 1000 are read"):
        run(tmp_path, f"import os; os.write({stream}, b'x' * 1001)")


def test_words_are_never_seen_by_a_shell(tmp_path: Path) -> None:
    words = ["a b", "$HOME", "*", ";touch x", "'\""]
    done = process.run(
        [PYTHON, "-c", "import sys; print(sys.argv[1:])", *words],
        cwd=tmp_path,
        logs=tmp_path / "logs",
        timeout_seconds=FAR,
    )
    assert done.stdout.strip() == str(words)


def test_a_path_that_is_no_utf_8_is_kept_as_its_bytes(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe4"))
    folder.mkdir()
    assert run(folder, "import os; print(os.getcwdb())").stdout.endswith("\\xe4'\n")
    assert (folder / "logs" / "command.txt").read_bytes().startswith(b"cwd: " + os.fsencode(folder) + b"\n")


def test_output_that_is_no_text_is_kept(tmp_path: Path) -> None:
    done = run(tmp_path, "import sys; sys.stdout.buffer.write(b'\\xff\\x00ok')")
    assert done.stdout == "\ufffd\x00ok"
    assert (tmp_path / "logs" / "stdout.txt").read_bytes() == b"\xff\x00ok"


def test_much_output_does_not_block_and_its_end_is_the_tail(tmp_path: Path) -> None:
    done = run(tmp_path, "print('x' * 1_000_000 + 'end')")
    assert len(done.stdout) == 1_000_004
    assert done.tail.endswith("xend")
    assert len(done.tail) <= process.TAIL_CHARACTERS


def test_input_is_empty_and_not_the_terminals(tmp_path: Path) -> None:
    assert run(tmp_path, "import sys; print(repr(sys.stdin.read()))").stdout == "''\n"


def test_the_environment_is_the_one_given(tmp_path: Path) -> None:
    done = process.run(
        [PYTHON, "-c", "import os; print(os.environ.get('HOME'), os.environ['ONLY'])"],
        cwd=tmp_path,
        logs=tmp_path / "logs",
        timeout_seconds=FAR,
        env={"ONLY": "this"},
    )
    assert done.stdout == "None this\n"


def test_a_missing_program_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        process.run(["no-such-tool"], cwd=tmp_path, logs=tmp_path / "logs", timeout_seconds=FAR)


def test_a_child_killed_from_outside_shows_its_signal(tmp_path: Path) -> None:
    done = run(tmp_path, "import os, signal; print('half', flush=True); os.kill(os.getpid(), signal.SIGKILL)")
    assert (done.returncode, done.stdout, done.timed_out) == (-signal.SIGKILL, "half\n", False)


def test_a_hang_is_ended_at_the_limit(tmp_path: Path) -> None:
    done = run(tmp_path, "import time; print('begun', flush=True); time.sleep(600)", timeout_seconds=1.0)
    assert done.timed_out
    assert done.returncode == -signal.SIGTERM


def test_a_hang_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)
    done = run(tmp_path, STUBBORN, timeout_seconds=1.0)
    assert done.timed_out
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("body", [MEEK, STUBBORN], ids=["meek", "stubborn"])
@pytest.mark.parametrize(("then", "limit"), [("", FAR), ("child.wait()", 3.0)], ids=["parent-ends", "parent-hangs"])
def test_no_grandchild_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, then: str, limit: float
) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)
    done = run(tmp_path, GRANDCHILD.format(body=body, then=then), timeout_seconds=limit)
    assert done.timed_out == bool(then)
    assert has_ended(int((tmp_path / "pid").read_text()))


INTERRUPTED = """\
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits that it is ignored
from tools.base import process
from tools.ascend.shards import run_on_devices
child = "import os, time; open('pid' + os.environ['D'], 'w').write(str(os.getpid())); time.sleep(600)"
def part(device, ids):
    here, env = Path(sys.argv[1]), {{"D": str(device)}}
    return process.run([sys.executable, "-c", child], cwd=here, logs=here / str(device), timeout_seconds=600, env=env)
{call}
"""
CALLS = {"one tool": "part(0, ())", "a tool on each device": "run_on_devices({0: ('a',), 1: ('b',)}, part)"}


def interrupt(folder: Path, call: str, number: signal.Signals) -> tuple[str, list[int]]:
    """Send a signal to a suite whose tools run; what it said on stderr, and the tools' pids."""
    program = [PYTHON, "-c", INTERRUPTED.format(call=CALLS[call]), str(folder)]
    suite = subprocess.Popen(program, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    names = ["pid0"] if call == "one tool" else ["pid0", "pid1"]
    while suite.poll() is None and not all((folder / name).is_file() for name in names):
        os.sched_yield()
    pids: list[int] = []
    while suite.poll() is None and len(pids) < len(names):
        pids = [int(text) for name in names if (text := (folder / name).read_text())]
    suite.send_signal(number)
    _, said = suite.communicate(timeout=60)
    assert pids
    return said, pids


@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_ends_every_tool_that_runs(tmp_path: Path, call: str) -> None:
    said, pids = interrupt(tmp_path, call, signal.SIGINT)
    assert "KeyboardInterrupt" in said
    assert all(map(has_ended, pids))


def test_a_second_ctrl_c_kills_every_tool_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one has told them to end, and they take their time."""
    deaf = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open("deaf", "w"); time.sleep(60)'
    folders = [tmp_path / name for name in "ab"]
    threads = [threading.Thread(target=run, args=(folder, deaf, 20.0)) for folder in folders]
    for folder, thread in zip(folders, threads, strict=True):
        folder.mkdir()
        thread.start()
    while not all((folder / "deaf").exists() for folder in folders):
        os.sched_yield()
    waits = subprocess.Popen.wait

    def interrupted(child: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return waits(child, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        process.end_running()
    for thread in threads:
        thread.join(10)
    assert [thread.is_alive() for thread in threads] == [False, False]


@pytest.mark.parametrize("call", CALLS)
def test_tools_of_a_killed_suite_end_with_it(tmp_path: Path, call: str) -> None:
    _, pids = interrupt(tmp_path, call, signal.SIGKILL)
    assert all(map(has_ended, pids))


def test_a_guard_in_somebody_elses_group_kills_nobody() -> None:
    # a group of its own for both, so that a guard that does kill fails this test and not the whole run
    start = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, {str(process.GUARD)!r}]).returncode)"
    done = subprocess.run(
        [PYTHON, "-IS", "-c", start], stdin=subprocess.DEVNULL, capture_output=True, process_group=0, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: this is no command")


def test_no_guard_is_left_behind(tmp_path: Path) -> None:
    run(tmp_path, "")
    told = [path.read_bytes() for path in Path("/proc/self/task").glob("*/children")]
    commands = [Path("/proc", pid.decode(), "cmdline").read_bytes() for text in told for pid in text.split()]
    assert not any(process.GUARD.name.encode() in command for command in commands)
