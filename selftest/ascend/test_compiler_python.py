"""Vendor tools run in the user's environment, not in the suite's; atc's operator compiler needs a Python of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from selftest.ascend.stubs import executable
from selftest.ascend.test_target import ALL, _device, _refused, _tools
from tools.ascend.compiler_python import compiler_python_problem, outside_own_environment
from tools.ascend.target import choose_target

LACKS = "print('decorator attr scipy')"


def on_path(folder: Path, **pythons: str) -> dict[str, str]:
    """A PATH of one folder that holds these interpreters, each by what it answers."""
    for name, body in pythons.items():
        executable(folder, name.replace("_", "."), body)
    return {"PATH": str(folder)}


@pytest.mark.parametrize("written", ["{venv}/bin:/usr/bin:{venv}/bin:/mine", "/usr/bin:{venv}/bin:/mine"])
def test_the_suites_own_environment_is_left(written: str, tmp_path: Path) -> None:
    env = {
        "PATH": written.format(venv=tmp_path),
        "VIRTUAL_ENV": str(tmp_path),
        "VIRTUAL_ENV_PROMPT": "suite",
        "PYTHONPATH": "/usr/local/Ascend/python",
        "LD_LIBRARY_PATH": "/usr/local/Ascend/lib64",
    }
    assert outside_own_environment(env, tmp_path) == {
        "PATH": "/usr/bin:/mine",
        "PYTHONPATH": "/usr/local/Ascend/python",
        "LD_LIBRARY_PATH": "/usr/local/Ascend/lib64",
    }


def test_an_environment_of_the_users_own_stays(tmp_path: Path) -> None:
    env = {"PATH": "/home/me/cann/bin:/usr/bin", "VIRTUAL_ENV": "/home/me/cann"}
    assert outside_own_environment(env, tmp_path) == env


def test_children_do_not_see_the_environment_that_the_suite_runs_in(tmp_path: Path) -> None:
    if sys.prefix == sys.base_prefix:
        pytest.fail("the self-tests run in a virtual environment, see the README")
    env = {"PATH": os.pathsep.join((str(Path(sys.prefix, "bin")), "/usr/bin")), "VIRTUAL_ENV": sys.prefix}
    chosen = choose_target("simulator", "auto", env, tmp_path)
    assert str(Path(sys.prefix, "bin")) not in chosen.env["PATH"].split(os.pathsep)
    assert "VIRTUAL_ENV" not in chosen.env


def test_a_python_that_lacks_nothing_is_no_problem(tmp_path: Path) -> None:
    assert compiler_python_problem(on_path(tmp_path, python3="")) == ""
    assert compiler_python_problem(on_path(tmp_path, python3=LACKS, python3_7="")) == ""  # CANN 5 runs python3.7


def test_what_the_best_one_lacks_is_named_with_how_to_get_it(tmp_path: Path) -> None:
    said = compiler_python_problem(on_path(tmp_path, python3=LACKS, python3_9="print('psutil')"))
    assert said.startswith(f"{tmp_path}/python3.9 lacks psutil, which atc's operator compiler needs: ")
    said = compiler_python_problem(on_path(tmp_path / "one", python3=LACKS))
    assert "python3 lacks decorator, attr, scipy, which" in said
    assert f"`{tmp_path}/one/python3 -m pip install decorator attrs scipy`" in said


@pytest.mark.parametrize("body", ["raise SystemExit(3)", "import signal\nos.kill(os.getpid(), signal.SIGKILL)"])
def test_one_that_does_not_start_is_none(body: str, tmp_path: Path) -> None:
    assert compiler_python_problem(on_path(tmp_path, python3=body)).startswith("there is no `python3` on PATH")


def test_a_real_interpreter_is_asked(tmp_path: Path) -> None:
    """numpy is there, for the suite needs it; what else the compiler needs is not among its packages."""
    (tmp_path / "python3").symlink_to(sys.executable)
    assert "numpy" not in compiler_python_problem({"PATH": str(tmp_path)}).split("which")[0]


def _numpy(folder: Path, version: str) -> dict[str, str]:
    """A real interpreter that finds all that the compiler needs, with this version of numpy."""
    for name in ("decorator", "attr", "psutil", "scipy", "numpy"):
        (folder / "site" / name).mkdir(parents=True)
        (folder / "site" / name / "__init__.py").write_text(f"__version__ = {version!r}\n")
    (folder / "python3").symlink_to(sys.executable)
    return {"PATH": str(folder), "PYTHONPATH": str(folder / "site")}


@pytest.mark.parametrize("release", ["8.0.RC2", "8.1.RC1", "8.0.0"])
def test_numpy_2_is_refused_for_the_releases_that_die_of_it(tmp_path: Path, release: str) -> None:
    said = compiler_python_problem(_numpy(tmp_path, "2.4.1"), release)
    assert "python3 lacks numpy<2, which atc's operator compiler needs" in said
    assert "-m pip install 'numpy<2'`" in said


@pytest.mark.parametrize(
    ("version", "release"), [("1.26.4", "8.1.RC1"), ("2.5.1", "9.1.0"), ("2.4.1", "8.5.0"), ("2.4.1", None)]
)
def test_other_releases_take_either_and_those_take_numpy_1(tmp_path: Path, version: str, release: str | None) -> None:
    assert compiler_python_problem(_numpy(tmp_path, version), release) == ""


def test_a_host_without_one_is_refused_before_atc_runs(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    _device(tmp_path / "root")
    env = _tools(tmp_path / "tools", *ALL)
    executable(tmp_path / "tools", "python3", LACKS)
    assert "python3 lacks decorator, attr, scipy" in _refused("ascend", env, tmp_path / "root")
