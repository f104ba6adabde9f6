"""`pytest --images DIR` may be written with a space, as everybody does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.base.files import ROOT
from tools.pipeline.options import joined, misspelt
from tools.sample.images import IMAGES_FOLDER, LABEL_FILE, write_images


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--images", "a b", "--labels", "c"], ["--images=a b", "--labels=c"]),
        (["--images=a", "--labels", "c"], ["--images=a", "--labels=c"]),
        (["-m", "perf", "--limit", "8", "-v"], ["-m", "perf", "--limit=8", "-v"]),
        (["--infer-tool", "ais_bench", "tests/test_om.py"], ["--infer-tool=ais_bench", "tests/test_om.py"]),
        (["--sample", "tests"], ["--sample", "tests"]),
        (["--limit"], ["--limit"]),
        (["--limit=8"], ["--limit=8"]),
        (["--cache", "--weird"], ["--cache=--weird"]),
        ([], []),
    ],
)
def test_an_option_and_its_value_become_one_word(words: list[str], expected: list[str]) -> None:
    assert joined(words) == expected
    assert joined(expected) == expected


@pytest.mark.parametrize("start", [[sys.executable, "-m", "pytest"], [str(Path(sys.executable).with_name("pytest"))]])
def test_options_with_spaces_reach_the_run(start: list[str], tmp_path: Path) -> None:
    data = tmp_path / "my photos"
    write_images(data, 9)
    options = {
        "--images": data / IMAGES_FOLDER,
        "--labels": data / LABEL_FILE,
        "--limit": "8",
        "--cache": tmp_path / "cache",
        "--evidence": tmp_path / "evidence",
    }
    words = [str(word) for pair in options.items() for word in pair]
    done = subprocess.run(
        [*start, *words, "-m", "preprocessing", "-k", "ids or belong", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"data: {data / IMAGES_FOLDER} (as asked), first 8 images" in done.stdout
    assert "1 passed" in done.stdout
    assert (tmp_path / "evidence" / "acceptance.json").is_file()


OTHER = "print('code of another checkout', flush=True)\n"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another checkout of the suite, as far as pytest sees one; each of its files says so when it is run."""
    for name in ("conftest.py", "fixtures/__init__.py", "fixtures/argv.py", "tools/__init__.py", "tests/test_x.py"):
        path = tmp_path / "other" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(OTHER, encoding="utf-8")
    (tmp_path / "other" / "pytest.ini").write_text("[pytest]\npythonpath = .\ntestpaths = tests\n", encoding="utf-8")
    (tmp_path / "other" / "build" / "evidence").mkdir(parents=True)
    return tmp_path / "other"


def collected(here: Path, *words: object, start: str = "pytest") -> tuple[int, str]:
    """Exit status and output of a collection that was started in a folder of this checkout."""
    program = [str(Path(sys.executable).with_name("pytest"))] if start == "pytest" else [sys.executable, "-m", "pytest"]
    words = (*program, "--collect-only", "-q", "-p", "no:cacheprovider", *words)
    done = subprocess.run(list(map(str, words)), cwd=here, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("start", ["pytest", pytest.param("python -m pytest", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("here", [ROOT, pytest.param(ROOT / "tests", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("option", ["--checkpoint", "--images", "--cache"])
def test_an_option_that_names_another_checkout_runs_none_of_its_code(
    option: str, here: Path, start: str, other: Path
) -> None:
    both = ["--labels", other / "pytest.ini"] if option == "--images" else []
    code, said = collected(here, option, other / "build" / "evidence", *both, start=start)
    assert "code of another checkout" not in said
    assert (code, "test_checkpoint_exports" in said) == (0, True)


def test_a_baseline_in_another_checkout_is_read_and_its_code_is_not_run(other: Path) -> None:
    code, said = collected(ROOT, "--baseline", other / "build" / "evidence")
    assert (code, "code of another checkout" in said) == (pytest.ExitCode.USAGE_ERROR, False)
    assert "MANIFEST.sha256 is missing" in said


@pytest.mark.parametrize("here", [ROOT, ROOT / "tests"])
def test_a_misspelt_option_runs_no_code_of_the_folder_that_it_names(here: Path, other: Path) -> None:
    code, said = collected(here, "--basline", other / "build" / "evidence")
    assert (code, "code of another checkout" in said) == (pytest.ExitCode.USAGE_ERROR, False)
    assert f"no tests of this checkout lie there, {ROOT}; --basline is no option of the suite, --baseline is" in said


def test_an_environment_of_one_checkout_serves_another_with_modules_of_its_own(tmp_path: Path) -> None:
    """It lacks the modules that this checkout has, as an older one does."""
    own = "def pytest_load_initial_conftests(early_config):\n    print('its own', flush=True)\n    return (yield)\n"
    installed = ROOT / "fixtures" / "installed" / "npu_port_acceptance_argv.py"
    for name, text in (
        ("tools/__init__.py", ""),
        (f"{installed.relative_to(ROOT)}", own),
        ("test_x.py", "def test(): ..."),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(installed.parent)}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_x.py"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("its own")) == (0, 1), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("word", "said"),
    [("--imagnet=/no/such", "did you mean: --imagenet instead of --imagnet"), ("--nothing-like-it", "")],
)
def test_a_misspelt_option_names_the_one_that_was_meant(word: str, said: str) -> None:
    code, output = collected(ROOT, word, start="python -m pytest")
    assert (code, f"unrecognized arguments: {word}" in output) == (pytest.ExitCode.USAGE_ERROR, True)
    assert (said in output, "did you mean" in output) == (True, bool(said))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--smaple", "tests"], {"--smaple": "--sample"}),
        (["--prot", "resnet50", "--checkpiont=a"], {"--prot": "--port", "--checkpiont": "--checkpoint"}),
        (["--port", "--images=x", "tests", "-q", "--xyz"], {}),
    ],
)
def test_only_what_is_like_an_option_of_the_suite_is_taken_for_one(words: list[str], meant: dict[str, str]) -> None:
    assert misspelt(words) == meant


def test_tests_of_this_checkout_may_be_named(other: Path) -> None:
    code, said = collected(ROOT / "tests", "test_onnx.py::test_checkpoint_exports", "--target", "simulator")
    assert (code, "test_checkpoint_exports" in said) == (0, True)
    code, said = collected(ROOT, "tests", other / "tests")
    assert (code, "code of another checkout" in said) == (pytest.ExitCode.USAGE_ERROR, False)
