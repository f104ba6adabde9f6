"""A command that refuses its input ends with status 2 and one line on stderr, never with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from selftest.messages.extract import english
from tools.base import cli
from tools.base.errors import CheckpointError, ErrorRecord, SpecError, StageError, SuiteError
from tools.base.files import ROOT
from tools.base.wide import width, wrapped
from tools.judge.ids import CHECKPOINT_MD5

PROGRAMS = [path for path in (ROOT / "tools").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")]
COMMANDS = sorted(path.name for path in PROGRAMS if path.name != "process_guard.py")  # never started by hand
GUIDE = {"pth2onnx.py", "imagenet_torch_preprocess.py", "get_info.py", "vision_metric.py", "fetch_checkpoint.py"}


def test_the_guides_commands_are_there() -> None:
    assert set(COMMANDS) >= GUIDE


def fails(error: BaseException) -> Callable[[], int]:
    """A command's body that raises this."""

    def body() -> int:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            SuiteError("bad", where="a.txt", measured=0, allowed=1, fix="mend it"),
            "a.txt: bad; found 0; allowed 1. Mend it",
        ),
        (SuiteError("a name\nwith a line feed"), "a name with a line feed"),
        (PermissionError(13, "Permission denied", "/root/x"), "/root/x: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_a_refusal_is_one_line_and_status_2(error: Exception, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(fails(error)) == cli.EXIT_BAD_INPUT
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"error: {line}\n")


def test_success_passes_through(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(lambda: cli.EXIT_OK) == 0
    assert capsys.readouterr().err == ""


def test_an_interrupt_says_what_it_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(fails(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_a_programming_error_is_not_dressed_up_as_bad_input() -> None:
    with pytest.raises(AssertionError):
        cli.run(fails(AssertionError("a defect")))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_from_any_folder(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage:" in done.stdout


@pytest.mark.parametrize("command", ["get_info.py", "verify_bundle.py"])
def test_help_is_in_the_language_of_the_locale_and_no_wider_than_the_terminal(command: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / command, *(["bin"] if command == "get_info.py" else []), "--help"],
        env={**os.environ, "ACCEPTANCE_LANG": "zh", "COLUMNS": "60", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    usage, _, told = done.stdout.partition("\n\n")
    assert usage.startswith("用法：")
    assert "显示本帮助并退出" in told
    assert [line for line in told.splitlines() if english(line) or width(line) > 60] == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("一二三四，五", ["一二三", "四，五"]),
        ("一二abcdefg三", ["一二", "abcdefg", "三"]),
        ("", [""]),
    ],
)
def test_a_text_is_wrapped_by_the_columns_that_it_takes(text: str, lines: list[str]) -> None:
    assert wrapped(text, 8) == lines


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "verify_bundle.py"])  # it imports no cli.py
def test_every_command_refuses_an_unknown_option_in_one_line(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / command, "--no-such-option"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prot=x"], "unrecognized arguments: --prot=x (did you mean --port?). See t --help"),
        (["below", "--szie=1"], "unrecognized arguments: --szie=1 (did you mean --size?). See t --help"),
        (["--nothing-like-it"], "unrecognized arguments: --nothing-like-it. See t --help"),
    ],
)
def test_a_misspelt_option_of_a_command_names_the_one_that_was_meant(words: list[str], said: str) -> None:
    parser = cli.Parser(prog="t")
    parser.add_argument("--port")
    parser.add_subparsers().add_parser("below").add_argument("--size")
    with pytest.raises(SuiteError) as refused:
        parser.parse_args(words)
    assert str(refused.value) == said


def test_an_error_survives_as_data_in_its_own_class_and_words() -> None:
    error = CheckpointError("not it", gate="checkpoint.md5", where=Path("a.pth"), measured=0, fix="fetch it")
    again = SuiteError.from_record(error.record())
    assert type(again) is CheckpointError
    assert (str(again), again.gate) == (str(error), "checkpoint.md5")
    assert type(SuiteError.from_record(SpecError("typo").record())) is SpecError


def test_a_gate_with_a_type_of_its_own_is_plain_text_as_data() -> None:
    """Another worker gets the record as JSON from a library that knows no other texts."""
    record = CheckpointError("not it", gate=CHECKPOINT_MD5).record()
    assert type(record.gate) is str
    assert msgspec.json.decode(msgspec.json.encode(record), type=ErrorRecord) == record


def test_an_error_of_an_unknown_class_keeps_its_words() -> None:
    record = ErrorRecord(type="Elsewhere", what="w", where=None, measured="0", allowed=None, fix=None, gate=None)
    assert str(SuiteError.from_record(record)) == "w; found 0"


def test_a_stage_error_names_its_gate() -> None:
    with pytest.raises(TypeError, match="names the gate"):
        CheckpointError("no gate", gate=None)


def test_every_stage_has_one_error() -> None:
    stages = [error.stage for error in StageError.__subclasses__()]
    assert len(stages) == len(set(stages)) == 6
