"""The sample's checkpoint: a torchvision AlexNet that reads the images' codes back.

It is random up to its last but one layer, then a last layer that reads the 16 numbers back (the fitted head of
`fit.py`, shipped as a table of integers) and scores all 1000 codes by their distance. The same bytes come out on
another processor, as of the images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError, reason
from tools.base.files import atomic
from tools.base.progress import progress
from tools.sample.images import CLASSES, CODE_LENGTH, codebook
from tools.sample.raw_integers import random_integers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

CHECKPOINT_NAME = "alexnet-sample.pth"
HEAD_TABLE = Path(__file__).with_name("sample_head.npz")
REGENERATE_HEAD = "`python -m tools.sample.fit --write` makes it anew"
HIDDEN = 4096  # outputs of AlexNet's last but one layer
WEIGHTS_SEED, BIASES_SEED = 100, 200
FROZEN_LAYERS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("features.0", (64, 3, 11, 11)),
    ("features.3", (192, 64, 5, 5)),
    ("features.6", (384, 192, 3, 3)),
    ("features.8", (256, 384, 3, 3)),
    ("features.10", (256, 256, 3, 3)),
    ("classifier.1", (HIDDEN, 9216)),
    ("classifier.4", (HIDDEN, HIDDEN)),
)
HEAD_LAYER = "classifier.6"
INT8_VARIANCE = (256**2 - 1) / 12
BIAS_LIMIT = 0.3  # comparable to the activations: a lost bias or a lost division by 255 then shows in the accuracy


@dataclass(frozen=True)
class HeadTable:
    """The fitted map code = matrix · hidden + offset, int8 (16, 4096) and int32 (16,)."""

    matrix: npt.NDArray[np.int8]
    offset: npt.NDArray[np.int32]


def state_dict() -> dict[str, torch.Tensor]:
    """The sample's AlexNet as name -> float32 tensor, 1000 outputs."""
    return {**frozen_layers(), **head_layer(load_head())}


def write_checkpoint(path: Path) -> None:
    """Write the state_dict as a .pth; the bytes do not depend on the file's name.

    torch is given an open file because it writes a path's own name into the archive. The same torch gives the same
    bytes; across versions of torch only `checkpoint_content_sha256` is the same.
    """
    import torch

    with atomic(path) as partial, partial.open("wb") as handle:
        torch.save(state_dict(), handle)


def frozen_layers() -> dict[str, torch.Tensor]:
    """The float32 weights and biases of every layer but the last, in torchvision's names and order."""
    import numpy as np
    import torch

    state: dict[str, torch.Tensor] = {}
    for index, (name, shape) in enumerate(
        progress(FROZEN_LAYERS, what="weights", total=len(FROZEN_LAYERS), unit="layer")
    ):
        weights = random_integers(WEIGHTS_SEED + index, shape, "i1").reshape(shape[0], -1)
        # 2 / inputs is the variance that keeps ReLU layers at one scale; the first sees wide-ranging pixels: a quarter.
        gain = 0.5 if index == 0 else 2.0
        biases = random_integers(BIASES_SEED + index, shape[:1], "i1").astype(np.float64) * (BIAS_LIMIT / 128)
        state[f"{name}.weight"] = torch.from_numpy(_zero_mean_filters(weights, gain).reshape(shape))
        state[f"{name}.bias"] = torch.from_numpy(biases.astype(np.float32))
    return state


def load_head(path: Path = HEAD_TABLE) -> HeadTable:
    """Read the shipped table; SuiteError when it is not the two integer arrays of the right shape."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as table:
            head = HeadTable(matrix=table["matrix"], offset=table["offset"])
    except (OSError, ValueError, KeyError) as error:
        raise SuiteError(f"cannot read the head table: {reason(error)}", where=path, fix=REGENERATE_HEAD) from error
    found = [(array.dtype.name, array.shape) for array in (head.matrix, head.offset)]
    allowed = [("int8", (CODE_LENGTH, HIDDEN)), ("int32", (CODE_LENGTH,))]
    if found != allowed:
        raise SuiteError("not the head table", where=path, measured=found, allowed=allowed, fix=REGENERATE_HEAD)
    return head


def head_layer(head: HeadTable) -> dict[str, torch.Tensor]:
    """Fold "read the code, then score each class by its distance to it" into the last layer; both steps are linear.

    logit of class c = (p_c · code - |p_c|² / 2) / 2**15 with the mean over the classes taken off the second term. All
    of it is integer arithmetic up to the division by a power of two.
    """
    import numpy as np
    import torch

    codes = codebook()
    norms = (codes**2).sum(axis=1)
    weight = codes @ head.matrix.astype(np.int64) / 2**15
    bias = (2 * codes @ head.offset.astype(np.int64) - norms + int(norms.sum()) // CLASSES) / 2**16
    return {
        f"{HEAD_LAYER}.weight": torch.from_numpy(weight.astype(np.float32)),
        f"{HEAD_LAYER}.bias": torch.from_numpy(bias.astype(np.float32)),
    }


def _zero_mean_filters(integers: npt.NDArray[np.int8], gain: float) -> npt.NDArray[np.float32]:
    """Take each filter's mean off int8 (filters, inputs) and scale to the variance gain / inputs.

    Zero-mean filters cancel the mean that ReLU leaves in common on all their inputs. Filter by filter, because the
    whole layer in float64 would need 600 MB.
    """
    import numpy as np

    scale = math.sqrt(gain / (integers.shape[1] * INT8_VARIANCE))
    filters = np.empty(integers.shape, np.float32)
    for row, source in zip(filters, integers, strict=True):
        row[:] = (source.astype(np.float64) - source.sum(dtype=np.int64) / source.size) * scale
    return filters
