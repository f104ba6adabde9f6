"""`make` finds a Python that fits, says what is missing, and asks torch's own index once before the one it is given."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from tools.base.files import ROOT

INSTALL = ROOT / "install"
COMMANDS = ("sh", "rm", "touch", "mkdir", "chmod", "cat")
"""What the Makefile's recipes call beside Python; no Python of this machine is on the path of these tests."""
OLD, NEW = "import sys; sys.version_info = (3, 10, 13)", "import sys; sys.version_info = (3, 15, 0)"
FITS = "import sys; sys.version_info = (3, 12, 1)"
NO_ENSUREPIP = f"{FITS}; sys.modules['ensurepip'] = None"
OLD_GLIBC = f"{FITS}; import os; os.confstr = lambda name: 'glibc 2.27'"
MUSL = f"{FITS}; import os; os.confstr = lambda name: None"
ASKED = "torch==98.0\ntorchvision==99.0\nnumpy==1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The only folder on PATH: a few plain commands."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in COMMANDS:
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def stub(folder: Path, name: str, prelude: str, *, otherwise: str = "exit 1") -> None:
    """A Python that runs `-c` after the prelude, which makes it another one; `otherwise` is what else it does."""
    look = f'[ "$1" = -c ] && exec {sys.executable} -c "{prelude}\n$2"'
    (folder / name).write_text(f"#!/bin/sh\n{look}\n{otherwise}\n")
    (folder / name).chmod(0o755)


def found(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The answer of the script that looks for a Python."""
    script = ["sh", str(INSTALL / "find_python.sh"), *words]
    return subprocess.run(script, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("there", "first"),
    [
        ({"python3.11": FITS, "python3.12": FITS}, "python3.11"),
        ({"python3.11": NO_ENSUREPIP, "python3.13": FITS}, "python3.13"),
        ({"python3.11": "raise SystemExit(127)", "python3.14": FITS}, "python3.14"),  # a shim of pyenv
        ({"python3": FITS}, "python3"),
        ({"python3": MUSL}, "python3"),  # whether there are wheels for it, pip knows
    ],
)
def test_the_first_python_that_fits_is_taken(there: dict[str, str], first: str, path: Path) -> None:
    for name, prelude in there.items():
        stub(path, name, prelude)
    answer = found(path)
    assert (answer.stdout, answer.stderr, answer.returncode) == (f"{first}\n", "", 0)


@pytest.mark.parametrize(
    ("prelude", "why"),
    [
        (OLD, "python3 is Python 3.10"),
        (NEW, "python3 is Python 3.15"),
        (NO_ENSUREPIP, "python3 has no venv or no ensurepip (Debian and Ubuntu: apt install python3.12-venv)"),
        (OLD_GLIBC, "python3 runs on glibc 2.27, torch needs 2.28 or newer: use a container of a newer system"),
        ("raise SystemExit(127)", "python3 is there and does not run"),
    ],
)
def test_what_is_missing_is_said_in_one_line(prelude: str, why: str, path: Path) -> None:
    stub(path, "python3", prelude)
    answer = found(path)
    assert (answer.stdout, answer.returncode) == ("", 2)
    assert answer.stderr == (
        f"error: no Python 3.11 to 3.14 that can run the suite; {why}. "
        "Install one, or name it: make PYTHON=/path/to/python3\n"
    )


def test_no_python_at_all_names_what_was_looked_for(path: Path) -> None:
    assert "; not on PATH: python3.11 python3.12 python3.13 python3.14 python3. " in found(path).stderr


def test_the_one_that_is_named_wins(path: Path) -> None:
    stub(path, "python3.11", FITS)
    stub(path, "mine", FITS)
    assert found(path, "mine").stdout == "mine\n"
    assert "not on PATH: other" in found(path, "other").stderr


VENV_STUB = """
mkdir -p "$3/bin"
for name in python pip; do
    printf '#!/bin/sh\\necho "%s $*" >>"$CALLS"\\n' $name >"$3/bin/$name"
    chmod +x "$3/bin/$name"
done
[ -z "$BROKEN" ]
"""


def make(path: Path, folder: Path, target: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`make TARGET` on a copy of what it reads."""
    (folder / "install").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "install/find_python.sh"):
        shutil.copy(ROOT / name, folder / name)
    return subprocess.run(
        [str(shutil.which("make")), target, *words],
        cwd=folder,
        env={"PATH": str(path), "CALLS": str(folder / "calls"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_asks_torchs_index_before_it_installs(path: Path, tmp_path: Path) -> None:
    stub(path, "python3.13", FITS, otherwise=VENV_STUB)
    done = make(path, tmp_path / "checkout", ".venv/suite.stamp")
    assert done.returncode == 0, done.stderr
    assert "== virtual environment in .venv, of python3.13" in done.stdout
    assert (tmp_path / "checkout" / "calls").read_text().splitlines() == [
        "python install/torch_of_cpu.py requirements.txt https://download.pytorch.org/whl/cpu",
        "pip install --quiet --disable-pip-version-check -r requirements.txt",
    ]


def test_make_takes_the_python_and_the_index_that_are_named(path: Path, tmp_path: Path) -> None:
    stub(path, "python3.11", FITS)
    stub(path, "mine", FITS, otherwise=VENV_STUB)
    done = make(path, tmp_path / "checkout", ".venv/suite.stamp", "PYTHON=mine", "TORCH_INDEX=")
    assert "of mine" in done.stdout
    assert "python install/torch_of_cpu.py requirements.txt \n" in (tmp_path / "checkout" / "calls").read_text()


def test_an_environment_that_could_not_be_made_is_not_left(path: Path, tmp_path: Path) -> None:
    stub(path, "python3.11", FITS, otherwise=VENV_STUB)
    done = make(path, tmp_path / "checkout", ".venv/bin/python", BROKEN="1")
    assert done.returncode != 0
    assert not (tmp_path / "checkout" / ".venv").exists()


def test_make_ends_where_no_python_fits(path: Path, tmp_path: Path) -> None:
    stub(path, "python3", OLD)
    done = make(path, tmp_path / "checkout", "accept")
    assert done.returncode == 2
    assert "python3 is Python 3.10" in done.stderr
    assert not (tmp_path / "checkout" / ".venv").exists()


class Index(BaseHTTPRequestHandler):
    """A package index without packages: pip is not the real one."""

    def do_GET(self) -> None:
        """Any answer is one."""
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def index() -> Iterator[str]:
    """An index that answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/whl"
    server.shutdown()
    server.server_close()


def installs(folder: Path, index: str, *, requirements: str = ASKED, pip: int = 0) -> tuple[str, str]:
    """What the script printed, and the words that it gave to pip, which ends with the status `pip`."""
    fake = folder / "site" / "pip"
    fake.mkdir(parents=True)
    (fake / "__init__.py").touch()
    (fake / "__main__.py").write_text(
        f"import sys; open({str(folder / 'words')!r}, 'w').write(' '.join(sys.argv[1:])); sys.exit({pip})"
    )
    (folder / "requirements.txt").write_text(requirements)
    done = subprocess.run(
        [sys.executable, str(INSTALL / "torch_of_cpu.py"), str(folder / "requirements.txt"), index],
        env={"PYTHONPATH": str(fake.parent), "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, (folder / "words").read_text() if (folder / "words").exists() else ""


def test_an_index_that_answers_gives_both_or_neither(index: str, tmp_path: Path) -> None:
    said, words = installs(tmp_path, index)
    assert said == ""
    assert words == (
        f"install --quiet --disable-pip-version-check --no-deps --index-url {index} --timeout 5 --retries 0 "
        "torch==98.0 torchvision==99.0"
    )


def test_an_index_without_them_costs_a_line(index: str, tmp_path: Path) -> None:
    said, words = installs(tmp_path, index, pip=1)
    assert words
    assert said == (
        f"== {index}: pip cannot install from it; torch is taken from the index that pip is given "
        "(PyPI's is the CUDA build)\n"
    )


@pytest.mark.parametrize("index", ["http://127.0.0.1:9/whl", "http://no-such-host.invalid/whl", "file:///etc"])
def test_an_index_that_is_not_there_costs_a_line_and_no_call_of_pip(index: str, tmp_path: Path) -> None:
    said, words = installs(tmp_path, index)
    assert (said.startswith(f"== {index}: it does not answer; "), said.count("\n"), words) == (True, 1, "")


def test_nothing_is_asked_where_no_index_is_named(tmp_path: Path) -> None:
    assert installs(tmp_path, "") == ("", "")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """install/torch_of_cpu.py as a module."""
    spec = importlib.util.spec_from_file_location("torch_of_cpu", INSTALL / "torch_of_cpu.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_build_for_the_cpu_that_is_there_is_left_alone(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = {"torch": "2.13.0+cpu", "torchvision": "0.28.0"}
    monkeypatch.setattr(script.metadata, "version", versions.__getitem__)
    monkeypatch.setattr(script, "answers", lambda index: pytest.fail("the index was asked"))
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\ntorchvision==0.28.0\n")
    assert script.main([str(tmp_path / "requirements.txt"), "http://127.0.0.1:9"]) == 0
    assert capsys.readouterr().out == ""


def test_a_server_that_says_nothing_is_not_waited_for(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not script.answers(f"http://127.0.0.1:{silent.getsockname()[1]}/whl")


def test_the_versions_asked_for_are_those_of_the_requirements(script: ModuleType) -> None:
    asked = script.pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert asked.keys() == {"torch", "torchvision"}
    assert {name: script.installed(name) for name in asked} == asked
