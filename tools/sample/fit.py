"""Fit the sample's last layer: `python -m tools.sample.fit` compares it with the shipped table, `--write` replaces it.

The fit is a ridge regression from the hidden layer of 600 training images (their own seed, never judged) to their
16-number codes. It runs in float64 and is rounded to integers, so that the table does not depend on the order in
which a processor adds. It takes half a minute and 1.5 GB of memory; making the checkpoint from the table takes neither.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.base import cli
from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.base.progress import progress
from tools.judge.spec import Preprocessing
from tools.model.network import Network
from tools.model.torchvision_ops import import_torchvision
from tools.ports.spec import SAMPLE_SPEC, load_spec
from tools.sample import checkpoint as sample
from tools.sample.images import CLASSES, TRAINING_SET, ImageSet, image_set

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Doubles = npt.NDArray[np.float64]

TRAINING_IMAGES = 600  # enough for 1000 classes, because what is learnt is the 16 numbers that all classes share
BATCH = 25
RIDGE_SHARE = 0.1  # the penalty as a share of the mean squared length of a training image's hidden vector


def fit_head() -> sample.HeadTable:
    """Run the training images through the frozen layers and fit the head: int8 (16, 4096) and int32 (16,)."""
    training = image_set(TRAINING_SET, TRAINING_IMAGES)
    matrix, offset = ridge(hidden_activations(training, TRAINING_IMAGES), training.codes)
    return sample.HeadTable(matrix=_rounded(matrix.T, "int8"), offset=_rounded(offset, "int32"))


def hidden_activations(images: ImageSet, count: int) -> Doubles:
    """The hidden layer of the first `count` images, float64 (N, 4096), by torchvision's own network and transforms."""
    import numpy as np
    import torch

    network, recipe = _frozen_network(), load_spec(SAMPLE_SPEC).preprocessing
    batches = [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
    rows = []
    with torch.inference_mode():
        for batch in progress(batches, what="training images", total=len(batches), unit="batch"):
            pixels = torch.from_numpy(np.stack([_input(images.jpeg(index), recipe) for index in batch]))
            rows.append(network(pixels).numpy())
    return np.concatenate(rows)


def ridge(features: Doubles, targets: npt.NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Ridge regression with an intercept, in its dual form (fewer samples than features).

    `features` (N, F) and `targets` (N, T) give the matrix (F, T) and the intercept (T,), all float64.
    """
    import numpy as np

    feature_mean, target_mean = features.mean(axis=0), targets.mean(axis=0)
    centred = features - feature_mean
    gram = centred @ centred.T
    gram[np.diag_indices_from(gram)] += RIDGE_SHARE * np.trace(gram) / len(gram)
    matrix = centred.T @ np.linalg.solve(gram, targets - target_mean)
    return matrix, target_mean - feature_mean @ matrix


def differences(one: sample.HeadTable, other: sample.HeadTable) -> int:
    """In how many of the 16 x 4096 + 16 integers two tables differ."""
    return int((one.matrix != other.matrix).sum() + (one.offset != other.offset).sum())


def write_head(path: Path, head: sample.HeadTable) -> None:
    """Write the table as .npz (two integer arrays, no pickle)."""
    import numpy as np

    with atomic(path) as partial, partial.open("wb") as handle:
        np.savez_compressed(handle, matrix=head.matrix, offset=head.offset)


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when the table is the shipped one (or was written), 1 when it differs."""
    parser = cli.Parser(description="Fit the embedded sample's last layer and compare it with the table.")
    parser.add_argument("--table", type=Path, default=sample.HEAD_TABLE, help="the table (default: the shipped one)")
    parser.add_argument("--write", action="store_true", help="write the table instead of comparing")
    arguments = parser.parse_args(argv)
    shipped = None if arguments.write else sample.load_head(arguments.table)
    fitted = fit_head()
    if shipped is None:
        write_head(arguments.table, fitted)
        print(f"{arguments.table}: written")
        return cli.EXIT_OK
    different = differences(fitted, shipped)
    print(f"{arguments.table}: {different} of {fitted.matrix.size + fitted.offset.size} integers differ from the fit")
    return cli.EXIT_FAILED if different else cli.EXIT_OK


def _frozen_network() -> torch.nn.Module:
    """AlexNet in float64 up to and with the ReLU before its last layer."""
    import torch

    head_shapes = {"weight": (CLASSES, sample.HIDDEN), "bias": (CLASSES,)}
    unused = {f"{sample.HEAD_LAYER}.{name}": torch.zeros(shape) for name, shape in head_shapes.items()}
    model: Any = (
        Network(load_spec(SAMPLE_SPEC).model, SAMPLE_SPEC.parent).build({**sample.frozen_layers(), **unused}).double()
    )
    return torch.nn.Sequential(model.features, model.avgpool, torch.nn.Flatten(), *model.classifier[:-1])


def _input(jpeg: bytes, recipe: Preprocessing) -> Doubles:
    """The reference preprocessing of one image, float64 (3, 224, 224) where the suite's bins are float32."""
    import numpy as np
    from PIL import Image

    transforms = import_torchvision().transforms
    resize_and_crop = transforms.Compose([transforms.Resize(recipe.resize_px), transforms.CenterCrop(recipe.crop_px)])
    pixels = np.asarray(resize_and_crop(Image.open(io.BytesIO(jpeg)).convert("RGB")))
    normalised: Doubles = (pixels / 255 - np.array(recipe.mean)) / np.array(recipe.std)
    return normalised.transpose(2, 0, 1)


def _rounded(values: Doubles, dtype: str) -> npt.NDArray[Any]:
    import numpy as np

    rounded, limits = np.rint(values), np.iinfo(dtype)
    if not (np.isfinite(rounded).all() and limits.min <= rounded.min() and rounded.max() <= limits.max):
        raise SuiteError(f"the fit does not fit into {dtype}", measured=f"{rounded.min()}..{rounded.max()}")
    return rounded.astype(dtype)


if __name__ == "__main__":
    sys.exit(cli.run(main))
