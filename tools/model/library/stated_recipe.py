"""How a library says that images are to be preprocessed for weights that it publishes, as a port can say it too.

A statement is about weights, not about a network: it is found by the name of their file. The recipe of other weights of
the same network says nothing about these.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any, Literal

from tools.base.errors import SpecError
from tools.judge.facts import RecipeFacts
from tools.judge.spec import Preprocessing
from tools.model.network import import_timm
from tools.model.torchvision_ops import import_torchvision
from tools.store.dependencies import version

HUB_FILES = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""How files of weights are called on the hub, whatever weights they are: the tag of timm's network tells which."""
SUFFIXES = (".pth", ".pt", ".bin", ".safetensors")


@dataclass(frozen=True)
class StatedRecipe:
    """A library's recipe for weights, in the words of a port's `preprocessing`.

    `library` names library, version and weights; `transforms` is the library's own object, from an RGB image of Pillow
    to a tensor. `beyond` says what no port can say, empty as a rule.
    """

    library: str
    resize_px: int | tuple[int, int]
    crop_px: int | tuple[int, int] | None
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    transforms: Callable[..., Any] = field(compare=False, repr=False)
    channel_order: Literal["RGB", "BGR"] = "RGB"
    value_range: Literal["0..1", "0..255"] = "0..1"
    beyond: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what goes into the network."""
        size = self.resize_px if self.crop_px is None else self.crop_px
        return size if isinstance(size, tuple) else (size, size)

    def departures(self, recipe: Preprocessing) -> tuple[str, ...]:
        """What a port does in another way, a text each; empty where it makes the same tensors."""
        pairs: list[tuple[str, object, object]] = [
            ("resize_px", recipe.resize_px, self.resize_px),
            ("crop_px", recipe.size, self.size),
            ("interpolation", recipe.interpolation, self.interpolation),
        ]
        if recipe.function is not None:
            pairs = [("function", recipe.function, "none"), ("crop_px", recipe.size, self.size)]
        pairs += [(name, getattr(recipe, name), getattr(self, name)) for name in VALUES]
        found = [f"{name} {_shown(own)}, stated {_shown(stated)}" for name, own, stated in pairs if own != stated]
        return (*found, *([self.beyond] if self.beyond else []))


VALUES = ("mean", "std", "channel_order", "value_range")


def stated_recipe(source: str, checkpoint_file: str) -> StatedRecipe | None:
    """The recipe by which the library evaluates these weights; None where it states none, or is not installed."""
    return next(iter(stated_recipes(source, checkpoint_file)), None)


@functools.cache
def stated_recipes(source: str, checkpoint_file: str) -> tuple[StatedRecipe, ...]:
    """All recipes that are stated for these weights: timm knows an evaluation's, first, and the training's size."""
    library, _, name = source.partition(":")
    finders = {"torchvision": _of_torchvision, "timm": _of_timm}
    return tuple(finders[library](name, checkpoint_file)) if library in finders else ()


def nearest(recipe: Preprocessing, source: str, checkpoint_file: str) -> StatedRecipe | None:
    """Of the stated recipes the one from which the port departs least."""
    stated = stated_recipes(source, checkpoint_file)
    return min(stated, key=lambda found: len(found.departures(recipe)), default=None)


def recipe_facts(recipe: Preprocessing, source: str, checkpoint_file: str) -> RecipeFacts:
    """What the library states, and where the port departs from it, for the evidence."""
    stated = nearest(recipe, source, checkpoint_file)
    return RecipeFacts("", ()) if stated is None else RecipeFacts(stated.library, stated.departures(recipe))


def _of_torchvision(name: str, checkpoint_file: str) -> Iterator[StatedRecipe]:
    models = import_torchvision().models
    if name not in models.list_models():
        return
    for weights in models.get_model_weights(name):
        transforms = weights.transforms()
        if PurePosixPath(weights.url).name == checkpoint_file and hasattr(transforms, "crop_size"):
            yield StatedRecipe(
                library=f"torchvision {version('torchvision')} {type(weights).__name__}.{weights.name}",
                resize_px=_one_or_two(transforms.resize_size),
                crop_px=_one_or_two(transforms.crop_size),
                interpolation=transforms.interpolation.value,
                mean=_three(transforms.mean),
                std=_three(transforms.std),
                transforms=transforms,
            )


def _of_timm(name: str, checkpoint_file: str) -> Iterator[StatedRecipe]:
    try:
        timm = import_timm()
    except SpecError:
        return
    found = _timm_weights(timm, name, checkpoint_file)
    if found is None:
        return
    config = timm.get_pretrained_cfg(found).to_dict()
    two = bool(config.get("test_input_size") or config.get("test_crop_pct"))
    for words, test in ((" (test size)", True), (" (train size)", False)) if two else (("", False),):
        data = timm.data.resolve_data_config(pretrained_cfg=config, use_test_size=test)
        yield _timm_recipe(timm, f"timm {version('timm')} {found}{words}", data)


def _timm_weights(timm: ModuleType, name: str, checkpoint_file: str) -> str | None:
    """The full name, with its tag, of the weights in this file; None where that is not known."""
    if not timm.is_model(name):
        return None
    architecture, _, tag = name.partition(".")
    for full in timm.list_pretrained(f"{architecture}.*"):
        config, stem = timm.get_pretrained_cfg(full), checkpoint_file
        for suffix in SUFFIXES:
            stem = stem.removesuffix(suffix)
        if stem == full or (config.url and PurePosixPath(config.url).name == checkpoint_file):
            return str(full)
        if tag and full == name and config.hf_hub_id and checkpoint_file in HUB_FILES:
            return str(full)
    return None


def _timm_recipe(timm: ModuleType, library: str, data: Mapping[str, Any]) -> StatedRecipe:
    """What timm's create_transform makes of its own data config, in the words of a port."""
    (_, *size), mode = data["input_size"], data["crop_mode"]
    height, width = (math.floor(side / data["crop_pct"]) for side in size)
    crop, beyond = _one_or_two(size), ""
    if mode == "center" and height != width:
        beyond = "resize keeps the ratio and fills a size that is not square, which no port can say"
    elif mode not in ("center", "squash"):
        beyond = f"crop mode {mode}, which no port can say"
    squash = mode == "squash" or height != width
    return StatedRecipe(
        library=library,
        resize_px=(height, width) if squash else height,
        crop_px=None if squash and [height, width] == size else crop,
        interpolation=data["interpolation"],
        mean=_three(data["mean"]),
        std=_three(data["std"]),
        transforms=timm.data.create_transform(**data, is_training=False),
        beyond=beyond,
    )


def _one_or_two(size: Sequence[int]) -> int | tuple[int, int]:
    """A size as a port has it: one number where both sides are alike."""
    first, last = size[0], size[-1]
    return first if first == last else (first, last)


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)
