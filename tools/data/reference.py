"""What the bins are held against: a library's own transforms, which share no code with the suite's."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.judge.spec import Preprocessing
from tools.model.library.stated_recipe import StatedRecipe
from tools.model.torchvision_ops import import_torchvision
from tools.store.dependencies import version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Reference:
    """Transforms by the name under which people find them, from an RGB image of Pillow to float32 CHW."""

    name: str
    transforms: Callable[..., Any]

    def __call__(self, file: Path | io.BytesIO) -> NDArray[np.float32]:
        """An image file through the transforms."""
        import numpy as np
        from PIL import Image

        with Image.open(file) as image:
            return np.ascontiguousarray(self.transforms(image.convert("RGB")).numpy(), np.dtype("<f4"))


@dataclass(frozen=True)
class PixelReference:
    """torchvision's own resize and cut alone, which a recipe with AIPP leaves to the host."""

    recipe: Preprocessing

    def __call__(self, file: Path | io.BytesIO) -> bytes:
        """An image file as uint8 RGB, height x width x channel, of the recipe's `pixels_size`."""
        from PIL import Image

        transforms = import_torchvision().transforms
        cut = transforms.Compose(_geometry(self.recipe.on_host, transforms))
        with Image.open(file) as image:
            return bytes(cut(image.convert("RGB")).tobytes())


def reference(recipe: Preprocessing, stated: StatedRecipe | None) -> Reference:
    """The library's own object where the port follows what the library states, else torchvision's transforms."""
    if stated is not None and not stated.departures(recipe):
        return Reference(stated.library, stated.transforms)
    return torchvision_reference(recipe)


def torchvision_reference(recipe: Preprocessing) -> Reference:
    """The recipe made of torchvision's transforms themselves; ValueError for a function, which nothing stands for."""
    if recipe.function is not None:
        raise ValueError(f"nothing but {recipe.function} says what it makes")
    transforms = import_torchvision().transforms
    steps = [*_geometry(recipe, transforms), *_values(recipe, transforms)]
    steps.append(transforms.Normalize(recipe.mean, recipe.std))
    return Reference(f"torchvision {version('torchvision')} transforms", transforms.Compose(steps))


def _geometry(recipe: Preprocessing, transforms: Any) -> list[Any]:  # noqa: ANN401 - torchvision's module
    steps = []
    if recipe.resize_px is not None:
        steps.append(transforms.Resize(recipe.resize_px, transforms.InterpolationMode(recipe.interpolation)))
    if recipe.crop_px is not None:
        steps.append(transforms.CenterCrop(recipe.crop_px))
    return steps


def _values(recipe: Preprocessing, transforms: Any) -> list[Any]:  # noqa: ANN401 - torchvision's module
    """Bytes to float32 values, in the order of channels that the network was trained with."""
    import torch

    steps: list[Any] = [transforms.ToTensor()]
    if recipe.value_range == "0..255":
        steps = [transforms.PILToTensor(), transforms.Lambda(lambda tensor: tensor.to(torch.float32))]
    if recipe.channel_order == "BGR":
        steps.append(transforms.Lambda(lambda tensor: tensor.flip(0)))
    return steps
