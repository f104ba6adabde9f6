"""What a network of the port's own tells by itself: how many parameters, and how many classes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.judge.spec import Model
from tools.model.library.recipes import GUIDES
from tools.model.network import Network
from tools.ports.stated import Said, Stated, StatedWeights

if TYPE_CHECKING:
    import torch

PLACE = re.compile(r"python:(.+):([A-Za-z_][A-Za-z0-9_]*)")


def own_network_states(source: str, name: str, folder: Path) -> Stated:
    """The network that a function makes; its module lies below the folder of the port."""
    function = source.rpartition(":")[2]
    network = Network(Model(name=function, source=source), folder).empty().eval()
    return Stated(
        name=name,
        title=function,
        source=source,
        whose=f"what {source} tells by itself",
        weights=StatedWeights(
            f"{name}.pth", "a blank", doubt="file and sha256 of the weights, and where they are from"
        ),
        recipe=GUIDES,
        classes=_classes(network, source),
        parameters=Said(sum(parameter.numel() for parameter in network.parameters()), "counted in the network"),
    )


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


def _classes(network: torch.nn.Module, source: str) -> int:
    import torch

    tensor = next(iter(network.parameters()), torch.zeros(()))
    try:
        with torch.no_grad():
            out = network(torch.zeros(1, 3, int(str(GUIDES.crop_px)), int(str(GUIDES.crop_px)), device=tensor.device))
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise SuiteError(
            f"the network does not take a 1 x 3 x {GUIDES.crop_px} x {GUIDES.crop_px} input: {said}", where=source
        ) from error
    if not torch.is_tensor(out) or out.dim() != 2:
        raise SuiteError("the network does not give a row of logits for each image", where=source)
    return int(out.shape[1])
