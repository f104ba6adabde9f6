"""The .info file: written as the vendor reads it, read back strictly."""

from pathlib import Path

import pytest
from PIL import Image

from tools.base import reading
from tools.base.errors import PreprocessingError
from tools.data.images import list_images
from tools.data.info import InfoRow, bin_rows, read_info, rows_of, write_info

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


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([InfoRow(0, "with space/a.bin", 1, 1)], "path 'with space/a.bin' holds white space or what is no text"),
        ([InfoRow(0, "\udcff.bin", 1, 1)], "path '\\udcff.bin' holds white space or what is no text"),
        ([InfoRow(0, "a\0.bin", 1, 1)], "path 'a\\x00.bin' holds white space or what is no text"),
        ([InfoRow(0, "", 1, 1)], "path '' holds white space or what is no text"),
        ([ROWS[0], InfoRow(2, "c.bin", 1, 1)], "index 2 where 1 is due"),
        ([ROWS[0], InfoRow(1, "other/a.bin", 1, 1)], "id a is there twice"),
        ([InfoRow(0, "c.bin", 0, 1)], "c.bin is 0 x 1"),
        ([InfoRow(0, "c.bin", 1, 0)], "c.bin is 1 x 0"),
    ],
)
def test_rows_that_break_the_format_are_not_written(tmp_path: Path, rows: list[InfoRow], problem: str) -> None:
    assert refused_rows(tmp_path, *rows) == (
        f"{tmp_path}/out.info: 1 of {len(rows)} lines would break the .info format: {problem}"
    )


def test_of_many_bad_rows_the_first_five_are_named(tmp_path: Path) -> None:
    rows = [InfoRow(7, f"{number}.bin", 1, 1) for number in range(7)]
    due = "; ".join(f"index 7 where {number} is due" for number in range(5))
    assert refused_rows(tmp_path, *rows) == f"{tmp_path}/out.info: 7 of 7 lines would break the .info format: {due}"
    text = "".join(f"8 {number}.bin 1 1\n" for number in range(7))
    due = due.replace("7", "8")
    assert refused_text(tmp_path, text) == f"{tmp_path}/in.info: 7 of 7 lines are bad: {due}"


def test_an_id_is_known_again_after_a_bad_row(tmp_path: Path) -> None:
    rows = (InfoRow(9, "a.bin", 1, 1), InfoRow(1, "a.bin", 1, 1))
    assert refused_rows(tmp_path, *rows).endswith(
        "2 of 2 lines would break the .info format: index 9 where 0 is due; id a is there twice"
    )


def test_no_row_is_not_written(tmp_path: Path) -> None:
    assert refused_rows(tmp_path) == f"{tmp_path}/out.info: there is no input to write"


def test_refusals_of_rows_turn_the_info_gate_red(tmp_path: Path) -> None:
    for rows in ((), (InfoRow(5, "a.bin", 1, 1),)):
        with pytest.raises(PreprocessingError) as caught:
            write_info(rows, tmp_path / "out.info")
        assert caught.value.gate == "preprocessing.info"


def test_an_image_of_one_pixel_and_an_id_without_folder_and_extension(tmp_path: Path) -> None:
    rows = (InfoRow(0, "/a/b.c/d.e.bin", 1, 1), InfoRow(1, "f", 999_999_999, 1))
    write_info(rows, tmp_path / "out.info")
    assert read_info(tmp_path / "out.info") == rows
    assert [row.id for row in rows] == ["d.e", "f"]


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
        (
            "0 a.bin 224 224\n1 b.bin 224 22",
            "in.info:2: the last line has no line feed, the file may be cut short",
        ),
        ("0 a.bin 1000000000 1\n", "in.info:1: not `<index> <path> <width> <height>`: '0 a.bin 1000000000 1'"),
        ("0 a.bin 1 1000000000\n", "in.info:1: not `<index> <path> <width> <height>`: '0 a.bin 1 1000000000'"),
        ("0000000000 a.bin 1 1\n", "in.info:1: not `<index> <path> <width> <height>`: '0000000000 a.bin 1 1'"),
        (f"0 {'x' * 200}\n", f"in.info:1: not `<index> <path> <width> <height>`: '0 {'x' * 118}'"),
        ("0 a.bin 1 1\n1 b.bin 0 1\n", "in.info: 1 of 2 lines are bad: b.bin is 0 x 1"),
    ],
)
def test_a_deviating_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in refused_text(tmp_path, text)


def test_indices_of_nine_digits_are_read(tmp_path: Path) -> None:
    assert "index 123456789 where 0 is due" in refused_text(tmp_path, "123456789 a.bin 1 1\n")


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
    with pytest.raises(PreprocessingError) as caught:
        bin_rows(str(tmp_path), 224, 224)
    hint = "Move them out; name the folder that imagenet_torch_preprocess.py wrote"
    assert str(caught.value) == f"{tmp_path}: 1 entries are not bins: a.npy. {hint}"
    assert caught.value.gate == "preprocessing.info"


def test_a_folder_is_joined_to_its_names_by_one_slash(tmp_path: Path) -> None:
    bins = tmp_path / "X"
    bins.mkdir()
    (bins / "a.bin").touch()
    for folder in (f"{bins}", f"{bins}/", f"{bins}//"):
        assert [row.path for row in bin_rows(folder, 1, 1)] == [f"{bins}/a.bin"]


def test_images_get_the_size_in_their_header_whatever_their_name(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees: the header's size is what the reference sees
    Image.new("RGB", (30, 20)).save(tmp_path / "b.jpg", exif=exif)
    Image.new("P", (5, 7)).save(tmp_path / "a.JPEG", format="PNG")
    Image.new("CMYK", (8, 9)).save(tmp_path / "c.jpeg")
    rows = rows_of(list_images(tmp_path), str(tmp_path))
    found = [(row.index, Path(row.path).name, row.width, row.height) for row in rows]
    assert found == [(0, "a.JPEG", 5, 7), (1, "b.jpg", 30, 20), (2, "c.jpeg", 8, 9)]


def test_all_unreadable_images_are_counted_and_named(tmp_path: Path) -> None:
    Image.new("RGB", (3, 3)).save(tmp_path / "good.jpg")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(PreprocessingError) as caught:
        rows_of(list_images(tmp_path), str(tmp_path))
    assert caught.value.gate == "preprocessing.images"
    unreadable = "empty.jpg (UnidentifiedImageError), text.png (UnidentifiedImageError)"
    assert str(caught.value) == (
        f"{tmp_path}: 2 of 3 images cannot be read: {unreadable}. Restore these files from the data set's archive"
    )


@pytest.mark.parametrize("error", [OSError(), SyntaxError(), ValueError(), Image.DecompressionBombError()])
def test_whatever_the_decoder_says_of_a_header_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(_: Path) -> None:
        raise error

    (tmp_path / "a.jpg").touch()
    monkeypatch.setattr(Image, "open", broken)
    with pytest.raises(PreprocessingError, match=rf"1 of 1 images cannot be read: a\.jpg \({type(error).__name__}\)"):
        rows_of(list_images(tmp_path), str(tmp_path))
