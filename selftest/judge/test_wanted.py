"""A bundle of another run than the reader expects is refused, however good it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftest.evidence.bundles import RUN, Made, World
from tools.judge.files import Refused
from tools.judge.verify import OK, REFUSED, main
from tools.judge.wanted import utc


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An accepted bundle, begun at 2026-01-01T00:00:00+00:00."""
    small = World(images=60, margin_pp=20.0, tight_pp=19.0, batches=(1,), runs=2)
    return Made(small).write(tmp_path_factory.mktemp("wanted") / "bundle")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--run-id", RUN], ""),
        (["--run-id", "0" * 32], f"of run '{RUN}', which no --run-id names"),
        (["--run-id", RUN, "--run-id", "0" * 32], f"no bundle is of run '{'0' * 32}', which --run-id names"),
        (["--not-before", "2026-01-01T00:00:00Z"], ""),
        (["--not-before", "2026-01-01T01:00:00+01:00"], ""),
        (["--not-before", "2026-01-01T00:00:01Z"], "--not-before says 2026-01-01T00:00:01+00:00: of an earlier run"),
        (
            ["--not-before", "2026-01-01T00:00:01"],
            "error: --not-before '2026-01-01T00:00:01' does not say its distance",
        ),
        (["--not-before", "yesterday"], "error: --not-before 'yesterday' is no time"),
    ],
)
def test_only_the_run_that_is_asked_for_is_judged(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), *words]) == (REFUSED if said else OK)
    printed = capsys.readouterr().out
    assert said in printed
    assert said or f"bundle {folder}: run {RUN}, finished 2026-01-01" in printed


def test_a_time_without_its_zone_is_no_time() -> None:
    assert utc("2026-01-01T00:00:00Z") == utc("2026-01-01T00:00:00+00:00")
    with pytest.raises(Refused):
        utc("")
