"""A folder of bins: what a resumed run keeps and remakes, what is refused, and what is said about bad images."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from selftest.odd_images import MAKER, PHOTOS, RECIPE, image_tensor, needs_photos, noise
from tools.base.errors import PreprocessingError
from tools.base.files import sha256_of
from tools.data import journal, pixel_maker
from tools.data.bins import JOURNAL, BinType, bin_bytes, list_bins, read_bins, write_bins
from tools.data.bins_check import differing_bins, inspect_bins
from tools.data.pixel_maker import PixelMaker
from tools.data.preprocess import image_pixels
from tools.data.reference import torchvision_reference
from tools.judge.facts import BinFacts
from tools.judge.spec import Preprocessing

IDS = ("a", "b", "c", "d")


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    """Four small photographs."""
    (tmp_path / "val").mkdir()
    found = {name: tmp_path / "val" / f"{name}.JPEG" for name in IDS}
    for seed, path in enumerate(found.values()):
        noise(260, 250, seed).save(path, "JPEG")
    return found


@pytest.fixture
def made(images: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids whose image is decoded from here on."""
    names: list[str] = []

    def counted(content: bytes, recipe: Preprocessing) -> bytes:
        names.append(next(name for name, path in images.items() if path.read_bytes() == content))
        return image_pixels(content, recipe)

    monkeypatch.setattr(pixel_maker, "image_pixels", counted)
    return names


def digests(images: dict[str, Path]) -> dict[str, str]:
    """Id -> sha256, as a run takes them at its start."""
    return {name: sha256_of(path) for name, path in images.items()}


def differing(images: dict[str, Path], folder: Path, recipe: Preprocessing = RECIPE) -> tuple[str, ...]:
    """The ids whose bin is not torchvision's."""
    return differing_bins(images, folder, torchvision_reference(recipe), digests(images))


def remade(images: dict[str, Path], folder: Path, made: list[str], recipe: Preprocessing = RECIPE) -> list[str]:
    """What a second run makes again; afterwards every bin must be right."""
    made.clear()
    write_bins(images, folder, PixelMaker(recipe))
    assert differing(images, folder, recipe) == ()
    return sorted(made)


def test_every_image_gets_its_bin(images: dict[str, Path], tmp_path: Path) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    assert tuple(list_bins(tmp_path / "bins")) == IDS
    assert {path.stat().st_size for path in list_bins(tmp_path / "bins").values()} == {602_112}
    assert bin_bytes(RECIPE) == 602_112
    assert differing(images, tmp_path / "bins") == ()


@needs_photos
def test_bins_of_all_photographs_are_torchvisions(tmp_path: Path) -> None:
    photos = {path.stem: path for path in sorted(PHOTOS.iterdir())}
    write_bins(photos, tmp_path, MAKER)
    assert differing(photos, tmp_path) == ()


def test_a_bin_that_is_not_torchvisions_is_named(images: dict[str, Path], tmp_path: Path) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    edit_bin(images, tmp_path / "bins")
    assert differing(images, tmp_path / "bins") == ("b",)


@pytest.mark.parametrize("change", ["edited", "gone"])
def test_an_image_changed_during_the_run_is_no_difference_of_its_bin(
    change: str, images: dict[str, Path], tmp_path: Path
) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    expected = digests(images)
    if change == "gone":
        images["b"].unlink()
    else:
        edit_image(images, tmp_path / "bins")
    with pytest.raises(PreprocessingError, match=r"b\.JPEG: was changed while the run was using it") as caught:
        differing_bins(images, tmp_path / "bins", torchvision_reference(RECIPE), expected)
    assert caught.value.gate == "preprocessing.images"
    del images["b"]
    assert differing_bins(images, tmp_path / "bins", torchvision_reference(RECIPE), expected) == ()


def test_a_second_run_makes_nothing(images: dict[str, Path], tmp_path: Path, made: list[str]) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    before = (tmp_path / "bins" / JOURNAL).read_bytes()
    assert remade(images, tmp_path / "bins", made) == []
    assert (tmp_path / "bins" / JOURNAL).read_bytes() == before


def tear_journal(images: dict[str, Path], folder: Path) -> None:
    journal = folder / JOURNAL
    os.truncate(journal, journal.stat().st_size - 5)


def garble_journal(images: dict[str, Path], folder: Path) -> None:
    (folder / JOURNAL).write_bytes(b"\xff\x00[1,\n" + (folder / JOURNAL).read_bytes())


def lose_journal(images: dict[str, Path], folder: Path) -> None:
    (folder / JOURNAL).unlink()


def edit_bin(images: dict[str, Path], folder: Path) -> None:
    content = bytearray((folder / "b.bin").read_bytes())
    content[1000] ^= 1
    (folder / "b.bin").write_bytes(content)


def cut_bin(images: dict[str, Path], folder: Path) -> None:
    os.truncate(folder / "b.bin", 4096)


def swap_bins(images: dict[str, Path], folder: Path) -> None:
    (folder / "b.bin").rename(folder / "aside")
    (folder / "c.bin").rename(folder / "b.bin")
    (folder / "aside").rename(folder / "c.bin")


def edit_image(images: dict[str, Path], folder: Path) -> None:
    noise(260, 250, 99).save(images["b"], "JPEG")


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (tear_journal, ["d"]),
        (garble_journal, []),
        (lose_journal, list(IDS)),
        (edit_bin, ["b"]),
        (cut_bin, ["b"]),
        (swap_bins, ["b", "c"]),
        (edit_image, ["b"]),
    ],
)
def test_a_resumed_run_remakes_what_changed(
    change: Callable[[dict[str, Path], Path], None],
    again: list[str],
    images: dict[str, Path],
    tmp_path: Path,
    made: list[str],
) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    change(images, tmp_path / "bins")
    assert remade(images, tmp_path / "bins", made) == again
    assert remade(images, tmp_path / "bins", made) == []


def test_another_recipe_remakes_everything(images: dict[str, Path], tmp_path: Path, made: list[str]) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    other = dataclasses.replace(RECIPE, mean=(0.5, 0.456, 0.406))
    assert remade(images, tmp_path / "bins", made, other) == list(IDS)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_run_that_dies_leaves_nothing_half_and_is_resumed(
    error: BaseException, images: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    third = images["c"].read_bytes()

    def die(content: bytes, recipe: Preprocessing) -> bytes:
        if content == third:
            raise error
        return image_pixels(content, recipe)

    with monkeypatch.context() as patched:
        patched.setattr(pixel_maker, "image_pixels", die)
        patched.setattr(journal, "SMALL_JOBS", 1)  # a job that dies takes all its images with it
        with pytest.raises(type(error)):
            write_bins(images, tmp_path / "bins", MAKER)
    assert not list((tmp_path / "bins").glob(".*.partial"))
    assert remade(images, tmp_path / "bins", made) in (["c"], ["c", "d"])


def test_a_bin_that_cannot_be_written_whole_is_not_there(images: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "bins" / "b.bin").mkdir(parents=True)
    with pytest.raises(OSError, match=r"b\.bin"):
        write_bins(images, tmp_path / "bins", MAKER)
    assert not list((tmp_path / "bins").glob(".*.partial"))


def test_bins_of_no_image_are_refused_before_anything_is_made(
    images: dict[str, Path], tmp_path: Path, made: list[str]
) -> None:
    (tmp_path / "bins").mkdir()
    (tmp_path / "bins" / "stranger.bin").touch()
    with pytest.raises(PreprocessingError, match="1 bins belong to no image: stranger") as caught:
        write_bins(images, tmp_path / "bins", MAKER)
    assert caught.value.gate == "preprocessing.bins"
    assert made == []


def test_all_bad_images_are_named_with_their_count_and_the_others_made(images: dict[str, Path], tmp_path: Path) -> None:
    os.truncate(images["a"], 3000)
    images["c"].write_text("<html>503</html>")
    with pytest.raises(PreprocessingError, match="2 of 4 images cannot be read") as caught:
        write_bins(images, tmp_path / "bins", MAKER)
    assert caught.value.gate == "preprocessing.images"
    assert "a.JPEG (image file is truncated" in str(caught.value)
    assert "c.JPEG (cannot identify image file" in str(caught.value)
    assert tuple(list_bins(tmp_path / "bins")) == ("b", "d")


def test_few_images_are_in_memory_whatever_their_number(
    images: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more jobs than cores hold an image at one time."""
    lock, now, most = threading.Lock(), [0], [0]

    def counted(content: bytes, recipe: Preprocessing) -> bytes:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        pixels = image_pixels(content, recipe)
        with lock:
            now[0] -= 1
        return pixels

    monkeypatch.setattr(pixel_maker, "image_pixels", counted)
    monkeypatch.setattr(journal, "cpu_count", lambda: 2)
    many = {f"{name}{copy}": path for copy in range(10) for name, path in images.items()}
    write_bins(many, tmp_path / "bins", MAKER)
    assert most[0] <= 2


def test_bins_are_read_back_in_the_order_asked_for(images: dict[str, Path], tmp_path: Path) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    batch = read_bins(tmp_path / "bins", ("c", "a"), RECIPE)
    assert batch.dtype == np.float32
    assert batch.shape == (2, 3, 224, 224)
    assert np.array_equal(batch[1], image_tensor(images["a"], RECIPE))


def test_a_bin_of_another_size_is_refused_by_name(images: dict[str, Path], tmp_path: Path) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    os.truncate(tmp_path / "bins" / "b.bin", 602_108)
    with pytest.raises(PreprocessingError, match=r"b\.bin.*602108 bytes.*602112 bytes") as caught:
        read_bins(tmp_path / "bins", IDS, RECIPE)
    assert caught.value.gate == "preprocessing.bin_size"


# --- float16, and sizes that are not square --------------------------------------------------------------------------

WIDE = dataclasses.replace(RECIPE, resize_px=(40, 64), crop_px=(33, 50), interpolation="bicubic")


@pytest.mark.parametrize("kind", ["float32", "float16"])
@pytest.mark.parametrize("recipe", [RECIPE, WIDE], ids=["square", "wide"])
def test_bins_are_of_the_inputs_type_and_size(
    recipe: Preprocessing, kind: BinType, images: dict[str, Path], tmp_path: Path
) -> None:
    write_bins(images, tmp_path / "bins", PixelMaker(recipe), kind)
    height, width = recipe.size
    size = 3 * height * width * (4 if kind == "float32" else 2)
    assert bin_bytes(recipe, kind) == size
    assert {path.stat().st_size for path in list_bins(tmp_path / "bins").values()} == {size}
    assert inspect_bins(tmp_path / "bins", recipe, kind) == BinFacts((), (), (), 4)
    library = torchvision_reference(recipe)
    assert differing_bins(images, tmp_path / "bins", library, digests(images), kind) == ()
    batch = read_bins(tmp_path / "bins", ("c", "a"), recipe, kind)
    assert batch.dtype == np.float32
    exact = image_tensor(images["a"], recipe)
    assert np.array_equal(batch[1], exact if kind == "float32" else exact.astype(np.float16))


def test_bins_of_the_other_type_are_made_again_and_refused_by_their_size(
    images: dict[str, Path], tmp_path: Path, made: list[str]
) -> None:
    write_bins(images, tmp_path / "bins", MAKER)
    assert inspect_bins(tmp_path / "bins", RECIPE, "float16").wrong_size == IDS
    with pytest.raises(PreprocessingError, match="602112 bytes; allowed 301056 bytes"):
        read_bins(tmp_path / "bins", IDS, RECIPE, "float16")
    made.clear()
    write_bins(images, tmp_path / "bins", MAKER, "float16")
    assert sorted(made) == list(IDS)


def test_a_float16_bin_that_is_not_torchvisions_is_named(images: dict[str, Path], tmp_path: Path) -> None:
    write_bins(images, tmp_path / "bins", MAKER, "float16")
    edit_bin(images, tmp_path / "bins")
    library = torchvision_reference(RECIPE)
    assert differing_bins(images, tmp_path / "bins", library, digests(images), "float16") == ("b",)


def test_what_float16_cannot_hold_is_not_finite(images: dict[str, Path], tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, value_range="0..255", mean=(0.0,) * 3, std=(0.001,) * 3)
    write_bins(images, tmp_path / "bins", PixelMaker(recipe), "float16")
    assert inspect_bins(tmp_path / "bins", recipe, "float16").not_finite == IDS
