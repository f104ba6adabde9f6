"""A variable that is meant for the suite and that it does not read ends every command before it does anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import accept_ports
from tools.base import cli
from tools.base.files import ROOT
from tools.base.language import Language, catalogue
from tools.base.variables import KNOWN, OF_OPTIONS, OPTIONS_ALONE
from tools.pipeline.options import FLAGS, VALUED

STRANGE = "no environment variable of the suite: "
EFFECT = "Rename it or unset it, it has no effect"


def test_the_variables_are_those_of_the_options() -> None:
    assert set(OF_OPTIONS) == set(VALUED)
    assert set(OPTIONS_ALONE) == {*FLAGS, "diagnose"}


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *names: str) -> str:
    """What a command says that is started with these variables, empty where it works."""
    for name in names:
        monkeypatch.setenv(name, "a-secret")
    status = cli.run(lambda: cli.EXIT_OK)
    said = capsys.readouterr().err
    assert status == (cli.EXIT_BAD_INPUT if said else cli.EXIT_OK)
    assert "a-secret" not in said
    assert said.count("\n") == bool(said)
    return said


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ACCEPTANCE_CHEKPOINT", "ACCEPTANCE_CHECKPOINT"),
        ("ACCEPTANCE_SCO", "ACCEPTANCE_SOC"),
        ("ACCEPTANCE_AIS_BENCH", "ACCEPTANCE_AIS_BENCH_PYTHON"),
        ("ACCEPTANCE_LANGUAGE", "ACCEPTANCE_LANG"),
        ("ACCEPTANCE_port", "ACCEPTANCE_PORT"),
        ("acceptance_target", "ACCEPTANCE_TARGET"),
        ("ACCEPTENCE_LIMIT", "ACCEPTANCE_LIMIT"),
        ("ACCEPTANCELIMIT", "ACCEPTANCE_LIMIT"),
        ("ACCEPTANCE_STRICT_ACCURACY", "--strict-accuracy"),
        ("ACCEPTANCE_DIAGNOSE", "--diagnose"),
    ],
)
def test_a_misspelt_variable_names_the_one_that_was_meant(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(monkeypatch, capsys, name) == f"error: {STRANGE}{name} (did you mean {meant}?). {EFFECT}\n"


@pytest.mark.parametrize("name", ["ACCEPTANCE_", "ACCEPTANCE_THRESHOLD_FILE"])
def test_one_that_is_like_none_names_all_that_there_are(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(monkeypatch, capsys, name)
    assert said.startswith(f"error: {STRANGE}{name}; allowed ACCEPTANCE_PORT, ")
    assert said.endswith(f"ACCEPTANCE_LANG. {EFFECT}\n")


def test_all_of_them_are_named_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(monkeypatch, capsys, "ACCEPTANCE_PROT", "ACCEPTANCE_NOTHING_LIKE_IT")
    assert f"{STRANGE}ACCEPTANCE_NOTHING_LIKE_IT, ACCEPTANCE_PROT (did you mean ACCEPTANCE_PORT?); allowed" in said


@pytest.mark.parametrize(
    "name", [*sorted(KNOWN - {"ACCEPTANCE_LANG"}), "ACCEPTANCE", "ACCEPT_EULA", "MY_ACCEPTANCE_PROT"]
)
def test_known_ones_and_those_of_others_are_none_of_its_business(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(monkeypatch, capsys, name) == ""


def test_it_is_said_in_chinese() -> None:
    said = catalogue(Language.CHINESE).say(f"{STRANGE}ACCEPTANCE_PROT (did you mean ACCEPTANCE_PORT?). {EFFECT}")
    assert said == "不是套件的环境变量：ACCEPTANCE_PROT（是想写 ACCEPTANCE_PORT 吗？）。请改名或取消设置，它不起作用"


# ---- every door


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "--sample", "tests"], 4),
        ([sys.executable, "-S", "-I", "tools/verify_bundle.py", "no-bundle"], 2),
        (["ci/ascend.sh", "setup"], 2),
    ],
    ids=["pytest", "the offline judge", "ci"],
)
def test_every_door_refuses_it(command: list[str], status: int, tmp_path: Path) -> None:
    (tmp_path / "make").write_text("#!/bin/sh\n", encoding="utf-8")  # the environment is there
    (tmp_path / "make").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "VENV": sys.prefix, "ACCEPTANCE_PROT": "resnet50"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert f"{STRANGE}ACCEPTANCE_PROT (did you mean ACCEPTANCE_PORT?). {EFFECT}" in done.stdout + done.stderr


def test_many_ports_are_not_begun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["accept_ports.py", "resnet50", f"--out={tmp_path / 'out'}"])
    monkeypatch.setenv("ACCEPTANCE_CASHE", str(tmp_path))
    assert cli.run(accept_ports.main) == cli.EXIT_BAD_INPUT
    assert "did you mean ACCEPTANCE_CACHE?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
