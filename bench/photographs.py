"""Photographs as a source of images: decoded when they are asked for, where the suite reads its store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.data.preprocess import image_pixels, normalise_into, read_image
from tools.judge.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Photographs:
    """Image files by id; a tools.engines.streaming.Source."""

    images: Mapping[str, Path]
    recipe: Preprocessing

    @property
    def ids(self) -> tuple[str, ...]:
        """In the order of the mapping."""
        return tuple(self.images)

    def fill(self, name: str, tensor: NDArray[np.float32]) -> None:
        """See Source.fill; UnreadableImageError for an image that cannot be decoded."""
        normalise_into(tensor, image_pixels(read_image(self.images[name]), self.recipe), self.recipe)
