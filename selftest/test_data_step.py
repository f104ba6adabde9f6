"""The data step of ports with other recipes: what parity is held against, and what is said beside the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from selftest.odd_images import ODD, noise
from tools.data.bins import list_bins
from tools.imagenet_torch_preprocess import main
from tools.judge.facts import ParityFacts, RecipeFacts
from tools.judge.results import Verdict
from tools.pipeline.data import DataStep
from tools.pipeline.publish import run_verdict
from tools.pipeline.run import Run, open_run
from tools.ports.spec import SAMPLE_SPEC
from tools.sample.images import IMAGES_FOLDER, write_images

GATES = ("images", "bins", "info", "bin_size", "finite", "value_range")
PARITY = "preprocessing.torchvision_parity"
AS_STATED = "resize_px: 232\n    crop_px: 224\n    interpolation: bilinear"
ALEXNET = "resize_px: 256\n    crop_px: 224\n    interpolation: bilinear"
BY_FUNCTION = 'resize_px: null\n    crop_px: [6, 10]\n    interpolation: null\n    function: "python:mine.py:pixels"'
FLOAT16 = "input: {name: actual_input_1, dtype: float16}"
MODULE = """
import io
import numpy as np
from PIL import Image

def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB").resize((10, 6)))
"""


class Place:
    """A folder with images, labels, a cache and ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "val").mkdir()
        names = [f"ILSVRC2012_val_{number:08d}" for number in range(1, 13)]
        for seed, name in enumerate(names):
            noise(70 + seed, 60, seed).save(folder / "val" / f"{name}.JPEG", "JPEG")
        ODD["CMYK JPEG"](folder / "val" / f"{names[0]}.JPEG")
        (folder / "val_label.txt").write_text("".join(f"{name}.JPEG 1\n" for name in names))
        (folder / "mine.py").write_text(MODULE)
        (folder / "resnet50-11ad3fa6.pth").touch()  # no step of the data reads it

    def port(self, *changes: tuple[str, str]) -> None:
        """Write a port: the sample's with these changes, and the published weights of ResNet-50."""
        text = SAMPLE_SPEC.read_text(encoding="utf-8")
        resnet = (("torchvision:alexnet", "torchvision:resnet50"), ("alexnet-sample.pth", "resnet50-11ad3fa6.pth"))
        for old, new in (("name: alexnet_sample", "name: mine"), *resnet, *changes):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.folder / "mine.yaml").write_text(text, encoding="utf-8")

    @contextmanager
    def run(self) -> Iterator[Run]:
        """A run of the port over the images."""
        options: dict[str, str | None] = {
            "checkpoint": str(self.folder / "resnet50-11ad3fa6.pth"),
            "port": str(self.folder / "mine.yaml"),
            "images": str(self.folder / "val"),
            "labels": str(self.folder / "val_label.txt"),
            "cache": str(self.folder / "cache"),
            "evidence": str(self.folder / "evidence"),
            "target": "simulator",
        }
        with open_run(options) as run:
            yield run


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Twelve images of which one is CMYK."""
    return Place(tmp_path)


def passes(run: Run, *gates: str) -> bool:
    return all(run.judge(f"preprocessing.{gate}").verdict is Verdict.PASS for gate in gates or GATES)


def remade(data: DataStep) -> set[str]:
    """The kinds of artifacts that the run had to make."""
    return {line.split()[1].partition("/")[0] for line in data._context.log if not line.startswith("hit")}


def test_a_port_that_follows_the_library_is_held_against_its_own_object(place: Place) -> None:
    place.port((ALEXNET, AS_STATED))
    with place.run() as run:
        assert passes(run)
        assert run.judge(PARITY).verdict is Verdict.PASS
        assert run.parity().against == run.recipe().library
        assert run.recipe().library.endswith("ResNet50_Weights.IMAGENET1K_V2")
        assert run.recipe().departures == ()
        assert run.context.staging.pieces(RecipeFacts) == [run.recipe()]


def test_a_port_that_departs_is_held_to_its_own_recipe_and_says_so(place: Place) -> None:
    place.port((ALEXNET, AS_STATED.replace("bilinear", "bicubic")))
    with place.run() as run:
        assert passes(run)
        assert run.judge(PARITY).verdict is Verdict.PASS
        assert run.parity().against.endswith(" transforms")
        assert run.recipe().departures == ("interpolation bicubic, stated bilinear",)
        assert "ResNet50_Weights.IMAGENET1K_V2" in run.recipe().remark


def test_beside_a_function_of_the_ports_own_nothing_says_what_pixels_should_be(place: Place) -> None:
    place.port((ALEXNET, BY_FUNCTION))
    with place.run() as run:
        assert passes(run)
        check = run.judge(PARITY)
        assert check.verdict is Verdict.NOT_JUDGED
        assert "python:mine.py:pixels" in check.detail
        assert run.parity() == ParityFacts((), (), "")
        assert "function python:mine.py:pixels, stated none" in run.recipe().departures


def test_other_code_of_the_function_makes_the_pixels_again(place: Place) -> None:
    place.port((ALEXNET, BY_FUNCTION))
    with place.run() as run:
        before = run.data.pixels().content
    with place.run() as run:
        assert run.data.pixels().content == before
        assert remade(run.data) == set()
    (place.folder / "mine.py").write_text(MODULE.replace("resize((10, 6))", "resize((10, 6), Image.Resampling.BOX)"))
    with place.run() as run:
        assert run.data.pixels().content != before
        assert remade(run.data) == {"pixels"}


def test_bins_are_of_the_inputs_type(place: Place) -> None:
    place.port((ALEXNET, AS_STATED), ("input: {name: actual_input_1, dtype: float32}", FLOAT16))
    with place.run() as run:
        assert passes(run)
        assert run.judge(PARITY).verdict is Verdict.PASS
        sizes = {path.stat().st_size for path in list_bins(run.data.bins().folder).values()}
        assert sizes == {3 * 224 * 224 * 2}


def test_bins_of_a_size_that_is_not_square_pass_every_gate(place: Place) -> None:
    place.port((ALEXNET, "resize_px: [40, 64]\n    crop_px: [33, 50]\n    interpolation: lanczos"))
    with place.run() as run:
        assert passes(run)
        assert run.judge(PARITY).verdict is Verdict.PASS


def test_the_rare_image_is_looked_at_in_every_run_and_others_by_chance(place: Place) -> None:
    policy = ("policy:\n", "policy:\n  preprocessing:\n    parity_images: 4\n")
    reason = ("reasons:\n", "reasons:\n  preprocessing.parity_images: a test\n")
    place.port((ALEXNET, AS_STATED), policy, reason)
    drawn = set[tuple[str, ...]]()
    for _ in range(4):
        with place.run() as run:
            drawn.add(run.parity().looked_at)
            assert run.judge(PARITY).measured == "0 of 4"
    assert all("ILSVRC2012_val_00000001" in ids for ids in drawn)
    assert len(drawn) > 1


def test_the_guides_command_preprocesses_for_any_port(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.port((ALEXNET, BY_FUNCTION), ("input: {name: actual_input_1, dtype: float32}", FLOAT16))
    out = place.folder / "out"
    assert main([str(place.folder / "val"), str(out), "--port", str(place.folder / "mine.yaml")]) == 0
    assert capsys.readouterr().out.endswith(f"out: 12 bins of {3 * 6 * 10 * 2} bytes\n")
    with place.run() as run:
        bins = list_bins(run.data.bins().folder)
        assert {name: path.read_bytes() for name, path in list_bins(out).items()} == {
            name: path.read_bytes() for name, path in bins.items()
        }


def test_one_photograph_of_the_sample_under_another_name_makes_it_the_sample(place: Place, tmp_path: Path) -> None:
    place.port(("  kind: sample\n", ""))
    with place.run() as run:
        assert not run.dataset().embedded_sample
        assert not run_verdict(run.setup, run.context.staging, (), interrupted="").sample
    write_images(tmp_path / "sample", 1)
    (image,) = (tmp_path / "sample" / IMAGES_FOLDER).iterdir()
    image.rename(place.folder / "val" / "ILSVRC2012_val_00000007.JPEG")
    with place.run() as run:
        assert run.dataset().embedded_sample
        assert run_verdict(run.setup, run.context.staging, (), interrupted="").sample
