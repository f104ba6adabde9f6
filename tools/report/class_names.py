"""What the classes of a data set are called, as far as that is known: ImageNet's, by the library that lists them."""

from __future__ import annotations

from collections.abc import Mapping

from tools.judge.acceptance import Acceptance
from tools.judge.dataset import ports_own
from tools.judge.spec import Spec
from tools.model.torchvision_ops import import_torchvision

IMAGENET_CLASSES, IMAGENET_IDS = 1000, "ILSVRC2012_val_{:08d}"
BACKGROUND = "background"


def class_names(acceptance: Acceptance, spec: Spec | None) -> Mapping[int, str]:
    """Output of the network -> name of its class; empty where nobody says what the classes are.

    ImageNet is told by the names and the number of its validation images. The embedded sample bears those names and
    holds nothing of it, so its classes have none.
    """
    data = acceptance.dataset
    if spec is None or data is None or spec.kind == "sample" or not ports_own(data, spec):
        return {}
    if (spec.dataset.classes, spec.dataset.id_format) != (IMAGENET_CLASSES, IMAGENET_IDS):
        return {}
    offset = spec.model.label_offset
    behind_background = {index + offset: name for index, name in enumerate(_imagenet())}
    return {0: BACKGROUND, **behind_background} if offset else behind_background


def _imagenet() -> list[str]:
    names: list[str] = import_torchvision().models.AlexNet_Weights.IMAGENET1K_V1.meta["categories"]
    return names
