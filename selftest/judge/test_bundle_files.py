"""A bundle's folder is held against its manifest, and its arrays are read by the letter."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from array import array
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tools.judge import files
from tools.judge.files import Files, Refused, check_manifest, read_json, read_npy, read_whole, short
from tools.judge.layout import MANIFEST

CODES = {"<i2": "h", "<i4": "i"}


def seal(folder: Path, *, content: str | None = None) -> Path:
    """Write the manifest of what lies in the folder."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / MANIFEST).write_text("".join(lines) if content is None else content, encoding="utf-8", newline="")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files and their manifest."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "a.json").write_text('{"x": 1}')
    (tmp_path / "logs" / "b.txt").write_text("b")
    return seal(tmp_path)


def refusal(call: Callable[[], object]) -> str:
    """What is said."""
    with pytest.raises(Refused) as caught:
        call()
    return str(caught.value)


def test_a_whole_folder_has_no_problem_and_its_files_are_read(folder: Path) -> None:
    found, problems = check_manifest(folder)
    assert problems == []
    assert found.folder == folder
    assert found.manifest_sha256 == hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    assert set(found.digests) == {"a.json", "logs/b.txt"}
    assert (found.read("logs/b.txt"), found.json("a.json")) == (b"b", {"x": 1})


def test_every_problem_is_named_in_order(folder: Path) -> None:
    (folder / "a.json").write_text("other")
    (folder / "logs" / "b.txt").unlink()
    for name in ("z", "y"):
        (folder / f"{name}.txt").write_text("extra")
        (folder / f"{name}-link").symlink_to(folder / "a.json")
    (folder / "x-link").symlink_to(folder / "logs")
    assert check_manifest(folder)[1] == [
        "x-link is no plain file",
        "y-link is no plain file",
        "z-link is no plain file",
        "logs/b.txt is missing",
        "y.txt is not in the manifest",
        "z.txt is not in the manifest",
        "a.json was changed after the manifest was written",
    ]


def test_a_named_pipe_is_no_plain_file(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert check_manifest(folder)[1] == ["pipe is no plain file"]


def test_a_file_that_changes_after_it_was_checked_is_not_read(folder: Path) -> None:
    found, _ = check_manifest(folder)
    (folder / "a.json").write_text("other")
    assert refusal(lambda: found.read("a.json")) == "a.json was changed after the manifest was written"
    assert refusal(lambda: found.read("c.json")) == "c.json is missing"
    assert refusal(lambda: Files(folder, {}, "").json("a.json")) == "a.json is missing"


def test_what_is_no_json_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    found, _ = check_manifest(seal(tmp_path))
    assert refusal(lambda: found.json("a.json")).startswith("a.json: not the JSON of a bundle: ")


def test_what_is_no_folder_of_a_bundle_is_refused(folder: Path, tmp_path: Path) -> None:
    assert refusal(lambda: check_manifest(tmp_path / "nowhere")) == "no such folder"
    assert refusal(lambda: check_manifest(folder / "a.json")) == "no such folder"
    moved = folder / "moved"
    (folder / MANIFEST).rename(moved)
    missing = f"{MANIFEST} is missing: this is no whole bundle"
    assert refusal(lambda: check_manifest(folder)) == missing
    (folder / MANIFEST).symlink_to(moved)
    assert refusal(lambda: check_manifest(folder)) == missing


def test_a_link_to_the_newest_run_that_leads_nowhere_says_so(tmp_path: Path) -> None:
    assert (files.LATEST, files.EARLIER) == ("latest", ".earlier-")
    link = tmp_path / "latest"
    link.symlink_to("20260101-abc")
    said = "this link leads to '20260101-abc': that run goes on, or it has left no evidence"
    assert refusal(lambda: check_manifest(link)) == said
    missing = f"{MANIFEST} is missing: this is no whole bundle"
    assert refusal(lambda: check_manifest(tmp_path)) == f"{missing}; runs have folders of their own in it: latest"


D = "0" * 64
ODD_LINES = [
    *(f"{D}  /a", f"{D}  ../a", f"{D}  a/../b", f"{D}  a//b", f"{D}  a/./b", f"{D}  a/", f"{D}  .a", f"{D} a"),
    *(f"{D}  ", f"{D[1:]}  a", f"{D}0  a", f"{'A' * 64}  a", f"{D}  a\r", f"{D}   a", f"{D}  ü", ""),
]


@pytest.mark.parametrize("line", ODD_LINES)
def test_a_line_of_the_manifest_that_is_none_is_refused_with_its_number(line: str, tmp_path: Path) -> None:
    seal(tmp_path, content=f"{D}  fine\n{line}\n")
    said = f"{MANIFEST} line 2 is not `<sha256>  <file>`, each file once: {line[64:]!r}"
    assert refusal(lambda: check_manifest(tmp_path)) == said


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    seal(tmp_path, content=f"{D}  a/b-c_d.E1\n{'1' * 64}  a/b-c_d.E1\n")
    assert refusal(lambda: check_manifest(tmp_path)).startswith(f"{MANIFEST} line 2 is not")


@pytest.mark.parametrize("content", ["", "\n", f"{D}  a"])
def test_a_manifest_that_ends_early_is_cut_short(content: str, tmp_path: Path) -> None:
    seal(tmp_path, content=content)
    assert "cut short" in refusal(lambda: check_manifest(tmp_path)) or content == "\n"
    assert refusal(lambda: check_manifest(tmp_path)).startswith(MANIFEST)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(b"\xff\n")
    assert refusal(lambda: check_manifest(tmp_path)) == f"{MANIFEST} is no text"


def test_files_are_digested_block_by_block(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (1 << 20) + b"y")
    assert check_manifest(seal(tmp_path))[1] == []


def test_what_is_larger_than_any_bundle_holds_is_refused_before_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (files.LARGEST_FILE_BYTES, files.LARGEST_READ_BYTES) == (4_000_000_000, 200_000_000)
    monkeypatch.setattr(files, "LARGEST_FILE_BYTES", 7)
    assert refusal(lambda: check_manifest(folder)) == (
        "a.json is larger than the 7 bytes that any file of a bundle has"
    )
    monkeypatch.setattr(files, "LARGEST_FILE_BYTES", 8)
    assert check_manifest(folder)[1] == []
    monkeypatch.setattr(files, "LARGEST_READ_BYTES", 7)
    assert refusal(lambda: read_whole(folder / "a.json")) == "a.json: 8 bytes are more than the 7 that any bundle holds"
    assert refusal(lambda: read_json(b'{"x": 1}', "x")) == "x: 8 bytes are more than any bundle holds"
    monkeypatch.setattr(files, "LARGEST_READ_BYTES", 8)
    assert (read_whole(folder / "a.json"), read_json(b'{"x": 1}', "x")) == (b'{"x": 1}', {"x": 1})


def test_of_files_that_are_too_large_the_first_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE_BYTES", 0)
    assert refusal(lambda: check_manifest(folder)).startswith("a.json is larger")


def test_what_is_no_json_is_refused_with_its_place() -> None:
    assert refusal(lambda: read_json(b"[NaN]", "x.json")) == "x.json: not the JSON of a bundle: NaN is no number"


def test_a_long_value_is_cut_in_a_message() -> None:
    assert short("x" * 58) == repr("x" * 58)
    assert short("x" * 59) == repr("x" * 59)[:57] + "..."


# --- Arrays --------------------------------------------------------------------------------------------------------


def npy(values: object, dtype: str = "<i2", *, header: bytes | None = None) -> bytes:
    """An .npy file, with a header of one's own if given."""
    out = io.BytesIO()
    np.lib.format.write_array(out, np.array(values, dtype=dtype), version=(1, 0))
    if header is None:
        return out.getvalue()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + np.array(values, dtype=dtype).tobytes()


def head(descr: object = "<i2", order: object = False, shape: object = (2,)) -> bytes:
    """The header of an array."""
    return repr({"descr": descr, "fortran_order": order, "shape": shape}).encode()


def test_an_array_is_read_row_after_row() -> None:
    assert read_npy(npy([1, -2]), "x", CODES, None) == array("h", [1, -2])
    assert read_npy(npy([[1, 2], [3, 70000]], "<i4"), "x", CODES, 2) == array("i", [1, 2, 3, 70000])
    assert read_npy(npy([7, 8], header=head() + b" \n"), "x", CODES, None) == array("h", [7, 8])
    assert read_npy(npy([7, 8], header=head().ljust(4096)), "x", CODES, None) == array("h", [7, 8])


def test_a_machine_that_keeps_its_bytes_the_other_way_round_swaps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "byteorder", "big" if sys.byteorder == "little" else "little")
    assert read_npy(npy([1]), "x", CODES, None) == array("h", [256])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x93NUMPY\x02\x00" + npy([1])[8:],
        b"\x94NUMPY\x01\x00" + npy([1])[8:],
        npy([1])[:40],
        npy([7, 8], header=head().ljust(4097)),
    ],
)
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    assert refusal(lambda: read_npy(content, "x", CODES, None)) == "x: not an .npy file of version 1.0"


@pytest.mark.parametrize(
    "header",
    [
        *(b"", b"{", b"1", b"{}", b"[1]", b"'x'", b"(" * 2000, b"{'descr': '<i2'}", b"__import__('os')"),
        *(head(shape=()), head(shape=None)),
    ],
)
def test_a_damaged_header_is_refused(header: bytes) -> None:
    content = npy([7, 8], header=header)
    assert refusal(lambda: read_npy(content, "x", CODES, None)) == "x: its .npy header is damaged"


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (head("<f2"), None),
        (head("|O8"), None),
        (head(order=True), None),
        (head(order=0), None),
        (head(shape=(0,)), None),
        (head(shape=(-2,)), None),
        (head(shape=(2.0,)), None),
        (head(shape=(True,)), None),
        (head(shape=[2]), None),
        (head(shape=(1, 2)), None),
        (head(shape=(2,)), 1),
        (head(shape=(1, 2)), 5),
    ],
)
def test_an_array_of_another_kind_or_shape_is_refused(header: bytes, columns: int | None) -> None:
    content = npy([7, 8], header=header)
    said = refusal(lambda: read_npy(content, "x", CODES, columns))
    assert said.startswith("x: {'descr': ")
    assert said.endswith(f"; allowed are <i2, <i4 of N rows and {columns or 1} columns")


@pytest.mark.parametrize("columns", [None, 2])
@pytest.mark.parametrize("longer_by", [-2, 1])
def test_an_array_whose_rows_are_not_whole_is_refused(columns: int | None, longer_by: int) -> None:
    whole = npy([[1, 2], [3, 4]] if columns else [1, 2, 3, 4])
    content, body = (whole + b"\0")[: len(whole) + longer_by], 8 + longer_by
    rows = 2 if columns else 4
    assert refusal(lambda: read_npy(content, "x", CODES, columns)) == f"x: {body} bytes are not {rows} rows"


def test_a_header_without_rows_behind_it_is_refused() -> None:
    content = npy([7, 8], header=head())[:-4]
    assert refusal(lambda: read_npy(content, "x", CODES, None)) == "x: 0 bytes are not 2 rows"


def test_one_row_is_enough() -> None:
    assert read_npy(npy([[5, 6]]), "x", CODES, 2) == array("h", [5, 6])


# --- Arrays row by row ---------------------------------------------------------------------------------------------


def rows(folder: Path, columns: int = 2) -> list[array[int]]:
    """The rows of a.npy, whose digest is that of the manifest."""
    return list(check_manifest(folder)[0].rows("a.npy", CODES, columns))


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """A bundle of one array."""
    (tmp_path / "a.npy").write_bytes(npy([[1, 2], [3, 4], [5, 6]]))
    return seal(tmp_path)


def test_an_array_of_any_size_is_read_one_row_at_a_time(arrays: Path) -> None:
    assert rows(arrays) == [array("h", [1, 2]), array("h", [3, 4]), array("h", [5, 6])]
    for content in (npy([[70000]], "<i4"), npy([[7], [8]], header=head(shape=(2, 1)).ljust(4096))):
        (arrays / "a.npy").write_bytes(content)
        (arrays / MANIFEST).unlink()
        values = read_npy(content, "a.npy", CODES, 1)
        assert rows(seal(arrays), columns=1) == [array(values.typecode, [value]) for value in values]


def test_an_array_that_the_manifest_does_not_name_has_no_rows(arrays: Path) -> None:
    assert refusal(lambda: list(Files(arrays, {}, "").rows("a.npy", CODES, 2))) == "a.npy is missing"


@pytest.mark.parametrize("place", [70, -1], ids=["header", "last row"])
def test_rows_that_were_changed_after_they_were_digested_are_refused_at_their_end(place: int, arrays: Path) -> None:
    content = bytearray((arrays / "a.npy").read_bytes())
    content[place] ^= 0x29  # a blank of the header becomes a tabulator
    (arrays / "a.npy").write_bytes(content)
    found = check_manifest(arrays)[0].rows("a.npy", CODES, 2)
    assert [next(found)[0] for _ in range(3)] == [1, 3, 5]
    assert refusal(lambda: next(found)) == "a.npy was changed after the manifest was written"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npy([[1, 2], [3, 4], [5, 6]]) + b"\0", "13 bytes are not 3 rows"),
        (npy([[1, 2], [3, 4], [5, 6]])[:-1], "11 bytes are not 3 rows"),
        (npy([[1, 2, 3]]), "{'descr': '<i2', "),
        (npy([[1, 2]], "<f4"), "{'descr': '<f4', "),
        (b"hello", "not an .npy file of version 1.0"),
    ],
)
def test_rows_are_refused_before_the_first_where_the_array_is_another(content: bytes, said: str, arrays: Path) -> None:
    (arrays / "a.npy").write_bytes(content)
    found = check_manifest(arrays)[0].rows("a.npy", CODES, 2)
    assert refusal(lambda: next(found)).startswith(f"a.npy: {said}")
