"""The generations of ais_bench share a name: each is run as it wants, wherever it was found, and a namesake is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from selftest.ascend.stubs import ais_bench_package, executable
from selftest.ascend.test_ais_bench import REPORT, RUN, _om
from tools.ascend.inference import run_pure
from tools.ascend.target import Target, choose_target
from tools.ascend.toolchain import toolchain
from tools.base.errors import OmError
from tools.judge.texts.reading import ThroughputReading

HELP = "print('--model')"
FIRST_HELP = "print('  --model MODEL, --om MODEL')"
FIRST_RUN = RUN.replace('args.get("batchsize", OM_BATCH)', 'args.get("batchsize", 1)')
NAMESAKE_HELP = "import sys\nprint('usage: ais_bench [--models MODELS] [--datasets DATASETS]')\n"


def package(site: Path, run: str = RUN, help_: str = HELP) -> dict[str, str]:
    """A published package in a folder; the environment that names it by PYTHONPATH."""
    env = ais_bench_package(site, run + REPORT)
    main = site / "ais_bench" / "__main__.py"
    main.write_text(main.read_text().replace(HELP, help_))
    return env


def language_models(site: Path) -> dict[str, str]:
    """The namesake: another program whose module has the same name."""
    (site / "ais_bench" / "benchmark").mkdir(parents=True)
    (site / "ais_bench" / "__init__.py").write_text("")
    (site / "ais_bench" / "__main__.py").write_text(NAMESAKE_HELP)
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site)}


def simulated(folder: Path, env: dict[str, str], python: Path | None = None) -> Target:
    """The simulator in an environment of the user's."""
    return choose_target("simulator", "ais_bench", env, folder / "root", ais_bench_python=python)


def pure(target: Target, folder: Path, batch: int = 4) -> ThroughputReading:
    """Pure inference of an OM of batch 4."""
    place = {"work": folder / "work", "logs": folder / "logs"}
    return run_pure(target, om=_om(folder), batch=batch, device=0, timeout_seconds=60, **place)


def test_the_first_generation_is_told_the_batch_that_it_would_take_for_1(tmp_path: Path) -> None:
    target = simulated(tmp_path, package(tmp_path / "site", FIRST_RUN, FIRST_HELP))
    assert pure(target, tmp_path).images_per_second_per_chip == 2000
    assert "--batchsize\n4\n" in (tmp_path / "logs" / "command.txt").read_text()


def test_a_later_one_takes_the_batch_from_the_om(tmp_path: Path) -> None:
    pure(simulated(tmp_path, package(tmp_path / "site")), tmp_path)
    assert "--batchsize" not in (tmp_path / "logs" / "command.txt").read_text()


def test_without_a_package_of_the_users_own_the_simulators_is_run(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}
    assert "site_ais_bench" in simulated(tmp_path, env).env["PYTHONPATH"]


def test_a_package_on_pythonpath_is_run_on_the_simulator_and_known_by_its_digest(tmp_path: Path) -> None:
    env = package(tmp_path / "site")
    target = simulated(tmp_path, env)
    assert pure(target, tmp_path).images_per_second_per_chip == 2000  # the stub's figure, not the simulator's
    before = toolchain(target, tmp_path, "run")
    (tmp_path / "site" / "ais_bench" / "added.py").write_text("x = 1\n")
    after = toolchain(target, tmp_path, "run")
    assert {name for name in before if before[name] != after[name]} == {"ais_bench"}


def test_a_package_of_the_named_interpreter_is_run_on_the_simulator(tmp_path: Path) -> None:
    package(tmp_path / "site")
    (tmp_path / "python").write_text(
        f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{tmp_path / "site"}" exec {sys.executable} "$@"\n'
    )
    (tmp_path / "python").chmod(0o755)
    target = simulated(tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path / "python")
    assert target.program == tmp_path / "python"
    assert pure(target, tmp_path).images_per_second_per_chip == 2000


def test_the_namesake_is_told_by_its_folder_on_the_simulator(tmp_path: Path) -> None:
    with pytest.raises(OmError, match="benchmark of language models") as caught:
        simulated(tmp_path, language_models(tmp_path / "site"))
    assert caught.value.gate == "om.toolkit"
    assert str(tmp_path / "site" / "ais_bench") in str(caught.value)
    assert "uninstall it" in str(caught.value)


def test_the_namesake_is_told_by_its_folder_on_a_device(tmp_path: Path) -> None:
    env = language_models(tmp_path / "site")
    (tmp_path / "root" / "dev").mkdir(parents=True)
    (tmp_path / "root" / "dev" / "davinci0").touch()
    for name in ("atc", "npu-smi", "python3"):
        executable(tmp_path / "bin", name, "")
    env["PATH"] = str(tmp_path / "bin")
    with pytest.raises(OmError, match="pip's ais_bench_benchmark"):
        choose_target("ascend", "ais_bench", env, tmp_path / "root")


def test_a_namesake_in_one_interpreter_does_not_hide_the_tool_in_another(tmp_path: Path) -> None:
    env = language_models(tmp_path / "site")
    executable(tmp_path / "bin", "python3", "if '--help' in sys.argv:\n    print('--model MODEL')\n")
    env["PATH"] = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    assert simulated(tmp_path, env).program == tmp_path / "bin" / "python3"
