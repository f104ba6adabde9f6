"""Faults of the data: labels, images and bins that are missing, doubled, cut short or made by another recipe."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.world import IMAGES, World
from tools.data import info, pixels, preprocess
from tools.data.bins import BinType, write_bin
from tools.data.pixels import INDEX, PIXELS, Index, PixelStore
from tools.judge.spec import Preprocessing
from tools.pipeline import data
from tools.sample import images as sample
from tools.store import content

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    Tensor = NDArray[np.float32]

catalogue = Catalogue("preprocessing", remade=("pixels", "bins", "predictions"))
OWN = ("--images={folder}/val", "--labels={folder}/val_label.txt", "--checkpoint={folder}/unused.pth")
FIRST, SECOND = "ILSVRC2012_val_00000001", "ILSVRC2012_val_00000002"


def own_images(world: World) -> tuple[Path, Path]:
    """The sample's images and labels as the user's own; returns the folder and the label file."""
    shutil.copytree(world.clean.files("sample-images") / "imagenet", world.folder, dirs_exist_ok=True)
    (world.folder / "unused.pth").touch()
    return world.folder / "val", world.folder / "val_label.txt"


def edit_labels(world: World, edit: Callable[[list[str]], list[str]]) -> None:
    """Change the lines of the user's label file."""
    _, labels = own_images(world)
    labels.write_text("".join(edit(labels.read_text().splitlines(keepends=True))))


def edit_bins(monkeypatch: pytest.MonkeyPatch, edit: Callable[[Path], object]) -> None:
    """Let the suite write its bins and then change their folder."""
    right = pixels.write_stored_bins

    def edited(store: PixelStore, folder: Path, *words: BinType) -> None:
        right(store, folder, *words)
        edit(folder)

    monkeypatch.setattr(pixels, "write_stored_bins", edited)


def edit_tensors(monkeypatch: pytest.MonkeyPatch, edit: Callable[[Tensor], Tensor]) -> None:
    """Change every bin before it is written."""
    monkeypatch.setattr(pixels, "write_bin", lambda target, tensor: write_bin(target, edit(tensor)))


def edit_store(monkeypatch: pytest.MonkeyPatch, edit: Callable[[Path], object]) -> None:
    """Let the suite decode its images and then change the store of their pixels."""
    right = pixels.write_pixels

    def edited(images: Mapping[str, Path], folder: Path, *words: object, **named: object) -> None:
        right(images, folder, *words, **named)  # type: ignore[arg-type]
        edit(folder)

    monkeypatch.setattr(pixels, "write_pixels", edited)


def edit_table(monkeypatch: pytest.MonkeyPatch, table: Callable[[Preprocessing], Tensor]) -> None:
    """Normalise with another table; what the gates compare with stays right."""
    monkeypatch.setattr(preprocess, "normalisation_table", table)


def edit_crop(monkeypatch: pytest.MonkeyPatch, crop: Callable[[Image.Image], Image.Image]) -> None:
    """Resize and cut in another way."""
    monkeypatch.setattr(preprocess, "_cropped", lambda content, recipe: crop(opened(content).convert("RGB")))


def opened(content: bytes) -> Image.Image:
    """An image file's bytes, opened as Pillow opens them."""
    from PIL import Image

    return Image.open(io.BytesIO(content))


def resized(image: Image.Image, *, method: str = "BILINEAR", short: int = 256, shift: int = 0) -> Image.Image:
    """The reference recipe with one detail changed."""
    from PIL import Image

    width, height = preprocess._resized(*image.size, short)
    left, top = round((width - 224) / 2) + shift, round((height - 224) / 2) + shift
    larger = image.resize((width, height), Image.Resampling[method])
    return larger.crop((left, top, left + 224, top + 224))


@catalogue.fault("a label line twice", "preprocessing.labels", *OWN, sample=False)
def doubled_label(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_labels(world, lambda lines: [*lines, lines[0]])


@catalogue.fault("labels counted from 1", "preprocessing.labels", *OWN, sample=False)
def labels_from_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_labels(world, lambda lines: [f"{FIRST}.JPEG 1000\n", *lines[1:]])


@catalogue.fault("a label that is no number", "preprocessing.labels", *OWN, sample=False)
def label_in_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_labels(world, lambda lines: [f"{FIRST}.JPEG n01440764\n", *lines[1:]])


@catalogue.fault("a truncated JPEG", "preprocessing.images", *OWN, sample=False)
def truncated_jpeg(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = own_images(world)
    os.truncate(folder / f"{SECOND}.JPEG", 20000)


@catalogue.fault("an HTML page named .JPEG", "preprocessing.images", *OWN, sample=False)
def html_named_jpeg(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = own_images(world)
    (folder / f"{SECOND}.JPEG").write_text("<html>503</html>")


@catalogue.fault("an image edited after its digest was taken", "preprocessing.images", *OWN, sample=False)
def edited_under_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = own_images(world)
    right = content.file_digests

    def then_edited(files: Iterable[Path]) -> dict[str, str]:
        found = right(files)
        (folder / f"{SECOND}.JPEG").write_bytes((folder / f"{FIRST}.JPEG").read_bytes())
        return found

    monkeypatch.setattr(content, "file_digests", then_edited)


@catalogue.fault("an image lost between decoding and the store of pixels", "preprocessing.images")
def lost_before_the_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(folder: Path) -> None:
        index = msgspec.json.decode((folder / INDEX).read_bytes(), type=Index)
        (folder / INDEX).write_bytes(msgspec.json.encode(msgspec.structs.replace(index, ids=index.ids[1:])))
        os.truncate(folder / PIXELS, (IMAGES - 1) * 150_528)

    edit_store(monkeypatch, lose)


@catalogue.fault("one image missing", "preprocessing.ids", *OWN, sample=False)
def image_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = own_images(world)
    (folder / f"{SECOND}.JPEG").unlink()


@catalogue.fault("one label missing", "preprocessing.ids", *OWN, sample=False)
def label_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_labels(world, lambda lines: lines[1:])


@catalogue.fault("one photograph altered under its old name", "preprocessing.images_sha256", *OWN, sample=False)
def altered_photograph(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = own_images(world)
    with (folder / f"{SECOND}.JPEG").open("ab") as image:
        image.write(b"\0")


@catalogue.fault("other labels than the port pins", "preprocessing.labels_sha256")
def other_labels_than_pinned(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.edit_port("\n    classes: 1000\n", f"\n    classes: 1000\n    labels_sha256: {'a' * 64}\n")


@catalogue.fault(
    "one photograph under two names",
    "preprocessing.byte_equal_percent",
    *OWN,
    sample=False,
    beside=("preprocessing.images_sha256",),
)
def photograph_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = own_images(world)
    shutil.copyfile(folder / f"{FIRST}.JPEG", folder / f"{SECOND}.JPEG")


@catalogue.fault("a sample of another seed", "preprocessing.images_sha256")
def other_sample(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.forget("sample-images")
    monkeypatch.setattr(sample, "VALIDATION_SET", sample.VALIDATION_SET + 1)


@catalogue.fault("one bin missing", "preprocessing.bins")
def bin_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_bins(monkeypatch, lambda folder: (folder / f"{SECOND}.bin").unlink())


@catalogue.fault("a bin of an earlier run left behind", "preprocessing.bins")
def bin_left_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_bins(monkeypatch, lambda folder: (folder / "ILSVRC2012_val_00000999.bin").touch())


@catalogue.fault("a line missing in the .info list", "preprocessing.info")
def info_line_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = info.bin_rows
    monkeypatch.setattr(data, "bin_rows", lambda *words: right(*words)[:-1])


@catalogue.fault("one bin truncated", "preprocessing.bin_size")
def bin_truncated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_bins(monkeypatch, lambda folder: os.truncate(folder / f"{SECOND}.bin", 602_108))


@catalogue.fault("bins of float64", "preprocessing.bin_size")
def float64_bins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    edit_tensors(monkeypatch, lambda tensor: tensor.astype(np.float64))


@catalogue.fault("one value NaN", "preprocessing.finite")
def nan_value(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    def poison(folder: Path) -> None:
        values = np.fromfile(folder / f"{SECOND}.bin", np.float32)
        values[1234] = np.nan
        values.tofile(folder / f"{SECOND}.bin")

    edit_bins(monkeypatch, poison)


@catalogue.fault("no division by 255", "preprocessing.value_range")
def no_255(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = preprocess.normalisation_table
    edit_table(monkeypatch, lambda recipe: right(recipe) * 255)


@catalogue.fault("the first image preprocessed twice, under two names", "preprocessing.torchvision_parity")
def doubled_bin(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_bins(
        monkeypatch,
        lambda folder: (folder / f"{SECOND}.bin").write_bytes((folder / f"{FIRST}.bin").read_bytes()),
    )


@catalogue.fault("two bins swapped", "preprocessing.torchvision_parity")
def swapped_bins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def swap(folder: Path) -> None:
        first, second, aside = folder / f"{FIRST}.bin", folder / f"{SECOND}.bin", folder / "aside"
        first.rename(aside)
        second.rename(first)
        aside.rename(second)

    edit_bins(monkeypatch, swap)


@catalogue.fault("two images swapped in the store of pixels", "preprocessing.torchvision_parity")
def swapped_in_the_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def swap(folder: Path) -> None:
        found = (folder / PIXELS).read_bytes()
        first, second, rest = found[:150_528], found[150_528:301_056], found[301_056:]
        (folder / PIXELS).write_bytes(second + first + rest)

    edit_store(monkeypatch, swap)


@catalogue.fault("BGR instead of RGB", "preprocessing.torchvision_parity")
def bgr(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = preprocess._cropped

    def swapped(content: bytes, recipe: Preprocessing) -> Image.Image:
        from PIL import Image

        red, green, blue = right(content, recipe).split()
        return Image.merge("RGB", (blue, green, red))

    monkeypatch.setattr(preprocess, "_cropped", swapped)


@catalogue.fault("no mean subtracted", "preprocessing.value_range")
def no_mean(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    edit_table(
        monkeypatch,
        lambda recipe: (np.arange(256, dtype=np.float32) / 255 / np.array(recipe.std)[:, None]).astype(np.float32),
    )


@catalogue.fault("no division by the standard deviation", "preprocessing.torchvision_parity")
def no_std(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    edit_table(
        monkeypatch,
        lambda recipe: (np.arange(256, dtype=np.float32) / 255 - np.array(recipe.mean)[:, None]).astype(np.float32),
    )


@catalogue.fault("big-endian bins", "preprocessing.finite")
def big_endian(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_tensors(monkeypatch, lambda tensor: tensor.byteswap())


@catalogue.fault("HWC instead of CHW", "preprocessing.value_range")
def hwc(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    edit_tensors(monkeypatch, lambda tensor: np.ascontiguousarray(tensor.transpose(1, 2, 0)))


@catalogue.fault("resized to 224 x 224 without a crop", "preprocessing.torchvision_parity")
def no_crop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    edit_crop(monkeypatch, lambda image: image.resize((224, 224), Image.Resampling.BILINEAR))


@catalogue.fault("bicubic instead of bilinear", "preprocessing.torchvision_parity")
def bicubic(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_crop(monkeypatch, lambda image: resized(image, method="BICUBIC"))


@catalogue.fault("crop off by one pixel", "preprocessing.torchvision_parity")
def crop_off_by_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_crop(monkeypatch, lambda image: resized(image, shift=1))


@catalogue.fault("short side resized to 224", "preprocessing.torchvision_parity")
def short_side_224(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_crop(monkeypatch, lambda image: resized(image, short=224))


@catalogue.fault("EXIF orientation obeyed", "preprocessing.torchvision_parity", *OWN, sample=False)
def exif_obeyed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image, ImageOps

    folder, _ = own_images(world)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = folder / f"{FIRST}.JPEG"
    with Image.open(path) as image:
        image.save(path, exif=exif)
    monkeypatch.setattr(
        preprocess, "_cropped", lambda content, recipe: resized(ImageOps.exif_transpose(opened(content)).convert("RGB"))
    )
