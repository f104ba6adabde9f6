"""What the classes of a data set are called: as a file says, or ImageNet's by the library that lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.base.errors import SuiteError, reason
from tools.judge.acceptance import Acceptance
from tools.judge.dataset import ports_own
from tools.judge.files import Refused, read_whole
from tools.judge.spec import Spec
from tools.model.torchvision_ops import import_torchvision

IMAGENET_CLASSES, IMAGENET_IDS = 1000, "ILSVRC2012_val_{:08d}"
BACKGROUND = "background"
FIX = "give a text file with one name a line, that of label 0 first"


class ClassNamesError(SuiteError):
    """A file of names that are not those of the classes."""


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names in a file, a line each, in the order of the labels, blank lines behind the last left out.

    ClassNamesError where it cannot be read, or holds none.
    """
    try:
        text = read_whole(path).decode("utf-8-sig").rstrip()
    except (OSError, UnicodeDecodeError, Refused) as error:
        raise ClassNamesError(f"cannot read the names of classes: {reason(error)}", where=path, fix=FIX) from error
    if not text:
        raise ClassNamesError("the file holds no names of classes", where=path, fix=FIX)
    return tuple(line.strip() for line in text.split("\n"))


def class_names(acceptance: Acceptance, spec: Spec | None, given: Sequence[str] = ()) -> Mapping[int, str]:
    """Output of the network -> name of its class; empty where nobody says what the classes are.

    `given` are the names of all labels; ClassNamesError where they are not as many as the port has classes. Without
    them ImageNet is told by the names and the number of its validation images. The embedded sample bears those names
    and holds nothing of it, so its classes have none.
    """
    if spec is not None and given:
        return _of_outputs(_counted(given, spec), spec)
    data = acceptance.dataset
    if spec is None or data is None or spec.kind == "sample" or not ports_own(data, spec):
        return {}
    if (spec.dataset.classes, spec.dataset.id_format) != (IMAGENET_CLASSES, IMAGENET_IDS):
        return {}
    return _of_outputs(_imagenet(), spec)


def _counted(given: Sequence[str], spec: Spec) -> Sequence[str]:
    if len(given) != spec.dataset.classes:
        raise ClassNamesError(
            "these are not the names of the port's classes",
            measured=f"{len(given)} names",
            allowed=f"{spec.dataset.classes} classes",
            fix=FIX,
        )
    return given


def _of_outputs(names: Sequence[str], spec: Spec) -> Mapping[int, str]:
    """The names by output, behind a background class where the network has one."""
    offset = spec.model.label_offset
    return {**({0: BACKGROUND} if offset else {}), **{index + offset: name for index, name in enumerate(names)}}


def _imagenet() -> list[str]:
    names: list[str] = import_torchvision().models.AlexNet_Weights.IMAGENET1K_V1.meta["categories"]
    return names
