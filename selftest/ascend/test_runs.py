"""Whatever goes wrong around a vendor tool, its place, its end or its dumps, is one error that names it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.ascend.runs import (
    ONE_OUTPUT,
    Outputs,
    Place,
    check_dumps,
    ending,
    private_folder,
    reproduce,
    require_file,
    run_tool,
    tail,
)
from tools.base.errors import OmError
from tools.base.process import Completed
from tools.judge.tool_texts import error_lines

from .stubs import executable

GATE = "om.ran[bs1]"


def completed(stdout: str = "", *, returncode: int = 0, timed_out: bool = False, stderr: str = "") -> Completed:
    """A child that ended so."""
    return Completed(("tool",), returncode, stdout, stderr, 0.0, timed_out)


def refused(call: Callable[[], object]) -> str:
    """The words of the OmError."""
    with pytest.raises(OmError) as caught:
        call()
    assert caught.value.gate == GATE
    return str(caught.value)


def test_a_working_folder_is_made_and_private(tmp_path: Path) -> None:
    work = private_folder(tmp_path / "a" / "b", GATE)
    assert work.is_dir()
    assert private_folder(work, GATE) == work


def test_results_of_an_earlier_run_are_named_and_not_mixed_in(tmp_path: Path) -> None:
    (tmp_path / "old.txt").touch()
    assert "the working folder holds files of an earlier run; found old.txt" in refused(
        lambda: private_folder(tmp_path, GATE)
    )


def test_a_place_where_no_folder_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = refused(lambda: private_folder(tmp_path / "file" / "work", GATE))
    assert said == f"{tmp_path / 'file' / 'work'}: cannot make the working folder: Not a directory"


def test_a_read_only_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert "cannot make the working folder: Permission denied" in refused(lambda: private_folder(tmp_path / "w", GATE))


TRANSCRIPTS = Path(__file__).parent / "transcripts"


@pytest.mark.parametrize("name", ["my work", "tab\there", "line\nfeed"])
def test_white_space_in_a_path_is_refused_before_a_tool_splits_at_it(tmp_path: Path, name: str) -> None:
    assert "white space in its path" in refused(lambda: private_folder(tmp_path / name, GATE))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_or_empty_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.om"
    if content is not None:
        path.write_bytes(content)
    assert "the OM is missing or empty" in refused(lambda: require_file(path, GATE, "the OM"))


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (completed(), None),
        (completed(returncode=3), "ended with exit code 3"),
        (completed(returncode=-signal.SIGKILL), "was killed (exit code -9), most likely out of memory"),
        (completed(returncode=137), "was killed (exit code 137), most likely out of memory"),
        (completed(returncode=-signal.SIGSEGV), "was ended by signal 11"),
        (completed(returncode=-15, timed_out=True), "did not end within 60 s and was ended (hang)"),
        (completed(stderr="libascend_hal.so: cannot open", returncode=127), "cannot load libascend_hal.so: on a host"),
        (
            completed(
                stderr="/usr/bin/atc.bin: error while loading shared libraries: libge_compiler.so: cannot open shared",
                returncode=127,
            ),
            "cannot load libge_compiler.so: source the toolkit's set_env.sh",
        ),
    ],
)
def test_how_a_child_ended_in_words(done: Completed, words: str | None) -> None:
    said = ending(done, 60)
    assert said is None if words is None else words in str(said)


def test_a_library_that_is_merely_named_is_no_failure() -> None:
    text = (TRANSCRIPTS / "atc_warn_hal_then_success.txt").read_text(encoding="utf-8")
    assert ending(completed(text), 60) is None
    assert ending(completed(text, returncode=1), 60) == "ended with exit code 1"


def test_a_librarys_own_log_is_not_the_tools_error() -> None:
    slog = (TRANSCRIPTS / "slog.txt").read_text(encoding="utf-8")
    assert error_lines(slog) == ()
    assert error_lines(f"{slog}\n[ERROR] load model failed\n10%[ERROR] GE is gone") == (
        "[ERROR] load model failed",
        "[ERROR] GE is gone",
    )


def test_error_lines_that_differ_in_digits_alone_are_all_kept() -> None:
    assert tail(completed("[ERROR] image 1\n[ERROR] image 2\n10%\n20%\nE10001: 3\nE10001: 4\n")) == (
        "[ERROR] image 1 / [ERROR] image 2 / 20% / E10001: 3 / E10001: 4"
    )


def test_of_a_progress_bar_the_last_state_is_kept() -> None:
    assert tail(completed("start\n10% done\r20% done\r100% done\nend\n")) == "start / 100% done / end"
    assert tail(completed()) == "(nothing printed)"


def test_how_to_reproduce_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    place = Place(os.environ, tmp_path, tmp_path / "logs", 60)
    said = reproduce(["atc", "--input_shape=x:1,3", "a'b"], place)
    assert said == (
        f"reproduce with: cd \"$(mktemp -d)\" && atc --input_shape=x:1,3 'a'\"'\"'b'; both streams: {tmp_path / 'logs'}"
    )


def run(tmp_path: Path, body: str, timeout_seconds: float = 600) -> Completed:
    """Run this program as a vendor tool."""
    env = executable(tmp_path / "bin", "tool", body)
    work = tmp_path / "work"
    work.mkdir()
    place = Place(env, work, tmp_path / "logs", timeout_seconds)
    return run_tool([tmp_path / "bin" / "tool", "--x"], place, error=OmError, gate=GATE)


def test_a_clean_end_is_clean(tmp_path: Path) -> None:
    assert run(tmp_path, "print('done')").stdout == "done\n"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "`tool` was killed"),
        ("print('[ERROR] one sample dropped')", "reported an error although its exit code is 0"),
        ("raise OSError(28, 'No space left on device')", "No space left on device"),
        ("sys.exit(1)", "ended with exit code 1; output ends: (nothing printed)"),
    ],
)
def test_any_other_end_is_refused_with_what_the_tool_said(tmp_path: Path, body: str, named: str) -> None:
    said = refused(lambda: run(tmp_path, body))
    assert named in said
    assert 'Reproduce with: cd "$(mktemp -d)" && ' in said


def test_a_tool_that_is_not_there_is_named(tmp_path: Path) -> None:
    place = Place({}, tmp_path, tmp_path / "logs", 600)
    said = refused(lambda: run_tool([tmp_path / "none", "--x"], place, error=OmError, gate=GATE))
    assert said.startswith(f"`{tmp_path / 'none'}` cannot be run: No such file or directory. Reproduce with: ")


DUMPS: dict[str, tuple[dict[str, bytes], str]] = {
    "one lost": ({"a_0.txt": b"1"}, "1 missing in the dumps (b_0.txt)"),
    "one of another run": ({"a_0.txt": b"1", "b_0.txt": b"1", "z_0.txt": b"1"}, "1 not in the input (z_0.txt)"),
    "all of another run": ({"y_0.txt": b"1", "z_0.txt": b"1"}, "2 missing in the dumps"),
    "one empty": ({"a_0.txt": b"1", "b_0.txt": b""}, "1 dumps are empty (b_0.txt)"),
    "none": ({}, "2 missing in the dumps"),
}


@pytest.mark.parametrize("dumps", DUMPS)
def test_dumps_are_exactly_those_of_the_input(tmp_path: Path, dumps: str) -> None:
    files, named = DUMPS[dumps]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    said = refused(lambda: check_dumps(tmp_path, ["a_0.txt", "b_0.txt"], batch=1, completed=completed()))
    assert named in said


def test_whole_dumps_pass_and_a_folder_that_is_not_there_does_not(tmp_path: Path) -> None:
    (tmp_path / "a_0.txt").write_bytes(b"1")
    check_dumps(tmp_path, ["a_0.txt"], batch=1, completed=completed())
    none = tmp_path / "none"
    assert "1 missing" in refused(lambda: check_dumps(none, ["a_0.txt"], batch=1, completed=completed()))


@pytest.mark.parametrize(("judged", "first"), [(0, 0), (1, 0), (2, 1)])
def test_of_several_outputs_the_dumps_of_the_judged_one_are_kept(tmp_path: Path, judged: int, first: int) -> None:
    outputs = Outputs(count=3, judged=judged)
    assert list(outputs.numbers(first)) == [first, first + 1, first + 2]
    for number in outputs.numbers(first):
        (tmp_path / f"a_{number}.bin").write_bytes(b"1")
        (tmp_path / f"b_{number}.bin").write_bytes(b"1")

    def names(number: int) -> tuple[str, str]:
        return f"a_{number}.bin", f"b_{number}.bin"

    outputs.take(tmp_path, names, first, batch=1, completed=completed())
    kept = [f"{name}_{first + judged}.bin" for name in "ab"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def test_the_dumps_of_the_only_output_are_all_kept(tmp_path: Path) -> None:
    (tmp_path / "a_1.bin").write_bytes(b"1")
    ONE_OUTPUT.take(tmp_path, lambda number: (f"a_{number}.bin",), 1, batch=1, completed=completed())
    assert [path.name for path in tmp_path.iterdir()] == ["a_1.bin"]
