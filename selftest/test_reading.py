"""Flat folders and small text files of others: what is taken, and one clear error for all that is not."""

from __future__ import annotations

import errno
import functools
import os
from pathlib import Path

import pytest

from tools.base import reading
from tools.base.errors import AccuracyError
from tools.base.reading import flat_folder, small_file, some, text_lines

refuse = functools.partial(AccuracyError, gate="g")


def listed(folder: Path) -> list[str]:
    """The .bin files of a folder."""
    return flat_folder(folder, lambda name: name.endswith(".bin"), refuse, unit="bins", hint="look again")


def refused_folder(folder: Path) -> str:
    """What a folder is refused with; `DIR` stands for its path."""
    with pytest.raises(AccuracyError) as caught:
        listed(folder)
    return str(caught.value).replace(str(folder), "DIR")


def refused_text(path: Path) -> str:
    """What a file is refused with; `FILE` stands for its path."""
    with pytest.raises(AccuracyError) as caught:
        text_lines(path, refuse)
    return str(caught.value).replace(str(path), "FILE")


def holding(folder: Path, content: bytes) -> Path:
    """A file of these bytes."""
    path = folder / "text"
    path.write_bytes(content)
    return path


def test_wanted_files_are_sorted_links_followed_and_hidden_entries_passed_over(tmp_path: Path) -> None:
    for name in ("b.bin", "a.bin", "C.bin", ".hidden.npy"):
        (tmp_path / name).touch()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "link.bin").symlink_to("a.bin")
    assert listed(tmp_path) == ["C.bin", "a.bin", "b.bin", "link.bin"]


def test_a_folder_that_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    assert refused_folder(tmp_path / "absent") == "DIR: cannot list the folder: No such file or directory"
    assert refused_folder(tmp_path) == "DIR: the folder holds no bins. Look again"


@pytest.mark.parametrize(("file", "where"), [(None, "DIR"), ("DIR/a.bin", "DIR/a.bin")])
def test_a_folder_that_cannot_be_read_names_the_entry_at_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str | None, where: str
) -> None:
    def broken(_: Path) -> None:
        raise OSError(5, "Input/output error", file)

    monkeypatch.setattr(os, "scandir", broken)
    assert refused_folder(tmp_path) == f"{where}: cannot list the folder: Input/output error"


def test_sub_folders_are_refused_before_anything_else(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "x.npy").touch()
    assert refused_folder(tmp_path) == "DIR: 2 sub-folders where a flat folder is asked for: a, b. Look again"


def test_what_is_not_wanted_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.bin").touch()
    (tmp_path / "b.npy").touch()
    (tmp_path / "c.bin").symlink_to("nowhere")
    (tmp_path / "d\n.bin").touch()
    os.mkfifo(tmp_path / "e.bin")
    (tmp_path / os.fsdecode(b"\xff.bin")).touch()
    assert refused_folder(tmp_path) == (
        "DIR: 5 entries are not bins: b.npy, c.bin, 'd\\n.bin', e.bin, '\\udcff.bin'. Move them out; look again"
    )


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a", ["a"]),
        (b"a\n\n \n", ["a"]),
        (b"\n a \n", ["", " a "]),
        (b"\xef\xbb\xbfa\r\nb", ["a\r", "b"]),
        ("ä\u2028b\x0bc\n".encode(), ["ä\u2028b\x0bc"]),
    ],
)
def test_lines_end_at_line_feeds_only(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    assert text_lines(holding(tmp_path, content), refuse) == lines


@pytest.mark.parametrize("content", [b"", b" \n\n"])
def test_an_empty_text_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused_text(holding(tmp_path, content)) == "FILE: the file is empty"


@pytest.mark.parametrize(
    ("content", "line"), [(b"a 1\rb 2\r", 1), (b"a\nb\r\nc\rd\n", 3), (b"a\r\r\nb", 1), (b"\na\rb\n", 2)]
)
def test_lines_that_end_with_a_carriage_return_alone_are_named(tmp_path: Path, content: bytes, line: int) -> None:
    fix = "Save the file with LF line ends, e.g. by `tr '\\r' '\\n'`"
    assert refused_text(holding(tmp_path, content)) == (
        f"FILE:{line}: lines end with a carriage return (CR) alone. {fix}"
    )


def test_names_that_are_no_names_are_cut(tmp_path: Path) -> None:
    assert some(["x" * 100_000, "a\nb"]) == f"'a\\nb', {'x' * 200}…"


@pytest.mark.parametrize(("content", "line"), [(b"\xff\n", 1), (b"\n\xff", 2), (b"a\n\nb\xff\n\xff", 3)])
def test_bytes_outside_utf8_are_refused_with_their_line(tmp_path: Path, content: bytes, line: int) -> None:
    assert refused_text(holding(tmp_path, content)) == f"FILE:{line}: not UTF-8 text. Save the file as UTF-8"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refused_text(tmp_path / "absent") == "FILE: cannot read the file: No such file or directory"
    assert refused_text(tmp_path) == "FILE: a folder where a text file is asked for"
    os.mkfifo(tmp_path / "pipe")
    assert refused_text(tmp_path / "pipe") == "FILE: no regular file where a text file is asked for"


def test_a_file_is_refused_by_its_size_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reading.MAX_TEXT_BYTES == 64 * 1024 * 1024
    monkeypatch.setattr(reading, "MAX_TEXT_BYTES", 3)
    assert text_lines(holding(tmp_path, b"abc"), refuse) == ["abc"]
    path = holding(tmp_path, b"abcd")
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    assert refused_text(path) == "FILE: the file is too large; found 4 bytes; allowed 3"


def test_a_small_file_is_read_and_a_larger_one_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = holding(tmp_path, b"abcd")
    assert small_file(path) == small_file(path, 4) == b"abcd"
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    with pytest.raises(OSError, match="the file is too large: 4 bytes, at most 3 are read") as caught:
        small_file(path, 3)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["b", "a"], "a, b"),
        (list("edcba"), "a, b, c, d, e"),
        (list("fedcba"), "a, b, c, d, e, … 1 more"),
        (["line\nfeed", "Ångström"], "'line\\nfeed', Ångström"),
    ],
)
def test_of_some_names_the_first_five_are_shown_sorted_and_printable(names: list[str], text: str) -> None:
    assert some(names) == text


def test_another_number_of_names_may_be_shown() -> None:
    assert some("cba", most=2) == "a, b, … 1 more"
