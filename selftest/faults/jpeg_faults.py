"""Faults of a port whose chip decodes JPEG files: the files, their list, the colours, and the decoder itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.port_faults import OWN, own_port
from selftest.faults.world import World
from selftest.ports.tiny import TinyPort
from tools.data.info import InfoRow, rows_of
from tools.judge.aipp import aipp_text
from tools.pipeline import data as data_step

RECIPE = (
    "{resize_px: [32, 48], crop_px: [28, 44], interpolation: bilinear, mean: [0.485, 0.456, 0.406], "
    "std: [0.229, 0.224, 0.225], aipp: {crop: chip, input: jpeg}, source: test}"
)
JPEG_MATRIX = {"matrix_r0c0 : 256": "matrix_r0c0 : 298", "matrix_r0c2 : 359": "matrix_r0c2 : 409"}
"""The first row of the matrix for JPEG, and what stands there for video."""
DROP = "top1_drop_pp: {at_most: 10.0", "top1_drop_pp: {at_most: 25.0"
"""What the chip's decoder changes costs some of 64 images, and the bound must be proved."""
preprocessing = Catalogue("preprocessing")
compiling = Catalogue("om")
accuracy = Catalogue("accuracy")


def jpeg_port(world: World) -> TinyPort:
    """The small port with JPEG files."""
    port = own_port(world, suffix=".jpg", preprocessing=RECIPE)
    port.edit(*DROP)
    return port


@preprocessing.fault("a PNG file named .jpg for a chip that decodes JPEG", "preprocessing.jpeg", *OWN, sample=False)
def png_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _saved_anew(jpeg_port(world), format="PNG")


@preprocessing.fault("a progressive JPEG for the chip's decoder", "preprocessing.jpeg", *OWN, sample=False)
def progressive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _saved_anew(jpeg_port(world), format="JPEG", progressive=True)


def _saved_anew(port: TinyPort, **how: object) -> None:
    from PIL import Image

    path = port.images / "tiny_007.jpg"
    with Image.open(path) as image:
        image.load()
    image.save(path, **how)  # type: ignore[arg-type]


@preprocessing.fault("JPEG files listed with the size of the OM's input", "preprocessing.info_size", *OWN, sample=False)
def size_of_the_input(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg_port(world)

    def as_bins(images: Mapping[str, Path], folder: str) -> tuple[InfoRow, ...]:
        return tuple(dataclasses.replace(row, width=48, height=32) for row in rows_of(images, folder))

    monkeypatch.setattr(data_step, "rows_of", as_bins)


@compiling.fault("an AIPP file with the colours of video for JPEG files", "om.aipp", *OWN, sample=False)
def colours_of_video(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = jpeg_port(world)
    text = aipp_text(port.spec.preprocessing)
    for jpeg, video in JPEG_MATRIX.items():
        assert jpeg in text
        text = text.replace(jpeg, video)
    (port.port.parent / "own.cfg").write_text(text, encoding="utf-8")
    port.edit("input: jpeg", "input: jpeg, file: own.cfg")


@accuracy.fault(
    "the chip's decoder swaps the colours",
    "om.accuracy.top1_drop_pp[bs1]",
    *OWN,
    sample=False,
)
def swapped_colours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg_port(world)
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "infer:dvpp-swaps-colours")
