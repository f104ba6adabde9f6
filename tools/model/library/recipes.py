"""The preprocessing of a drafted port: as the library states it for the weights, else the usual one, as a guess."""

from __future__ import annotations

from tools.base.errors import SuiteError
from tools.model.library.stated_recipe import stated_recipes
from tools.ports.stated import DraftedRecipe

GUIDES = DraftedRecipe(
    resize_px=256,
    crop_px=224,
    interpolation="bilinear",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    source="assumed: torchvision's reference transforms",
    doubt="the recipe that the network was trained for; this is the usual one of ImageNet",
)
"""For networks about which nobody says anything."""


def drafted_recipe(source: str, checkpoint_file: str, whose: str, size: int | None = None) -> DraftedRecipe:
    """What the library states for the weights in this file, whose words `whose` is.

    Where it states recipes for several sizes it is the one for `size`, else the library's own first.
    """
    every = stated_recipes(source, checkpoint_file)
    if not every:
        raise SuiteError("the library states no recipe for these weights", where=source, measured=checkpoint_file)
    found = next((recipe for recipe in every if recipe.size == (size, size)), every[0])
    return DraftedRecipe(
        resize_px=found.resize_px,
        crop_px=found.crop_px,
        interpolation=found.interpolation,
        mean=found.mean,
        std=found.std,
        source=whose,
        doubt=found.beyond,
    )
