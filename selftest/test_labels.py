"""Labels: what a line may be, and one error for all that it may not be."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.base import reading
from tools.base.errors import PreprocessingError
from tools.data.labels import image_id, read_labels


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "val_label.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path, classes: int = 10) -> PreprocessingError:
    with pytest.raises(PreprocessingError) as caught:
        read_labels(path, classes=classes)
    assert caught.value.gate == "preprocessing.labels"
    assert str(path) in str(caught.value)
    return caught.value


def test_reads_labels_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "b.JPEG 9\na.x.png\t0\nwith a space.jpg   3\n")
    assert list(read_labels(path, classes=10).items()) == [("b", 9), ("a.x", 0), ("with a space", 3)]


@pytest.mark.parametrize("name", ["x" * 251, "é" * 125 + "x"])
def test_a_name_may_be_as_long_as_a_file_systems_longest(tmp_path: Path, name: str) -> None:
    """In bytes, not letters."""
    assert read_labels(written(tmp_path, f"{name}.jpg 1\n"), classes=10) == {name: 1}


@pytest.mark.parametrize("content", ["a.jpg 1", "a.jpg 1\n\n", "a.jpg 1\r\n", "\ufeffa.jpg 1\n", "a.jpg 1\n \n\n"])
def test_tolerates_blank_last_lines_and_what_editors_add(tmp_path: Path, content: str) -> None:
    assert read_labels(written(tmp_path, content), classes=10) == {"a": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("alone.jpg", "not `<file name> <label>`: 'alone.jpg'"),
        ("", "not `<file name> <label>`: ''"),
        ("x.jpg one", "label is not an integer: 'one'"),
        ("x.jpg 1.0", "label is not an integer: '1.0'"),
        ("x.jpg 1_0", "label is not an integer: '1_0'"),
        ("x.jpg ١", "label is not an integer: '١'"),
        ("x.jpg 9999999999", "label is not an integer: '9999999999'"),
        ("x.jpg 10", "label 10 is outside 0..9"),
        ("x.jpg -1", "label -1 is outside 0..9"),
        ("good.png 3", "id 'good' is already on line 1"),
        ("../x.jpg 1", "not a plain file name: '../x.jpg'"),
        ("/etc/passwd 1", "not a plain file name: '/etc/passwd'"),
        ("a\\b.jpg 1", "not a plain file name: 'a\\\\b.jpg'"),
        ("a\0b.jpg 1", "not a plain file name: 'a\\x00b.jpg'"),
        (".. 1", "not a plain file name: '..'"),
        (". 1", "not a plain file name: '.'"),
        (f"{'x' * 256} 1", f"no file has a name of 256 bytes: {'x' * 80 + '…'!r}"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    error = refused(written(tmp_path, f"good.jpg 1\n{line}\nlast.jpg 2\n"))
    fix = "A line is `<file name> <label>` with a label of 0..9"
    assert str(error) == f"{tmp_path}/val_label.txt:2: 1 of 3 label lines are bad: line 2: {reason}. {fix}"


@pytest.mark.parametrize(("length", "shown"), [(80, "x" * 80), (81, "x" * 80 + "…")])
def test_a_long_bad_line_is_cut(tmp_path: Path, length: int, shown: str) -> None:
    assert f"line 1: not `<file name> <label>`: {shown!r}" in str(refused(written(tmp_path, "x" * length)))


@pytest.mark.parametrize("label", [0, 9])
def test_the_first_and_the_last_class_are_labels(tmp_path: Path, label: int) -> None:
    assert read_labels(written(tmp_path, f"a.jpg {label}\n"), classes=10) == {"a": label}


def test_nine_digits_are_a_number_and_a_name_may_end_like_a_folder(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, "a.. 123456789\n"), classes=10**9) == {"a..": 123456789}


def test_a_second_line_of_an_image_names_the_first(tmp_path: Path) -> None:
    error = refused(written(tmp_path, "b.jpg 1\na.jpg 1\na.png 2\na.bmp 3\n"))
    assert "line 3: id 'a' is already on line 2; line 4: id 'a' is already on line 2" in str(error)


@pytest.mark.parametrize(("bad", "more"), [(5, ""), (6, "; … 1 more"), (8, "; … 3 more")])
def test_all_bad_lines_are_counted_and_the_first_five_named(tmp_path: Path, bad: int, more: str) -> None:
    error = refused(written(tmp_path, "good.jpg 1\n" + "".join(f"n{number}.jpg 77\n" for number in range(bad))))
    named = "; ".join(f"line {number}: label 77 is outside 0..9" for number in range(2, 7))
    assert error.what == f"{bad} of {bad + 1} label lines are bad: {named}{more}"
    assert error.where == f"{tmp_path}/val_label.txt:2"


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "empty" in refused(written(tmp_path, content)).what


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    assert str(refused(written(tmp_path, b"a.jpg 1\n\xff\xfe.jpg 2\n")).where).endswith("val_label.txt:2")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "a.jpg 1\n" * 3)
    monkeypatch.setattr(reading, "MAX_TEXT_BYTES", 10)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    assert "too large" in refused(path).what


def test_missing_files_folders_and_devices_are_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "absent.txt").what
    assert refused(tmp_path).what == "a folder where a text file is asked for"
    assert refused(Path("/dev/zero")).what == "no regular file where a text file is asked for"


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert "Permission denied" in refused(written(tmp_path, "a.jpg 1\n")).what


@given(st.text(alphabet="ab. _", min_size=1))
def test_an_id_is_the_name_without_its_last_extension(name: str) -> None:
    if name != ".":
        assert image_id(name) == PurePosixPath(name).stem
