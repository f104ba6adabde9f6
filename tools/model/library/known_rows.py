"""What the library states of the network of a published row, and whether the zoo judged just that."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

from tools.base.errors import SuiteError
from tools.model.library.timm_says import timm_states
from tools.model.library.torchvision_says import DIGITS, torchvision_states
from tools.model.torchvision_ops import import_torchvision
from tools.ports.published_slips import Asked, Limits, Refusal, refusals
from tools.ports.published_table import Row, RowRecipe, Table
from tools.ports.stated import DraftedRecipe, Stated, StatedWeights

AIPP = "_aipp"
LIBRARIES = ("torchvision", "timm")
SAME_MEAN = 5e-4
"""Means and deviations are printed with three decimals."""
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Known:
    """A row, what the library states of its network, and its figures that cannot be."""

    row: Row
    stated: Stated
    refused: tuple[Refusal, ...]

    @property
    def same_weights(self) -> bool:
        """Whether the zoo judged the very file that the port names."""
        return bool(self.row["checkpoint_file"]) and self.row["checkpoint_file"] == self.stated.weights.file

    @property
    def same_recipe(self) -> bool:
        """Whether the zoo prepared images as the library does for these weights."""
        recipe = self.row.recipe()
        return recipe is not None and _same_recipe(recipe, self.stated.recipe)

    @property
    def aipp(self) -> Literal["chip", "host"] | None:
        """Where an AIPP port of the row cuts; None where the zoo used none, or where its recipe is not the port's."""
        if not self.row.aipp or not self.same_recipe:
            return None
        recipe = self.stated.recipe
        whole = isinstance(recipe.resize_px, int) and isinstance(recipe.crop_px, int)
        chip = self.row.chip_cuts and whole and (recipe.resize_px - recipe.crop_px) % 4 == 0  # type: ignore[operator]
        return "chip" if chip else "host"

    @property
    def port(self) -> str:
        """The name of the port's file: the architecture in lower snake case."""
        return f"{_architecture(self.row['network'])}{AIPP if self.aipp else ''}"


def known_row(row: Row, table: Table, limits: Limits) -> Known:
    """A row of the table whose network is one of a library; SuiteError where it is none."""
    stated = _stated(row)
    flops = stated.flops_per_image
    fits = row["input_hw"].isdecimal() and size_of(stated.recipe) == int(row["input_hw"])
    asked = Asked(row, table.rows, flops.value if flops is not None and fits else None, limits)
    return Known(row, stated, refusals(asked))


def _stated(row: Row) -> Stated:
    """What the library states of the row's network, for the row's file of weights where it knows that."""
    library, _, name = row["network"].partition(":")
    if library not in LIBRARIES:
        raise SuiteError(
            "a row's network is none of a library",
            where=f"line {row.line}, row {row.name}",
            measured=row["network"],
            allowed="torchvision:NAME, timm:NAME.TAG",
        )
    size = int(row["input_hw"]) if row["input_hw"].isdecimal() else None
    found = _of_torchvision(name, _entry(name, row)) if library == "torchvision" else _of_timm(name, size)
    return _with_own_file(found, row) if row["takes_own_file"] == "yes" else found


_of_torchvision, _of_timm = functools.cache(torchvision_states), functools.cache(timm_states)
"""A zoo has most networks more than once."""


def _entry(name: str, row: Row) -> str | None:
    """torchvision's weights in the row's file; its first ones, which most published ports took, where it has none."""
    models = import_torchvision().models
    if name not in models.list_models(module=models):
        return None  # refused where it is looked up
    entries = list(models.get_model_weights(name))
    named = (entry.name for entry in entries if PurePosixPath(entry.url).name == row["checkpoint_file"])
    return next(named, str(entries[0].name))


def _with_own_file(found: Stated, row: Row) -> Stated:
    """The port of the zoo's file; what the library states of its present file's accuracy is not stated of this."""
    file, digits = row["checkpoint_file"], DIGITS.search(row["checkpoint_file"])
    if not PLAIN.fullmatch(file):
        raise SuiteError(
            "a row whose port takes the zoo's own file of weights names it",
            where=f"line {row.line}, row {row.name}, column checkpoint_file",
            measured=repr(file),
            allowed="a file's name without a folder: letters, digits and . _ -",
        )
    said = f"zoo, {row['path']}: a file that the library released itself or names as the origin of its weights"
    said += "; the digits stand in the file's name" if digits else ""
    doubt = "" if digits else "the sha256 of the file; a port without one is never ACCEPTED"
    weights = StatedWeights(file, said, row["checkpoint_url"] or None, digits[1] if digits else None, doubt=doubt)
    recipe = replace(found.recipe, source=f"{found.recipe.source}, of the present file; the zoo's is the same")
    return replace(found, weights=weights, recipe=recipe, top1=None, top5=None)


def _same_recipe(row: RowRecipe, stated: DraftedRecipe) -> bool:
    near = all(
        abs(own - other) <= SAME_MEAN
        for own, other in zip((*row.mean, *row.std), (*stated.mean, *stated.std), strict=True)
    )
    sizes = (row.resize_px, row.crop_px, row.interpolation) == (stated.resize_px, stated.crop_px, stated.interpolation)
    return near and sizes and not stated.doubt


def size_of(recipe: DraftedRecipe) -> int | None:
    """The side of what a recipe leaves of an image in pixels, None where it leaves no square."""
    side = recipe.resize_px if recipe.crop_px is None else recipe.crop_px
    return side if isinstance(side, int) else None


def _architecture(network: str) -> str:
    return network.partition(":")[2].partition(".")[0].lower()
