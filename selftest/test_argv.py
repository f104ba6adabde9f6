"""`pytest --images DIR` may be written with a space, as everybody does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.argv import joined
from tools.base.files import ROOT
from tools.sample.generate import IMAGES_FOLDER, LABEL_FILE, write_images


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
