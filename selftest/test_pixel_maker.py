"""A port's own function takes the place of decoding, resize and crop, and of nothing else; it is held to its word."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from selftest.odd_images import RECIPE, noise
from tools.base.errors import PreprocessingError, SpecError
from tools.data.bins import read_bins, write_bins
from tools.data.bins_check import inspect_bins
from tools.data.pixel_maker import PixelMaker, PortFunctionError
from tools.data.pixels import PixelStore, write_pixels
from tools.data.preprocess import image_pixels, normalised
from tools.data.reference import torchvision_reference

FLAT = """
import io
import numpy as np
from PIL import Image
import more

def pixels(content):
    image = Image.open(io.BytesIO(content)).convert("RGB").resize((10, 6), Image.Resampling.BOX)
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1]) + np.uint8(more.BY)
"""
OTHERS = """
import numpy as np

def pixels(content):
    return {}
"""


@pytest.fixture(autouse=True)
def _forgotten() -> object:
    """Modules of a port that another test has imported."""
    yield
    for name in [name for name in sys.modules if name == "more" or name.startswith("port_")]:
        del sys.modules[name]


@pytest.fixture
def maker(tmp_path: Path) -> PixelMaker:
    """A recipe whose function gives BGR pixels, 6 x 10, with a module of its own beside it."""
    folder = tmp_path / "port"
    folder.mkdir()
    (folder / "flat.py").write_text(FLAT)
    (folder / "more.py").write_text("BY = 1\n")
    return with_function(folder)


def with_function(folder: Path) -> PixelMaker:
    recipe = replace(
        RECIPE,
        resize_px=None,
        interpolation=None,
        crop_px=(6, 10),
        channel_order="BGR",
        function="python:flat.py:pixels",
    )
    return PixelMaker(recipe, folder)


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    """Two photographs."""
    found = {name: tmp_path / f"{name}.png" for name in "ab"}
    for seed, path in enumerate(found.values()):
        noise(60, 50, seed).save(path)
    return found


def gives(maker: PixelMaker, expression: str) -> PixelMaker:
    """The same port with a function that gives something else."""
    assert maker.folder is not None
    (maker.folder / "flat.py").write_text(OTHERS.format(expression))
    return maker


def test_its_pixels_are_normalised_and_not_turned_round_again(maker: PixelMaker, images: dict[str, Path]) -> None:
    pixels = maker.ready()(images["a"].read_bytes())
    assert len(pixels) == 6 * 10 * 3
    tensor = normalised(pixels, maker.recipe)
    blue = np.frombuffer(pixels, np.uint8).reshape(6, 10, 3)[:, :, 0].astype(np.float32)
    mean, std = np.float32(RECIPE.mean[0]), np.float32(RECIPE.std[0])
    assert np.array_equal(tensor[0], (blue / np.float32(255) - mean) / std)


def test_a_store_and_bins_are_made_by_it(maker: PixelMaker, images: dict[str, Path], tmp_path: Path) -> None:
    write_pixels(images, tmp_path / "store", maker)
    write_bins(images, tmp_path / "bins", maker)
    store = PixelStore(tmp_path / "store", maker.recipe)
    assert store.pixels("b") == maker.ready()(images["b"].read_bytes())
    assert store.read(("b", "a")).tobytes() == read_bins(tmp_path / "bins", ("b", "a"), maker.recipe).tobytes()
    assert inspect_bins(tmp_path / "bins", maker.recipe).out_of_range == ()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("np.zeros((10, 6, 3), np.uint8)", "gave uint8 [10, 6, 3], not uint8 [6, 10, 3]"),
        ("np.zeros((3, 6, 10), np.uint8)", "gave uint8 [3, 6, 10], not uint8 [6, 10, 3]"),
        ("np.zeros((6, 10), np.uint8)", "gave uint8 [6, 10], not uint8 [6, 10, 3]"),
        ("np.zeros((6, 10, 3), np.float32)", "gave float32 [6, 10, 3], not uint8 [6, 10, 3]"),
        ("None", "gave NoneType, not uint8 [6, 10, 3]"),
        ("content", "gave bytes, not uint8 [6, 10, 3]"),
        ("{}['colour']", "KeyError: 'colour'"),
    ],
)
def test_anything_else_names_function_and_image(
    expression: str, said: str, maker: PixelMaker, images: dict[str, Path], tmp_path: Path
) -> None:
    broken = gives(maker, expression)
    with pytest.raises(PortFunctionError) as caught:
        broken.ready()(images["a"].read_bytes())
    assert str(caught.value).startswith("python:flat.py:pixels")
    assert said in str(caught.value)
    with pytest.raises(PreprocessingError) as refused:
        write_pixels(images, tmp_path / "store", broken)
    assert f"2 of 2 images cannot be read: a.png ({caught.value}); b.png (" in str(refused.value)
    assert "Mend the port's function" in str(refused.value)
    assert refused.value.gate == "preprocessing.images"


def test_a_function_that_is_not_there_is_one_error(maker: PixelMaker, images: dict[str, Path], tmp_path: Path) -> None:
    absent = replace(maker, recipe=replace(maker.recipe, function="python:flat.py:absent"))
    with pytest.raises(SpecError, match="no such function"):
        write_pixels(images, tmp_path / "store", absent)
    with pytest.raises(SpecError, match="needs the port's folder"):
        PixelMaker(maker.recipe).ready()


def test_what_the_pixels_depend_on_holds_all_of_its_code(maker: PixelMaker) -> None:
    before = maker.about
    assert {"geometry", "code flat.py", "code more.py"} <= before.keys()
    assert maker.folder is not None
    (maker.folder / "more.py").write_text("BY = 2\n")
    changed = {name for name, value in maker.about.items() if before[name] != value}
    assert changed == {"code more.py"}
    assert PixelMaker(RECIPE).about == {"geometry": RECIPE.geometry}


def test_bins_of_other_code_are_made_again(maker: PixelMaker, images: dict[str, Path], tmp_path: Path) -> None:
    write_bins(images, tmp_path / "bins", maker)
    before = (tmp_path / "bins" / "a.bin").read_bytes()
    write_bins(images, tmp_path / "bins", gives(maker, "np.zeros((6, 10, 3), np.uint8)"))
    assert (tmp_path / "bins" / "a.bin").read_bytes() != before


def test_the_suite_never_stands_in_for_it(maker: PixelMaker, images: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match=r"flat\.py"):
        image_pixels(images["a"].read_bytes(), maker.recipe)
    with pytest.raises(ValueError, match=r"flat\.py"):
        torchvision_reference(maker.recipe)
