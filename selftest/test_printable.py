"""Whatever other programs and files say, an error of the suite is one printable line of bounded length."""

from __future__ import annotations

import pytest

from tools.base import cli
from tools.base.errors import CheckpointError, SuiteError

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
