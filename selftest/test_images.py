"""The folder of photographs: one id each, nothing passed over."""

import os
from pathlib import Path

import pytest

from tools.base.errors import PreprocessingError
from tools.data.images import list_images


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).touch()
    return root


def refused(folder: Path) -> str:
    with pytest.raises(PreprocessingError) as caught:
        list_images(folder)
    assert caught.value.gate == "preprocessing.images"
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_lists_images_of_every_extension_by_id(tmp_path: Path) -> None:
    folder_of(tmp_path, "b.JPEG", "a.png", "c.x.Jpg", "e.webp", "d.BMP", "f g.jpeg", ".hidden.jpg", ".DS_Store")
    found = list_images(tmp_path)
    assert list(found) == ["a", "b", "c.x", "d", "e", "f g"]
    assert found["b"] == tmp_path / "b.JPEG"


def test_sorts_by_id_not_by_file_name(tmp_path: Path) -> None:
    assert list(list_images(folder_of(tmp_path, "a-b.jpg", "a.jpg"))) == ["a", "a-b"]


def test_links_to_images_are_images(tmp_path: Path) -> None:
    real = folder_of(tmp_path, "real.bin") / "real.bin"
    folder = tmp_path / "val"
    folder.mkdir()
    (folder / "a.jpg").symlink_to(real)
    assert list(list_images(folder)) == ["a"]


def test_two_files_with_one_id_are_both_named(tmp_path: Path) -> None:
    assert "1 ids belong to two files: a.jpg and a.png" in refused(folder_of(tmp_path, "a.jpg", "a.png", "b.jpg"))


def test_class_folders_are_refused_with_a_hint(tmp_path: Path) -> None:
    for name in ("n01440764", "n01443537"):
        (tmp_path / name).mkdir()
    text = refused(folder_of(tmp_path, "a.jpg"))
    assert "2 sub-folders" in text
    assert "n01440764, n01443537" in text
    assert "ImageFolder" in text


@pytest.mark.parametrize("name", ["notes.txt", "a.jpg.part", "image", "photo.tif"])
def test_other_files_are_named(tmp_path: Path, name: str) -> None:
    text = refused(folder_of(tmp_path, "a.jpg", name))
    assert "1 entries are not images" in text
    assert name in text


def test_a_dangling_link_and_a_pipe_are_not_images(tmp_path: Path) -> None:
    (folder_of(tmp_path, "a.jpg") / "gone.jpg").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "2 entries are not images" in refused(tmp_path)


def test_names_that_no_label_line_can_hold_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.jpg", "two\nlines.jpg")
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg"))).touch()
    text = refused(tmp_path)
    assert "'two\\nlines.jpg'" in text
    assert "'\\udcff.jpg'" in text


def test_an_empty_and_a_missing_folder_and_a_file_are_refused(tmp_path: Path) -> None:
    assert "holds no images" in refused(tmp_path)
    assert "No such file" in refused(tmp_path / "absent")
    assert "Not a directory" in refused(folder_of(tmp_path, "a.jpg") / "a.jpg")


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    assert "Permission denied" in refused(tmp_path)
