"""The runner of the vendor's profiler: what it asks for, where it looks for tables, and what it refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from selftest.ascend.stubs import executable
from tools.ascend.msprof import profile_om
from tools.ascend.target import Target, TargetKind
from tools.base.errors import PerfError
from tools.judge.command_lines import read_inference
from tools.judge.texts.reading import InferTool

TABLE = "op_summary_0_1_1.csv"
OLDER = """
folder = Path(args["output"]) / "PROF_000001_1_X" / "device_0" / "summary"
folder.mkdir(parents=True, exist_ok=True)
"""
WRITES = f"(folder / '{TABLE}').write_text('words\\n')"


def target(env: dict[str, str]) -> Target:
    return Target(TargetKind.SIMULATOR, env, InferTool.BENCHMARK, Path("/tools/benchmark.x86_64"), "asked for")


def profiled(tmp_path: Path, body: str, **env: str) -> dict[str, str]:
    om = tmp_path / "tiny_bs4.om"
    om.write_bytes(b"om")
    found = target({**executable(tmp_path / "bin", "msprof", body), **env})
    work, logs = tmp_path / "work", tmp_path / "logs"
    return profile_om(found, om=om, batch=4, device=1, work=work, logs=logs, timeout_seconds=60)


def test_the_tables_of_older_releases_are_found_and_kept(tmp_path: Path) -> None:
    assert profiled(tmp_path, OLDER + WRITES) == {TABLE: "words\n"}
    assert (tmp_path / "logs" / "collect" / TABLE).read_text() == "words\n"
    said = read_inference((tmp_path / "logs" / "collect" / "command.txt").read_text().split("\n")[1:-1])
    assert (said.om, said.device, said.batch) == ("tiny_bs4", "1", "4")


def test_what_was_not_exported_is_exported(tmp_path: Path) -> None:
    later = "folder = next(Path(args['output']).glob('PROF*/*/summary'))\n" + WRITES
    body = f"if args.get('export'):\n    exec({later!r})\nelse:\n    exec({OLDER!r})\n"
    assert profiled(tmp_path, body) == {TABLE: "words\n"}
    assert (tmp_path / "logs" / "export" / "stdout.txt").is_file()


@pytest.mark.parametrize(
    ("body", "env", "said"),
    [
        (OLDER, {}, "left no table"),
        ("print('[ERROR] no driver')", {}, "no driver"),
        ("sys.exit(3)", {}, "exit code 3"),
        (OLDER + WRITES, {"ASCEND_RT_VISIBLE_DEVICES": "2,3"}, "not to be combined with ASCEND_RT_VISIBLE_DEVICES"),
    ],
)
def test_a_profile_that_cannot_be_made_is_told_at_its_gate(
    tmp_path: Path, body: str, env: dict[str, str], said: str
) -> None:
    with pytest.raises(PerfError, match=said) as caught:
        profiled(tmp_path, body, **env)
    assert caught.value.gate == "om.perf.operators[bs4]"


def test_a_command_that_the_profiler_would_take_apart_is_refused(tmp_path: Path) -> None:
    om = tmp_path / "odd;name.om"
    om.write_bytes(b"om")
    found = target(executable(tmp_path / "bin", "msprof", OLDER + WRITES))
    with pytest.raises(PerfError, match="odd characters"):
        profile_om(found, om=om, batch=4, device=0, work=tmp_path / "w", logs=tmp_path / "l", timeout_seconds=60)
    blank = dataclasses.replace(found, program=Path("/my tools/benchmark.x86_64"))
    plain = tmp_path / "plain.om"
    plain.write_bytes(b"om")
    with pytest.raises(PerfError, match="odd characters"):
        profile_om(blank, om=plain, batch=4, device=0, work=tmp_path / "w2", logs=tmp_path / "l2", timeout_seconds=60)
