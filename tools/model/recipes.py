"""The preprocessing that a library states for its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tools.ports.stated import StatedRecipe

GUIDES = StatedRecipe(
    resize_px=256,
    crop_px=224,
    interpolation="bilinear",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    source="assumed: torchvision's reference transforms",
    doubt="the recipe that the network was trained for; this is the usual one of ImageNet",
)
"""For networks about which nobody says anything."""


def stated_recipe(said: Any, source: str) -> StatedRecipe:  # noqa: ANN401 - objects of two optional libraries
    """From torchvision's `weights.transforms()` or timm's data configuration (a mapping), whose words `source` is."""
    if isinstance(said, Mapping):
        return _timm(said, source)
    return StatedRecipe(
        resize_px=_short_side(said.resize_size),
        crop_px=_short_side(said.crop_size),
        interpolation=said.interpolation.value,
        mean=tuple(said.mean),
        std=tuple(said.std),
        source=source,
    )


def _short_side(size: list[int]) -> int | tuple[int, int]:
    return size[0] if len(size) == 1 else (size[0], size[1])


def _timm(said: Mapping[str, Any], source: str) -> StatedRecipe:
    """timm enlarges the crop by 1 / crop_pct, rounded down, and says which way images of another shape are fitted."""
    (height, width), mode = said["input_size"][1:], said["crop_mode"]
    resized = math.floor(height / said["crop_pct"]), math.floor(width / said["crop_pct"])
    square = height == width and mode != "squash"
    doubts = [f"crop_mode {mode} is none that the suite knows; this is center"] if mode == "border" else []
    doubts += [] if square or mode == "squash" else [f"{height} x {width} by crop_mode {mode}; this is squash"]
    return StatedRecipe(
        resize_px=resized[0] if square else resized,
        crop_px=height if height == width else (height, width),
        interpolation=said["interpolation"],
        mean=tuple(said["mean"]),
        std=tuple(said["std"]),
        source=f"{source}; crop_pct {said['crop_pct']:g}, crop_mode {mode}",
        doubt="; ".join(doubts),
    )
