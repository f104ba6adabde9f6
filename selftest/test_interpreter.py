"""The commands outside the suite's environment: each works with what that Python has, or says in one line what not.

On a device's host `python3` is CANN's, 3.7 to 3.11, with numpy or without.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from selftest.test_cli import COMMANDS, GUIDE
from tools.base.files import ROOT

GUARDED = [name for name in COMMANDS if name != "verify_bundle.py"]  # selftest/test_python_3_8.py holds it
EVERYWHERE = {"get_info.py": 9, "pack_judge.py": 8, "evidence_schema.py": 8, "vision_metric.py": 9}
"""Commands that run on an older Python than the suite: the minor version of 3.x."""
BARE = ("-S", "-I")
"""Python without any library but its own."""


def started(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A Python of its own, as somebody types it."""
    return subprocess.run([sys.executable, *words], cwd=cwd, capture_output=True, text=True, check=False)


def pretending(version: str, command: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command on a Python that says to be an older one, and has no library."""
    said = f"import sys, runpy; sys.version_info = {version}; sys.argv = {[command, *words]!r}"
    return started(
        *BARE, "-c", f"{said}; runpy.run_path({str(ROOT / 'tools' / command)!r}, run_name='__main__')", cwd=cwd
    )


@pytest.mark.parametrize("command", GUARDED)
def test_without_libraries_a_command_helps_or_names_what_it_needs(command: str, tmp_path: Path) -> None:
    done = started(*BARE, ROOT / "tools" / command, "--help", cwd=tmp_path)
    if done.returncode == 0:
        assert (done.stderr, "usage:" in done.stdout) == ("", True)
        return
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {command} needs ")
    assert "not installed in Python 3." in done.stderr
    assert f"{ROOT / '.venv/bin/python'}, which `make accept` sets up" in done.stderr


@pytest.mark.parametrize("command", GUARDED)
def test_an_older_python_reads_far_enough_to_say_so(command: str, tmp_path: Path) -> None:
    ast.parse((ROOT / "tools" / command).read_text(encoding="utf-8"), feature_version=(3, 7))
    done = pretending("(3, 7, 5)", command, "--help", cwd=tmp_path)
    oldest = EVERYWHERE.get(command, 11)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {command} needs Python 3.{oldest} or newer, and this is Python 3.7, ")


def test_what_says_so_is_itself_in_the_grammar_of_3_7() -> None:
    ast.parse((ROOT / "tools/base/interpreter.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_get_info_needs_no_library_for_bins(tmp_path: Path) -> None:
    (tmp_path / "bins").mkdir()
    (tmp_path / "bins" / "a.bin").touch()
    words = ("bin", "./bins", "out.info", "224", "224")
    done = pretending("(3, 9, 9)", "get_info.py", *words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.info").read_text() == "0 ./bins/a.bin 224 224\n"


@pytest.mark.parametrize(
    ("command", "words", "library"),
    [
        ("get_info.py", ("jpg", "images", "out.info"), "Pillow"),
        ("get_info.py", ("bin", "bins", "out.info"), "PyYAML"),
        ("vision_metric.py", ("--anno_file", "labels.txt"), "msgspec, numpy, tqdm"),
        ("pth2onnx.py", ("a.pth", "a.onnx"), "PyYAML"),
        ("fetch_checkpoint.py", (), "PyYAML"),
    ],
)
def test_what_is_missing_is_named_as_pip_knows_it(
    command: str, words: tuple[str, ...], library: str, tmp_path: Path
) -> None:
    for folder in ("images", "bins"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / {"images": "a.jpg", "bins": "a.bin"}[folder]).touch()
    done = started(*BARE, ROOT / "tools" / command, *words, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {command} needs {library}, not installed in Python 3.")
    assert f"(pip install {library.replace(',', '')}). Run it with " in done.stderr
    assert not (tmp_path / "out.info").exists()


def test_a_defect_is_not_dressed_up_as_a_missing_library(tmp_path: Path) -> None:
    said = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; from tools.base.interpreter import require; require()"
    for defect, words in (("import tools.nothing", "No module named 'tools.nothing'"), ("1 / 0", "ZeroDivisionError")):
        done = started("-c", f"{said}; {defect}", cwd=tmp_path)
        assert (done.returncode, "Traceback" in done.stderr, words in done.stderr) == (1, True, True)


def imported(command: str) -> list[Path]:
    """The suite's files that a command imports at its top, and those at theirs, itself among them."""
    found, left = set(), {ROOT / "tools" / command}
    while left:
        path = left.pop()
        found.add(path)
        body = ast.parse(path.read_text(encoding="utf-8")).body
        names = {node.module for node in body if isinstance(node, ast.ImportFrom) and node.module}
        names |= {
            f"{node.module}.{alias.name}" for node in body if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        files = {ROOT / f"{name.replace('.', '/')}.py" for name in names if name.partition(".")[0] == "tools"}
        left |= {file for file in files if file.is_file()} - found
    return sorted(found)


@pytest.mark.parametrize("command", [name for name, minor in EVERYWHERE.items() if minor == 9])
def test_the_guides_small_commands_are_no_newer_than_3_9(command: str) -> None:
    assert command in GUIDE
    files = imported(command)
    assert len(files) > 5
    for path in files:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    words = ["-c", "from vermin import main; main()", "-t=3.9-", "--violations", "--no-tips"]
    unused = ["--exclude", "hashlib.file_digest"]  # digests of artifacts, which these commands take of nothing
    done = subprocess.run(
        [sys.executable, *words, *unused, *map(str, files)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
