"""Where any trace of Ascend is, nothing is simulated silently, and each missing piece is named with its remedy."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tools.ascend import target as target_module
from tools.ascend.benchmark import binary_name
from tools.ascend.target import Target, TargetKind, choose_target
from tools.ascend.toolkit import cann_version, driver_version, traces
from tools.base.errors import OmError
from tools.judge.texts.reading import InferTool

from .stubs import ais_bench_package, executable

EMPTY = {"PATH": "/nowhere"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a host without any trace of Ascend."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulator of empty programs in a private folder."""
    folder = tmp_path / "simulator"
    (folder / "bin").mkdir(parents=True)
    (folder / "site").mkdir()
    (folder / "site_ais_bench").mkdir()
    for name in ("atc", "npu-smi", binary_name()):
        executable(folder / "bin", name, "")
    monkeypatch.setattr(target_module, "SIMULATOR", folder)
    monkeypatch.setattr(target_module, "SIMULATOR_BIN", folder / "bin")
    monkeypatch.setattr(target_module, "SIMULATOR_SITE", folder / "site")
    monkeypatch.setattr(target_module, "SIMULATOR_AIS_BENCH", folder / "site_ais_bench")
    return folder


def _device(root: Path) -> None:
    (root / "dev").mkdir()
    (root / "dev" / "davinci0").touch()


def _tools(folder: Path, *names: str) -> dict[str, str]:
    folder.mkdir()
    for name in (*names, "python3"):  # which says that it lacks nothing
        executable(folder, name, "")
    return {"PATH": str(folder)}


def _refused(requested: str, env: dict[str, str], root: Path, infer_tool: str = "auto") -> str:
    with pytest.raises(OmError) as caught:
        choose_target(requested, infer_tool, env, root)
    assert caught.value.gate == "om.toolkit"
    return str(caught.value)


def test_a_cpu_box_has_no_trace(root: Path) -> None:
    assert traces(root, {"PATH": "/usr/bin", "ASCEND_SIMULATOR": "1", "ASCEND_SIMULATOR_FAULT": "x"}) == ()


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("dev/davinci0", "/dev/davinci0"),
        ("dev/davinci_manager", "/dev/davinci_manager"),
        ("usr/local/Ascend/ascend-toolkit", "/usr/local/Ascend/ascend-toolkit"),
        ("home/me/Ascend/latest", "/home/me/Ascend/latest"),
    ],
)
def test_each_trace_forbids_a_silent_simulator(root: Path, simulator: Path, made: str, named: str) -> None:
    (root / made).mkdir(parents=True)
    env = EMPTY | {"HOME": "/home/me"}
    assert traces(root, env) == (named,)
    assert f"NPU here ({named})" in _refused("auto", env, root)


def test_a_variable_is_a_trace(root: Path, simulator: Path) -> None:
    env = EMPTY | {"ASCEND_TOOLKIT_HOME": "/opt/cann", "ASCEND_EMPTY": ""}
    assert traces(root, env) == ("variable ASCEND_TOOLKIT_HOME",)
    assert "never simulated silently" in _refused("auto", env, root)


def test_ascend_on_a_cpu_box_fails_naming_everything_that_is_missing(root: Path, simulator: Path) -> None:
    message = _refused("ascend", EMPTY, root)
    assert "no trace of Ascend on this host, and --target ascend never simulates" in message
    assert "no /dev/davinci* device" in message
    assert "`atc` is not on PATH: source /usr/local/Ascend/ascend-toolkit/set_env.sh" in message
    assert "`npu-smi` is not on PATH" in message
    assert f"`{binary_name()}` is not on PATH" in message
    assert "no Python here runs `-m ais_bench`" in message


ALL = ("atc", "npu-smi", binary_name())


@pytest.mark.parametrize("missing", ALL)
def test_each_missing_piece_is_named_alone(root: Path, tmp_path: Path, missing: str) -> None:
    _device(root)
    message = _refused("auto", _tools(tmp_path / "tools", *(name for name in ALL if name != missing)), root)
    assert [f"`{name}` is not on PATH" in message for name in ALL] == [name == missing for name in ALL]


def test_a_whole_host_is_ascend(root: Path, tmp_path: Path) -> None:
    _device(root)
    env = _tools(tmp_path / "tools", *ALL)
    chosen = choose_target("auto", "auto", env, root)
    assert (chosen.kind, chosen.infer_tool) == (TargetKind.ASCEND, InferTool.BENCHMARK)
    assert chosen.program == tmp_path / "tools" / binary_name()
    assert dict(chosen.env) == env
    assert "/dev/davinci0" in chosen.why


def test_ais_bench_is_taken_where_it_is_what_is_installed(root: Path, tmp_path: Path) -> None:
    _device(root)
    env = _tools(tmp_path / "tools", "atc", "npu-smi")
    env["PYTHONPATH"] = ais_bench_package(tmp_path / "site", "")["PYTHONPATH"]
    chosen = choose_target("ascend", "auto", env, root)
    assert (chosen.infer_tool, chosen.program) == (InferTool.AIS_BENCH, Path(sys.executable))
    assert f"`{binary_name()}` is not on PATH" in _refused("ascend", env, root, "benchmark")


def test_the_asked_tool_is_the_one_that_must_be_there(root: Path, tmp_path: Path) -> None:
    _device(root)
    message = _refused("auto", _tools(tmp_path / "tools", *ALL), root, "ais_bench")
    assert "runs `-m ais_bench`" in message
    assert "not on PATH" not in message


def _simulated(root: Path, requested: str = "auto") -> Target:
    return choose_target(requested, "auto", EMPTY | {"PYTHONPATH": "/mine"}, root)


def test_a_cpu_box_simulates(root: Path, simulator: Path) -> None:
    chosen = _simulated(root)
    assert (chosen.kind, chosen.infer_tool) == (TargetKind.SIMULATOR, InferTool.BENCHMARK)
    assert chosen.why == "no trace of Ascend on this host"
    assert chosen.env["PATH"] == f"{simulator / 'bin'}:/nowhere"
    assert chosen.env["ASCEND_SIMULATOR_PYTHON"] == sys.executable
    assert chosen.env["PYTHONPATH"] == f"{simulator / 'site'}:{simulator / 'site_ais_bench'}:/mine"
    assert chosen.env["ASCEND_SIMULATOR"] == "1"
    assert shutil.which("atc", path=chosen.env["PATH"]) == str(simulator / "bin" / "atc")


def test_the_simulator_can_be_asked_for_on_an_ascend_host(root: Path, simulator: Path) -> None:
    _device(root)
    chosen = _simulated(root, "simulator")
    assert (chosen.kind, chosen.why) == (TargetKind.SIMULATOR, "asked for")


def test_a_simulator_without_the_asked_tool_is_an_error(root: Path, simulator: Path) -> None:
    (simulator / "bin" / binary_name()).unlink()
    assert "the simulator has no benchmark" in _refused("simulator", EMPTY, root, "benchmark")


@pytest.mark.parametrize("way", ["PATH", "PYTHONPATH", "variable"])
def test_a_real_run_never_finds_the_simulator(root: Path, tmp_path: Path, simulator: Path, way: str) -> None:
    _device(root)
    env = _tools(tmp_path / "tools", *ALL)
    if way == "PATH":
        env["PATH"] = f"{simulator / 'bin'}:{env['PATH']}"
    elif way == "PYTHONPATH":
        env["PYTHONPATH"] = str(simulator / "site")
    else:
        env["ASCEND_SIMULATOR"] = "1"
    assert "leads to the simulator" in _refused("ascend", env, root)


def test_the_simulator_of_another_clone_is_refused_too(root: Path, tmp_path: Path) -> None:
    _device(root)
    env = _tools(tmp_path / "tools", *ALL)
    other = tmp_path / "other-clone"
    other.mkdir()
    (other / "atc").write_text('#!/bin/sh\nexec "${ASCEND_SIMULATOR_PYTHON:-python3}" elsewhere.py\n')
    (other / "atc").chmod(0o755)
    env["PATH"] = f"{other}:{env['PATH']}"
    assert "leads to the simulator" in _refused("ascend", env, root)


@pytest.mark.parametrize(("requested", "tool"), [("gpu", "auto"), ("auto", "msame")])
def test_unknown_words_are_refused(root: Path, requested: str, tool: str) -> None:
    assert "unknown" in _refused(requested, EMPTY, root, tool)


def test_versions_of_toolkit_and_driver(root: Path) -> None:
    assert cann_version(root, {}) is None
    assert driver_version(root) is None
    home = root / "usr/local/Ascend/ascend-toolkit/latest/x86_64-linux"
    home.mkdir(parents=True)
    (home / "ascend_toolkit_install.info").write_text("package_name=Ascend-cann-toolkit\nversion=6.0.RC1\n")
    (root / "usr/local/Ascend/driver").mkdir()
    (root / "usr/local/Ascend/driver/version.info").write_text("Version=22.0.2\nascendhal_version=4\n")
    assert cann_version(root, {}) == "6.0.RC1"
    assert driver_version(root) == "22.0.2"


def test_the_version_is_that_of_the_toolkit_in_the_environment(root: Path) -> None:
    home = root / "opt/cann/aarch64-linux"
    home.mkdir(parents=True)
    (home / "ascend_toolkit_install.info").write_text("version=8.0.0\n")
    assert cann_version(root, {"ASCEND_TOOLKIT_HOME": "/opt/cann"}) == "8.0.0"


CANN_9 = "usr/local/Ascend/cann-9.1.0"


def _linked(root: Path, *names: str) -> None:
    """`/usr/local/Ascend/cann` and the older links lead to the folder of the release."""
    for name in names:
        link = root / "usr/local/Ascend" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(root / CANN_9)


@pytest.mark.parametrize("links", [("cann",), ("cann", "ascend-toolkit/latest"), ("ascend-toolkit/latest",)])
@pytest.mark.parametrize(
    ("file", "text", "version"),
    [
        ("aarch64-linux/ascend_toolkit_install.info", "package_name=x\nversion=9.1.0\ninnerversion=V1\n", "9.1.0"),
        ("compiler/version.info", "Version=7.7.0.1.238\nversion_dir=8.1.RC1\n", "8.1.RC1"),
        ("aarch64-linux/compiler/version.info", "Version=7.7.0.1.238\nversion_dir=8.1.RC1\n", "8.1.RC1"),
        ("set_env.sh", "", "9.1.0"),
    ],
)
def test_the_version_under_the_folder_of_cann_8_5_and_later(
    root: Path, links: tuple[str, ...], file: str, text: str, version: str
) -> None:
    (root / CANN_9 / file).parent.mkdir(parents=True)
    (root / CANN_9 / file).write_text(text)
    _linked(root, *links)
    assert cann_version(root, {}) == version


def test_the_install_info_goes_before_what_stands_beside_it(root: Path) -> None:
    for file, text in (("x86_64-linux/ascend_toolkit_install.info", "version=8.5.0\n"), ("compiler/version.info", "")):
        (root / CANN_9 / file).parent.mkdir(parents=True)
        (root / CANN_9 / file).write_text(text)
    _linked(root, "cann")
    assert cann_version(root, {"ASCEND_HOME_PATH": "/usr/local/Ascend/cann-9.1.0"}) == "8.5.0"


def test_without_atc_the_script_that_is_there_is_named(root: Path, simulator: Path) -> None:
    (root / "usr/local/Ascend/cann").mkdir(parents=True)
    (root / "usr/local/Ascend/cann/set_env.sh").touch()
    assert "`atc` is not on PATH: source /usr/local/Ascend/cann/set_env.sh" in _refused("ascend", EMPTY, root)
