"""From image file to pixels by a port's recipe: the suite's own way, or the function that the port brings along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.base.errors import SpecError
from tools.data.preprocess import UnreadableImageError, image_pixels
from tools.judge.spec import Preprocessing
from tools.model.code import code_digests, load_function

MakePixels = Callable[[bytes], bytes]
"""From an image file's bytes to uint8 (height, width, 3); UnreadableImageError where there is nothing to make."""


class PortFunctionError(UnreadableImageError):
    """The port's own function died on an image, or gave something that is no image of the recipe."""


@dataclass(frozen=True)
class PixelMaker:
    """A recipe, and the folder of the port's file, below which a function of its own lies."""

    recipe: Preprocessing
    folder: Path | None = None

    @property
    def about(self) -> dict[str, str]:
        """What the pixels depend on besides the image: the geometry, and the code of the port's function."""
        place = self.recipe.function
        code = {} if place is None else code_digests(place, self._folder)
        return {"geometry": self.recipe.geometry, **code}

    @property
    def made_by(self) -> str:
        """The same as one text."""
        return ", ".join(f"{name} {value}" for name, value in sorted(self.about.items()))

    def ready(self) -> MakePixels:
        """The way from a file to its pixels, for any thread; the port's function is loaded here, SpecError if not."""
        place = self.recipe.function
        if place is None:
            return lambda content: image_pixels(content, self.recipe)
        function = load_function(place, self._folder)
        return lambda content: _called(function, content, self.recipe)

    @property
    def _folder(self) -> Path:
        if self.folder is None:
            raise SpecError("a function of the port's own needs the port's folder", measured=self.recipe.function)
        return self.folder


def _called(function: Callable[[bytes], object], content: bytes, recipe: Preprocessing) -> bytes:
    """What the function makes of the bytes, where that is an image of the recipe's size."""
    try:
        made = function(content)
    except Exception as error:
        raise PortFunctionError(f"{recipe.function}: {type(error).__name__}: {' '.join(str(error).split())}") from error
    return _checked(made, recipe)


def _checked(made: object, recipe: Preprocessing) -> bytes:
    import numpy as np

    asked = (*recipe.size, 3)
    if not isinstance(made, np.ndarray):
        raise PortFunctionError(f"{recipe.function} gave {type(made).__name__}, not uint8 {list(asked)}")
    if made.dtype != np.uint8 or made.shape != asked:
        raise PortFunctionError(f"{recipe.function} gave {made.dtype} {list(made.shape)}, not uint8 {list(asked)}")
    return np.ascontiguousarray(made).tobytes()
