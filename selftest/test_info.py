"""The .info file: written as the vendor reads it, read back strictly."""

from pathlib import Path

import pytest
from PIL import Image

from tools import reading
from tools.errors import PreprocessingError
from tools.info import InfoRow, bin_rows, image_rows, read_info, write_info

ROWS = (InfoRow(0, "./bins/a.bin", 224, 224), InfoRow(1, "./bins/b.bin", 224, 224))


def refused_rows(tmp_path: Path, *rows: InfoRow) -> str:
    out = tmp_path / "out.info"
    with pytest.raises(PreprocessingError) as caught:
        write_info(rows, out)
    assert list(tmp_path.iterdir()) == []
    return str(caught.value)


def refused_text(tmp_path: Path, text: str) -> str:
    path = tmp_path / "in.info"
    path.write_text(text)
    with pytest.raises(PreprocessingError) as caught:
        read_info(path)
    assert caught.value.gate == "preprocessing.info"
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_info(ROWS, tmp_path / "out.info")
    assert (tmp_path / "out.info").read_bytes() == b"0 ./bins/a.bin 224 224\n1 ./bins/b.bin 224 224\n"
    assert read_info(tmp_path / "out.info") == ROWS


def test_rows_that_break_the_format_are_not_written(tmp_path: Path) -> None:
    assert "'with space/a.bin' holds white space" in refused_rows(tmp_path, InfoRow(0, "with space/a.bin", 1, 1))
    assert "'\\udcff.bin'" in refused_rows(tmp_path, InfoRow(0, "\udcff.bin", 1, 1))
    assert "index 2 where 1 is due" in refused_rows(tmp_path, ROWS[0], InfoRow(2, "c.bin", 1, 1))
    assert "id a is there twice" in refused_rows(tmp_path, ROWS[0], InfoRow(1, "other/a.bin", 1, 1))
    assert "c.bin is 0 x 1" in refused_rows(tmp_path, InfoRow(0, "c.bin", 0, 1))
    assert "no input" in refused_rows(tmp_path)


def test_a_refused_write_leaves_an_earlier_file_as_it_was(tmp_path: Path) -> None:
    write_info(ROWS, tmp_path / "out.info")
    with pytest.raises(PreprocessingError):
        write_info((InfoRow(5, "a.bin", 1, 1),), tmp_path / "out.info")
    assert read_info(tmp_path / "out.info") == ROWS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("0 a.bin 224\n", "in.info:1: not `<index>"),
        ("0 a.bin 224 224\n1  b.bin 224 224\n", "in.info:2: not `<index>"),
        ("0 a.bin 224 224\n1 b c.bin 224 224\n", "in.info:2: not `<index>"),
        ("0 a.bin 224 224 \n", "in.info:1: not `<index>"),
        ("0 a.bin 224 224\r\n", "in.info:1: not `<index>"),
        ("0 a.bin 224 224\n\n1 b.bin 224 224\n", "in.info:2: not `<index>"),
        ("x a.bin 224 224\n", "not `<index>"),
        ("1 a.bin 224 224\n", "index 1 where 0 is due"),
        ("0 a.bin 224 224\n0 b.bin 224 224\n", "index 0 where 1 is due"),
        ("0 a.bin 224 224\n1 a.bin 224 224\n", "id a is there twice"),
        ("0 a.bin 0 224\n", "a.bin is 0 x 224"),
        ("0 a.bin 224 224\n1 b.bin 224 22", "cut short"),
    ],
)
def test_a_deviating_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in refused_text(tmp_path, text)


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_TEXT_BYTES", 3)
    assert "too large" in refused_text(tmp_path, "0 a.bin 224 224\n")


def test_bins_are_listed_by_id_with_the_given_path_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bins").mkdir()
    for name in ("b.bin", "a-b.bin", "a.bin", ".preprocessing.journal"):
        (tmp_path / "bins" / name).touch()
    monkeypatch.chdir(tmp_path)
    rows = bin_rows("./bins/", 224, 192)
    assert [row.path for row in rows] == ["./bins/a.bin", "./bins/a-b.bin", "./bins/b.bin"]
    assert [(row.index, row.width, row.height) for row in rows] == [(0, 224, 192), (1, 224, 192), (2, 224, 192)]


def test_a_stranger_among_the_bins_is_named(tmp_path: Path) -> None:
    for name in ("a.bin", "a.npy"):
        (tmp_path / name).touch()
    with pytest.raises(PreprocessingError, match=r"1 entries are not bins: a\.npy"):
        bin_rows(str(tmp_path), 224, 224)


def test_images_get_the_size_in_their_header_whatever_their_name(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees: the header's size is what the reference sees
    Image.new("RGB", (30, 20)).save(tmp_path / "b.jpg", exif=exif)
    Image.new("P", (5, 7)).save(tmp_path / "a.JPEG", format="PNG")
    Image.new("CMYK", (8, 9)).save(tmp_path / "c.jpeg")
    found = [(row.index, Path(row.path).name, row.width, row.height) for row in image_rows(str(tmp_path))]
    assert found == [(0, "a.JPEG", 5, 7), (1, "b.jpg", 30, 20), (2, "c.jpeg", 8, 9)]


def test_all_unreadable_images_are_counted_and_named(tmp_path: Path) -> None:
    Image.new("RGB", (3, 3)).save(tmp_path / "good.jpg")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(PreprocessingError, match=r"2 of 3 images cannot be read: empty\.jpg .*, text\.png ") as caught:
        image_rows(str(tmp_path))
    assert caught.value.gate == "preprocessing.images"
