"""Faults of a port whose chip crops and normalises: its AIPP file, the compiler that takes it, and what is fed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from selftest.faults.fault import Catalogue
from selftest.faults.port_faults import OWN, own_port
from selftest.faults.world import World
from tools.data import pixels

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = (
    "{{resize_px: 72, crop_px: 40, interpolation: bilinear, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], "
    "aipp: {aipp}, source: test}}"
)
FILE = """\
# what the recipe says
aipp_op {
    aipp_mode : static
    input_format : RGB888_U8
    src_image_size_w : 72
    src_image_size_h : 72
    crop : true
    load_start_pos_w : 16
    load_start_pos_h : 16
    crop_size_w : 40
    crop_size_h : 40
    rbuv_swap_switch : false
    min_chn_0 : 123.675
    min_chn_1 : 116.28
    min_chn_2 : 103.53
    var_reci_chn_0 : 0.0171247538316637
    var_reci_chn_1 : 0.0175070028011204
    var_reci_chn_2 : 0.0174291938997821
}
"""
EDITED = {
    "mean and std of an AIPP file that changed places": {
        "min_chn_": "x",
        "var_reci_chn_": "min_chn_",
        "x": "var_reci_chn_",
    },
    "the crop of an AIPP file off by 16": {"load_start_pos_w : 16": "load_start_pos_w : 0"},
    "channels that an AIPP file swaps": {"rbuv_swap_switch : false": "rbuv_swap_switch : true"},
}
compiling = Catalogue("om")
preprocessing = Catalogue("preprocessing")


def aipp_port(world: World, file: str | None = None) -> None:
    """The small port with AIPP, whose file is written from its recipe or handed in."""
    folder = world.folder / "port"
    folder.mkdir()
    (folder / "own.cfg").write_text(file or FILE, encoding="utf-8")
    own_port(world, preprocessing=RECIPE.format(aipp="{crop: chip}" if file is None else "{crop: chip, file: own.cfg}"))


def edited(changes: dict[str, str]) -> str:
    """The file with each of these pieces, which must be there, in another's place."""
    text = FILE
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def _enter(name: str, changes: dict[str, str]) -> None:
    @compiling.fault(name, "om.aipp", *OWN, sample=False)
    def inject(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        aipp_port(world, edited(changes))


for _name, _changes in EDITED.items():
    _enter(_name, _changes)


@compiling.fault("an AIPP file that atc ignores", "om.described[bs1]", *OWN, sample=False)
def ignored_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    aipp_port(world)
    monkeypatch.setenv("ASCEND_SIMULATOR_FAULT", "atc:ignores-aipp")


@preprocessing.fault("normalised floats for an OM that takes pixels", "preprocessing.bin_size", *OWN, sample=False)
def floats(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    aipp_port(world)
    right = pixels.write_stored_bins

    def as_floats(store: pixels.PixelStore, folder: Path, *_kind: Any) -> None:  # noqa: ANN401 - the type of bins
        right(store, folder, "float32")

    monkeypatch.setattr(pixels, "write_stored_bins", as_floats)
