"""Every value that the checkpoint's network computes of an image, and the module whose work it is.

Values come from torch's dispatcher and not from hooks on modules: additions, concatenations and attention are functions
and have no module to hook. The module is told by the weights that an operation reads (attention reads those of a layer
that it never calls), else by the innermost module that runs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TorchValue:
    """What one operation yields: `inputs` are the indices of the values it reads, 0 being the images.

    `module` is the path of the module, with the operation behind it where the module holds others (`layer1.0: add`);
    `weighted` tells whether the operation reads weights of it.
    """

    index: int
    array: Array
    inputs: tuple[int, ...]
    module: str
    weighted: bool


@dataclass(frozen=True)
class TorchValues:
    """All values in order of execution; `output` is the index of what the network returns (its first)."""

    values: tuple[TorchValue, ...]
    output: int

    def between(self, known: Collection[int], output: int) -> tuple[TorchValue, ...]:
        """The operations that make the value `output` of values that are `known`, in order of execution."""
        found, waiting = {output}, [output]
        while waiting:
            for read in self.values[waiting.pop()].inputs:
                if read not in found and read not in known:
                    found.add(read)
                    waiting.append(read)
        return tuple(self.values[index] for index in sorted(found))
