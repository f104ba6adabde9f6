"""The command get_info.py, with the guide's arguments."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tools.base import cli
from tools.base.errors import PreprocessingError, SuiteError
from tools.get_info import main

ROOT = Path(__file__).resolve().parent.parent


def test_bin_writes_the_guides_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pre_dataset").mkdir()
    for number in (2, 1):
        Path(f"pre_dataset/ILSVRC2012_val_0000000{number}.bin").touch()
    assert main(["bin", "./pre_dataset", "./out.info", "224", "224"]) == 0
    assert Path("out.info").read_text() == (
        "0 ./pre_dataset/ILSVRC2012_val_00000001.bin 224 224\n1 ./pre_dataset/ILSVRC2012_val_00000002.bin 224 224\n"
    )


def test_jpg_indices_are_unique_over_all_extensions(tmp_path: Path) -> None:
    images = tmp_path / "val"
    images.mkdir()
    for number, name in enumerate(("d.JPEG", "c.jpg", "b.jpeg", "a.JPG"), start=33):
        Image.new("L", (number, 40)).save(images / name, format="JPEG")
    assert main(["jpg", str(images), str(tmp_path / "out.info")]) == 0
    lines = (tmp_path / "out.info").read_text().splitlines()
    assert lines == [
        f"0 {images}/a.JPG 36 40",
        f"1 {images}/b.jpeg 35 40",
        f"2 {images}/c.jpg 34 40",
        f"3 {images}/d.JPEG 33 40",
    ]


def test_a_path_with_a_space_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "my bins").mkdir()
    (tmp_path / "my bins" / "a.bin").touch()
    with pytest.raises(PreprocessingError, match="holds white space"):
        main(["bin", str(tmp_path / "my bins"), str(tmp_path / "out.info"), "224", "224"])
    assert [path.name for path in tmp_path.iterdir()] == ["my bins"]


@pytest.mark.parametrize(
    "arguments",
    [[], ["bin", "d", "o", "224"], ["bin", "d", "o", "0", "224"], ["bin", "d", "o", "224", "x"], ["png", "d", "o"]],
)
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    assert cli.run(lambda: main(arguments)) == 2


def test_as_a_command_bad_input_is_one_line_and_status_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "get_info.py", "bin", "absent", "out.info", "224", "224"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: absent: cannot list the folder: No such file or directory\n"


def test_the_size_is_the_ports_where_none_is_given(tmp_path: Path) -> None:
    (tmp_path / "a.bin").touch()
    assert main(["bin", str(tmp_path), str(tmp_path / "out.info"), "--port", "inception_v3"]) == 0
    assert (tmp_path / "out.info").read_text() == f"0 {tmp_path}/a.bin 299 299\n"


def test_a_width_without_a_height_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="a width without a height"):
        main(["bin", str(tmp_path), str(tmp_path / "out.info"), "224"])
