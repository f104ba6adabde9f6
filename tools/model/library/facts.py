"""What is known of a network before anybody measured it, by the word that names it: `torchvision:resnet50`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tools.base.errors import SuiteError
from tools.base.files import MADE_BELOW
from tools.model.library.own_network_says import own_network_states, relative_source
from tools.model.library.timm_says import timm_states
from tools.model.library.torchvision_says import torchvision_states
from tools.ports.spec import PORTS_FOLDER, SUFFIX
from tools.ports.stated import Stated

KINDS = "torchvision:NAME, timm:NAME or python:FILE.py:FUNCTION"


def default_place(source: str) -> Path:
    """Where the port of a source is written: among the suite's own, or beside the file of a network of one's own."""
    kind, _, name = source.partition(":")
    if kind != "python":
        return MADE_BELOW / PORTS_FOLDER / f"{name}{SUFFIX}"
    file, _, function = name.rpartition(":")
    return Path(file).with_suffix(SUFFIX) if file.endswith(".py") else Path(f"{function}{SUFFIX}")


def stated(source: str, weights: str | None, out: Path, size_px: int | None = None) -> Stated:
    """What the library says of the network, for a port in the file `out`; SuiteError for what is no classifier.

    `size_px` is the height and width of the input of a network of one's own.
    """
    kind, _, name = source.partition(":")
    if weights and kind != "torchvision":
        raise SuiteError("--weights is for torchvision's networks", fix="timm's weights are a part of the name")
    if size_px is not None and kind != "python":
        raise SuiteError("--size is for networks of one's own: the library states the size", fix="drop it")
    if kind == "torchvision":
        return replace(torchvision_states(name, weights), name=out.stem)
    if kind == "timm":
        return replace(timm_states(name), name=out.stem)
    if kind == "python":
        return own_network_states(relative_source(source, out.parent), out.stem, out.parent, size_px)
    raise SuiteError("this names no network", measured=source, allowed=KINDS)
