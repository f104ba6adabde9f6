"""Generated images as a network takes them: the sample's own JPEGs through a port's recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.data.pixel_maker import PixelMaker
from tools.data.preprocess import UnreadableImageError, normalised
from tools.judge.spec import Spec
from tools.sample import images
from tools.sample.judged_images import POOL_IMAGES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TRAINING_IMAGES = 400


class GeneratedPixels:
    """The images of both sets, decoded when they are asked for."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self._recipe = spec.preprocessing
        self._make = PixelMaker(self._recipe, folder).ready()
        counts = {images.TRAINING_SET: TRAINING_IMAGES, images.VALIDATION_SET: POOL_IMAGES}
        self._sets = {seed: images.image_set(seed, count) for seed, count in counts.items()}

    def of(self, seed: int, indices: Sequence[int]) -> npt.NDArray[np.float32]:
        """Float32 (N, 3, height, width) of some images of a set."""
        import numpy as np

        try:
            made = [self._make(self._sets[seed].jpeg(index)) for index in indices]
        except UnreadableImageError as error:
            raise SuiteError(f"the port's recipe cannot read a generated image: {error}") from error
        return np.stack([normalised(pixels, self._recipe) for pixels in made])
