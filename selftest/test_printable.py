"""Whatever other programs and files say, an error of the suite is one printable line of bounded length."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from tools.base import cli
from tools.base.errors import CheckpointError, SuiteError
from tools.judge.verify import main as verify

HOSTILE = "\x1b[31mred\x1b[0m\n\tnext\x9b2J\u2028line \udcff"
SHOWN = r"\x1b[31mred\x1b[0m next\x9b2J line \udcff"


def test_every_part_of_an_error_is_printable_and_on_one_line() -> None:
    error = SuiteError(HOSTILE, where=HOSTILE, measured=HOSTILE, allowed=HOSTILE, fix=f"do {HOSTILE}")
    assert str(error) == f"{SHOWN}: {SHOWN}; found {SHOWN}; allowed {SHOWN}. Do {SHOWN}"
    assert str(error).isprintable()


def test_no_part_hides_the_others_by_its_length() -> None:
    long = "x" * 1_000_000
    error = CheckpointError(long, gate="checkpoint.loads", where=long, measured=long, allowed=long, fix="mend it")
    assert len(str(error)) < 10_000
    assert str(error).endswith("x…. Mend it")


def test_an_error_of_the_system_is_printable_too(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise OSError(HOSTILE)

    assert cli.run(fail) == cli.EXIT_BAD_INPUT
    assert capsys.readouterr().err == f"error: {SHOWN}\n"


def test_an_error_is_the_same_in_another_worker() -> None:
    error = CheckpointError(HOSTILE, gate="checkpoint.loads", measured=HOSTILE)
    assert str(SuiteError.from_record(error.record())) == str(error)


def _fails() -> int:
    raise SuiteError("没有这个目录…")


def _prints() -> int:
    print("10 张图片…")
    return cli.EXIT_OK


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    ("command", "status", "begins"),
    [
        (lambda: cli.run(_fails), 2, "error: \\u6ca1"),
        (lambda: cli.run(_prints), 0, "10 \\u5f20"),
        (lambda: verify(["没有", "--lang=zh"]), 2, "\\u6ca1\\u6709\\uff1a"),
        (lambda: verify(["没有"]), 2, "\\u6ca1\\u6709: no such folder"),
    ],
)
def test_what_a_terminal_has_no_letter_for_changes_no_exit_status(
    command: Callable[[], int], status: int, begins: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which would be 1, REJECTED, of any traceback."""
    terminal = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(terminal, encoding=encoding, write_through=True))
    assert command() == status
    assert terminal.getvalue().startswith(begins.encode())
