"""What a network of the port's own tells by itself: how many parameters, and how many classes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.judge.spec import Model
from tools.model.library.recipes import GUIDES
from tools.model.network import Network
from tools.model.outputs import every_output
from tools.ports.stated import DraftedRecipe, Said, Stated, StatedWeights

if TYPE_CHECKING:
    import torch

PLACE = re.compile(r"python:(.+):([A-Za-z_][A-Za-z0-9_]*)")


def own_network_states(source: str, name: str, folder: Path, size_px: int | None = None) -> Stated:
    """The network that a function makes; its module lies below the folder of the port.

    It is tried on an image of `size_px` a side, by default that of the usual recipe. With weights: a network of one's
    own may ask its tensors for values, which those without memory do not have.
    """
    function, recipe = source.rpartition(":")[2], _recipe(size_px)
    network = Network(Model(name=function, source=source), folder).make().eval()
    shapes = _shapes(network, source, int(str(recipe.crop_px)))
    judged = _judged(shapes, source)
    return Stated(
        name=name,
        title=function,
        source=source,
        whose=f"what {source} tells by itself",
        weights=StatedWeights(
            f"{name}.pth", "a blank", doubt="file and sha256 of the weights, and where they are from"
        ),
        recipe=recipe,
        classes=shapes[judged][1],
        parameters=Said(sum(parameter.numel() for parameter in network.parameters()), "counted in the network"),
        outputs=len(shapes),
        judged_output=judged,
    )


def _recipe(size_px: int | None) -> DraftedRecipe:
    """The usual recipe, for other images with the same share of them cut off."""
    if size_px is None:
        return GUIDES
    if size_px < 1:
        raise SuiteError("--size must be at least 1", measured=size_px)
    share = int(str(GUIDES.resize_px)) / int(str(GUIDES.crop_px))
    return replace(GUIDES, resize_px=round(size_px * share), crop_px=size_px)


def relative_source(source: str, folder: Path) -> str:
    """`python:here/net.py:make` as the port in that folder says it; SuiteError when the file lies elsewhere."""
    found = PLACE.fullmatch(source)
    if found is None:
        raise SuiteError(f"{source} is no network", fix="write python:FILE.py:FUNCTION")
    if not found[1].endswith(".py"):
        return source
    file = Path(found[1]).resolve()
    if not file.is_file():
        raise SuiteError("there is no such file", where=found[1])
    if not file.is_relative_to(folder.resolve()):
        raise SuiteError("the network's file lies outside the port's folder", where=file, allowed=folder.resolve())
    return f"python:{file.relative_to(folder.resolve()).as_posix()}:{found[2]}"


def _shapes(network: torch.nn.Module, source: str, size_px: int) -> list[tuple[int, ...]]:
    """The shape of every output for one image; SuiteError where the network does not take it."""
    import torch

    try:
        with torch.no_grad():
            made = network(torch.zeros(1, 3, size_px, size_px))
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise SuiteError(
            f"the network does not take a 1 x 3 x {size_px} x {size_px} input: {said}",
            where=source,
            fix="name its input's height and width with --size; a port's images have three channels",
        ) from error
    try:
        return [tuple(output.shape) for output in every_output(made)]
    except (AttributeError, TypeError):
        raise _no_logits(source, type(made).__name__) from None


def _judged(shapes: list[tuple[int, ...]], source: str) -> int:
    """The place of the first output that has a row for each image."""
    for place, shape in enumerate(shapes):
        if len(shape) == 2 and shape[0] == 1:
            return place
    raise _no_logits(source, ", ".join(" x ".join(map(str, shape)) for shape in shapes) or "nothing")


def _no_logits(source: str, measured: str) -> SuiteError:
    return SuiteError(
        "the network gives no row of logits for each image",
        where=source,
        measured=measured,
        allowed="1 x classes, alone or in a tuple, a list or a dict of tensors",
        fix="name a function that makes a network with such an output",
    )
