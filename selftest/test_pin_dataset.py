"""The command that pins a data set, and what a port asks once it does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from selftest.ports.tiny import TinyPort, tiny_port
from tools.base.errors import SuiteError
from tools.judge.image_records import DatasetRecord
from tools.judge.results import Check, Verdict
from tools.pin_dataset import main
from tools.pipeline.run import open_run


@pytest.fixture
def port(tmp_path: Path) -> TinyPort:
    """A port with images of its own that it does not pin."""
    return tiny_port(tmp_path / "port")


def printed(port: TinyPort, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of the command."""
    words = {"--port": port.port, "--images": port.images, "--labels": port.labels}
    assert main([str(word) for pair in words.items() for word in pair]) == 0
    return capsys.readouterr().out.splitlines()


def pin(port: TinyPort, lines: list[str]) -> None:
    """Put the printed lines into the port."""
    said = "".join(f", {line.partition('  #')[0]}" for line in lines if not line.startswith("#"))
    port.edit("classes: 100, source: test}", f"classes: 100, source: test{said}}}")


def judged(port: TinyPort, tmp_path: Path, *gates: str) -> tuple[list[Check], DatasetRecord]:
    """Gates of a run of the port."""
    places = {"cache": str(tmp_path / "cache"), "evidence": str(tmp_path / "evidence"), "target": "simulator"}
    with open_run({**port.options, **places}) as run:
        return [run.judge(gate) for gate in gates], run.data.record()


PINNED = ("preprocessing.images_sha256", "preprocessing.labels_sha256")


def test_what_it_prints_is_asked_and_right(port: TinyPort, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(port, capsys)
    assert [line.partition(": ")[0] for line in lines] == ["content_sha256", "labels_sha256"]
    assert lines[0].endswith("  # 64 images, labels.txt")
    pin(port, lines)
    checks, record = judged(port, tmp_path, *PINNED)
    assert [check.verdict for check in checks] == [Verdict.PASS] * 2
    assert record.gap == ""
    assert printed(port, capsys) == lines


def test_a_changed_label_fails_both_and_another_order_of_lines_only_that_of_the_file(
    port: TinyPort, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pin(port, printed(port, capsys))
    lines = port.labels.read_text(encoding="utf-8").splitlines(keepends=True)
    port.labels.write_text("".join(reversed(lines)), encoding="utf-8")
    checks, _ = judged(port, tmp_path, *PINNED)
    assert [check.verdict for check in checks] == [Verdict.FAIL, Verdict.PASS]
    name, label = lines[0].split()
    port.labels.write_text("".join([f"{name} {(int(label) + 1) % 100}\n", *lines[1:]]), encoding="utf-8")
    checks, _ = judged(port, tmp_path, *PINNED)
    assert [check.verdict for check in checks] == [Verdict.FAIL] * 2


def test_a_part_and_another_data_set_are_not_pinned(port: TinyPort) -> None:
    (port.images / "tiny_064.png").unlink()
    lines = port.labels.read_text(encoding="utf-8").splitlines(keepends=True)
    port.labels.write_text("".join(lines[:-1]), encoding="utf-8")
    words = ["--port", str(port.port), "--images", str(port.images), "--labels", str(port.labels)]
    with pytest.raises(SuiteError, match="not the images that the port asks for: 1 missing in this one"):
        main(words)


def test_byte_equal_images_are_named_and_many_are_a_failure(
    port: TinyPort, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (3, 4):
        shutil.copyfile(port.images / "tiny_002.png", port.images / f"tiny_{number:03d}.png")
    assert printed(port, capsys)[2:] == ["# byte for byte the same: tiny_002, tiny_003, tiny_004"]
    (check,), record = judged(port, tmp_path, "preprocessing.byte_equal_percent")
    assert record.byte_equal == (("tiny_002", "tiny_003", "tiny_004"),)
    assert (check.verdict, check.measured) == (Verdict.FAIL, 3.125)
    assert check.detail == "byte for byte the same: tiny_002 and tiny_003 and tiny_004"
