"""The sample of any port: weights of the network's own shapes that really classify the sample's generated images.

The images are of the embedded sample's, whatever the port, so that a run knows them by their bytes. The weights are
random up to the last layer (tools/model/tame_weights.py), and that is fitted to what the network makes of training
images, which have a seed of their own and are never judged (tools/sample/head_fit.py).

A network whose last layer is no plain Linear or 1 x 1 convolution, or makes nothing of its image that a linear layer
could read, keeps random weights there. It is labelled by its own predictions, as is one that reads little
(tools/sample/judged_images.py): `SampleMade.labels_by_reference`. Another processor may add in another order: bytes are
the same on one machine, and on others not promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.judge.spec import Spec
from tools.model.network import Network
from tools.model.random_weights import copied
from tools.model.tame_weights import tame
from tools.sample import images
from tools.sample.generated_pixels import GeneratedPixels
from tools.sample.head import CALIBRATION_IMAGES, Unfit, find_head, fold, level, require_folded
from tools.sample.head_fit import fitted
from tools.sample.judged_images import POOL_IMAGES, judged_images
from tools.sample.on_images import OnImages, batches

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class SampleMade:
    """How the labels came about: `why` the network's own predictions had to be taken, empty where they were not."""

    why: str

    @property
    def labels_by_reference(self) -> bool:
        """Whether they are the predictions of the checkpoint, whose accuracy then says nothing."""
        return bool(self.why)


def make(spec: Spec, network: Network, folder: Path) -> SampleMade:
    """Write the checkpoint, the images and the label file of the port's sample into the folder.

    SuiteError where its recipe reads no image, or where nothing made for it can be lost.
    """
    import torch

    pixels = GeneratedPixels(spec, network.folder)
    tamed = tame(network, pixels.of(images.TRAINING_SET, range(CALIBRATION_IMAGES)))
    made = OnImages(tamed, spec, pixels)
    _require_outputs(made)
    why = _with_a_head(made)
    pool = images.image_set(images.VALIDATION_SET, POOL_IMAGES)
    judged = judged_images(
        _pool_logits(made),
        images.class_of(pool.labels, spec.dataset.classes),
        int(spec.dataset.images.exactly),
        drop_pp=spec.accuracy.top1_drop_pp.at_most,
        why=why,
        where=spec.model.source,
    )
    with atomic(folder / spec.checkpoint.file) as partial, partial.open("wb") as handle:
        torch.save(copied(tamed), handle)
    images.write_labelled(folder, pool, judged.rows.tolist(), judged.labels.tolist())
    return SampleMade(judged.why)


def _require_outputs(network: OnImages) -> None:
    """SuiteError when the network makes other outputs than the port says: nothing could be labelled."""
    spec, shape = network.spec, list(network.logits(images.TRAINING_SET, range(2)).shape)
    if shape != [2, spec.classes]:
        allowed = f"[2, {spec.classes}]"
        fix = "correct dataset.classes or model.arguments in the port"
        raise SuiteError(
            "two images give other outputs", where=spec.model.source, measured=shape, allowed=allowed, fix=fix
        )


def _with_a_head(network: OnImages) -> str:
    """Fit the last layer; where that reads nothing, level the random one and say why."""
    try:
        head = find_head(network)
        layer = fitted(head, network)
        fold(head, layer)
        require_folded(layer, head, network)
    except Unfit as unfit:
        level(network)
        return str(unfit)
    return ""


def _pool_logits(network: OnImages) -> npt.NDArray[np.float64]:
    """What the pool's images come to, float64 (images, classes); a background class is none of them."""
    import numpy as np

    offset = network.spec.model.label_offset
    pool = batches(POOL_IMAGES, "images")
    found = [network.logits(images.VALIDATION_SET, batch)[:, offset:].double().numpy() for batch in pool]
    return np.concatenate(found)
