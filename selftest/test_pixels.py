"""The compact store: the bins' values to the bit from a quarter of the bytes, whole or refused."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from selftest.odd_images import MAKER, PHOTOS, RECIPE, image_tensor, needs_photos, noise
from tools.base.errors import PreprocessingError
from tools.base.files import sha256_of
from tools.data import pixel_maker, pixels
from tools.data.bins import list_bins, read_bins, write_bin, write_bins
from tools.data.pixel_maker import PixelMaker
from tools.data.pixels import INDEX, JOURNAL, PIXELS, PixelStore, pixel_bytes, write_pixels, write_stored_bins
from tools.data.preprocess import image_pixels, normalisation_table
from tools.judge.spec import Preprocessing

IDS = ("a", "b", "c", "d")


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    """Four small photographs, one of them grey."""
    (tmp_path / "val").mkdir()
    found = {name: tmp_path / "val" / f"{name}.JPEG" for name in IDS}
    for seed, path in enumerate(found.values()):
        noise(260, 250, seed).convert("L" if seed == 2 else "RGB").save(path, "JPEG")
    return found


@pytest.fixture
def store(images: dict[str, Path], tmp_path: Path) -> PixelStore:
    """The four in a store."""
    write_pixels(images, tmp_path / "store", MAKER)
    return PixelStore(tmp_path / "store", RECIPE)


def refused(folder: Path, recipe: Preprocessing = RECIPE) -> str:
    with pytest.raises(PreprocessingError) as caught:
        PixelStore(folder, recipe)
    assert caught.value.gate == "preprocessing.images"
    return str(caught.value)


def test_an_image_takes_a_quarter_of_its_bin(store: PixelStore) -> None:
    assert pixel_bytes(RECIPE) == 150_528
    assert (store.folder / PIXELS).stat().st_size == 4 * 150_528
    assert store.ids == IDS


def test_what_comes_out_is_bit_exact(images: dict[str, Path], store: PixelStore) -> None:
    batch = store.read(("d", "b", "d"))
    assert batch.dtype == np.dtype("<f4")
    for row, name in enumerate(("d", "b", "d")):
        assert batch[row].tobytes() == image_tensor(images[name], RECIPE).tobytes()


def test_every_byte_value_comes_out_as_the_table_says(store: PixelStore) -> None:
    values = np.arange(150_528, dtype=np.uint64) % 256
    (store.folder / PIXELS).write_bytes(values.astype(np.uint8).tobytes() * 4)
    image = np.frombuffer(store.pixels("b"), np.uint8).reshape(224, 224, 3)
    expected = normalisation_table(RECIPE)[np.arange(3)[:, None, None], image.transpose(2, 0, 1)]
    assert store.read(("b",))[0].tobytes() == np.ascontiguousarray(expected).tobytes()


@needs_photos
def test_bins_from_the_store_are_the_bins(tmp_path: Path) -> None:
    photos = {path.stem: path for path in sorted(PHOTOS.iterdir())[:20]}
    write_bins(photos, tmp_path / "direct", MAKER)
    write_pixels(photos, tmp_path / "store", MAKER)
    write_stored_bins(PixelStore(tmp_path / "store", RECIPE), tmp_path / "stored")
    assert list_bins(tmp_path / "direct").keys() == list_bins(tmp_path / "stored").keys()
    for name, path in list_bins(tmp_path / "direct").items():
        assert path.read_bytes() == (tmp_path / "stored" / f"{name}.bin").read_bytes()


def test_float16_bins_from_the_store_are_the_bins(images: dict[str, Path], store: PixelStore, tmp_path: Path) -> None:
    write_bins(images, tmp_path / "direct", MAKER, "float16")
    write_stored_bins(store, tmp_path / "stored", "float16")
    for name, path in list_bins(tmp_path / "direct").items():
        assert path.read_bytes() == (tmp_path / "stored" / f"{name}.bin").read_bytes()


def test_a_store_that_is_not_square_is_bit_exact(images: dict[str, Path], tmp_path: Path) -> None:
    wide = dataclasses.replace(RECIPE, resize_px=(40, 64), crop_px=None, interpolation="lanczos", channel_order="BGR")
    write_pixels(images, tmp_path / "store", PixelMaker(wide))
    store = PixelStore(tmp_path / "store", wide)
    assert pixel_bytes(wide) == 40 * 64 * 3
    assert store.read(("d",))[0].tobytes() == image_tensor(images["d"], wide).tobytes()


def test_read_is_read_bins(store: PixelStore, tmp_path: Path) -> None:
    write_stored_bins(store, tmp_path / "bins")
    assert store.read(IDS).tobytes() == read_bins(tmp_path / "bins", IDS, RECIPE).tobytes()


def test_bins_are_written_with_few_jobs_under_way_whatever_their_number(
    images: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write gives the main thread a chance to hand out more than it may."""
    monkeypatch.setattr(pixels, "cpu_count", lambda: 2)
    tiny, written, ahead = dataclasses.replace(RECIPE, crop_px=2), list[Path](), list[int]()
    many = {f"{name}{copy}": path for copy in range(5) for name, path in images.items()}

    class Noted(tuple[str, ...]):
        def __iter__(self) -> Iterator[str]:
            ahead.clear()
            for pulled, name in enumerate(super().__iter__(), start=1):
                ahead.append(pulled - len(written))
                yield name

    def noting(target: Path, tensor: NDArray[np.float32]) -> None:
        time.sleep(0.001)
        write_bin(target, tensor)
        written.append(target)

    monkeypatch.setattr(pixels, "write_bin", noting)
    monkeypatch.setattr(pixels, "SMALL_JOBS", 1)
    write_pixels(many, tmp_path / "store", PixelMaker(tiny))
    store = PixelStore(tmp_path / "store", tiny)
    store.ids = Noted(store.ids)
    write_stored_bins(store, tmp_path / "bins")
    assert len(written) == len(ahead) == 20
    assert max(ahead) <= 4, "two for each core"


def test_only_the_index_is_waited_for_on_the_disk(
    images: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that a power cut tears have another CRC-32 than the journal says, or another sha256 than the manifest."""
    synced = list[int]()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    write_pixels(images, tmp_path / "store", MAKER)
    assert synced == [(tmp_path / "store" / INDEX).stat().st_size]


def test_strangers_among_the_bins_are_refused(store: PixelStore, tmp_path: Path) -> None:
    (tmp_path / "bins").mkdir()
    (tmp_path / "bins" / "stranger.bin").touch()
    with pytest.raises(PreprocessingError, match="1 bins belong to no image: stranger"):
        write_stored_bins(store, tmp_path / "bins")


def no_change(images: dict[str, Path], folder: Path) -> None:
    (folder / INDEX).unlink()


def edit_row(images: dict[str, Path], folder: Path) -> None:
    with (folder / PIXELS).open("r+b") as handle:
        handle.seek(150_528 + 7)
        handle.write(b"\0\1\2\3")


def cut_rows(images: dict[str, Path], folder: Path) -> None:
    os.truncate(folder / PIXELS, 3 * 150_528 - 1)


def tear_journal(images: dict[str, Path], folder: Path) -> None:
    os.truncate(folder / JOURNAL, (folder / JOURNAL).stat().st_size - 5)


def edit_image(images: dict[str, Path], folder: Path) -> None:
    noise(260, 250, 99).save(images["b"], "JPEG")


@pytest.mark.parametrize(
    ("change", "again"),
    [(no_change, []), (edit_row, ["b"]), (cut_rows, ["c", "d"]), (tear_journal, ["d"]), (edit_image, ["b"])],
)
def test_a_resumed_run_remakes_what_changed(
    change: Callable[[dict[str, Path], Path], None],
    again: list[str],
    images: dict[str, Path],
    store: PixelStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    def counted(content: bytes, recipe: Preprocessing) -> bytes:
        made.append(next(name for name, path in images.items() if path.read_bytes() == content))
        return image_pixels(content, recipe)

    monkeypatch.setattr(pixel_maker, "image_pixels", counted)
    change(images, store.folder)
    write_pixels(images, store.folder, MAKER)
    assert sorted(made) == again
    whole = PixelStore(store.folder, RECIPE)
    assert all(whole.read((name,))[0].tobytes() == image_tensor(images[name], RECIPE).tobytes() for name in IDS)


def test_an_image_less_moves_the_rows_behind_it(images: dict[str, Path], store: PixelStore) -> None:
    del images["b"]
    write_pixels(images, store.folder, MAKER)
    fewer = PixelStore(store.folder, RECIPE)
    assert fewer.ids == ("a", "c", "d")
    assert fewer.read(("d",))[0].tobytes() == image_tensor(images["d"], RECIPE).tobytes()


def test_bad_images_are_named_and_leave_no_store(images: dict[str, Path], store: PixelStore) -> None:
    os.truncate(images["a"], 3000)
    images["c"].write_text("<html>503</html>")
    with pytest.raises(PreprocessingError, match=r"2 of 4 images cannot be read: a\.JPEG .*; c\.JPEG "):
        write_pixels(images, store.folder, MAKER)
    assert "no whole store" in refused(store.folder)


def test_what_is_no_whole_store_of_this_recipe_is_refused(store: PixelStore, tmp_path: Path) -> None:
    assert "no whole store" in refused(tmp_path / "absent")
    assert "cut in another way" in refused(store.folder, dataclasses.replace(RECIPE, crop_px=192))
    os.truncate(store.folder / PIXELS, 4 * 150_528 - 1)
    assert "602111 bytes; allowed 602112 bytes" in refused(store.folder)
    (store.folder / INDEX).write_text("{")
    assert "no whole store" in refused(store.folder)


def test_a_store_that_is_cut_short_while_it_is_open_is_refused(store: PixelStore) -> None:
    os.truncate(store.folder / PIXELS, 150_528 + 1000)
    assert len(store.pixels("a")) == 150_528
    for name, size in (("b", 1000), ("d", 0)):
        with pytest.raises(PreprocessingError, match="the store was cut short") as caught:
            store.read((name,))
        assert caught.value.gate == "preprocessing.images"
        assert f"pixels of {name} are not whole; found {size} bytes; allowed 150528 bytes" in str(caught.value)


def test_a_huge_file_is_one_of_the_bad_images_and_not_read(images: dict[str, Path], tmp_path: Path) -> None:
    os.truncate(images["c"], 60 * 2**30)
    with pytest.raises(PreprocessingError, match=r"1 of 4 images cannot be read: c\.JPEG \(the file is too large: "):
        write_pixels(images, tmp_path / "store", MAKER)


def test_an_id_that_is_not_in_the_store_is_an_error(store: PixelStore) -> None:
    with pytest.raises(KeyError):
        store.read(("a", "absent"))


def test_an_image_that_is_no_longer_the_digested_one_is_named_and_never_mixed_in(
    images: dict[str, Path], tmp_path: Path
) -> None:
    """Neither by a first run nor by one that finds the rows of an earlier one."""
    expected = {name: sha256_of(path) for name, path in images.items()}
    write_pixels(images, tmp_path / "store", MAKER, expected)
    noise(260, 250, 99).save(images["b"], "JPEG")
    os.truncate(images["d"], 3000)
    for place in ("store", "new"):
        with pytest.raises(PreprocessingError, match=r"2 of 4 images were changed .*: b\.JPEG .*; d\.JPEG ") as caught:
            write_pixels(images, tmp_path / place, MAKER, expected)
        assert caught.value.gate == "preprocessing.images"
        assert "no whole store" in refused(tmp_path / place)
