"""The cure for torchvision wheels whose compiled operators cannot load beside the installed torch.

`import torchvision` then dies with `operator torchvision::nms does not exist`, because it registers fake kernels for
two operators that its own library would have declared. Declaring them is enough for models and transforms.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
OPERATORS = ("nms", "qnms")


@functools.cache
def import_torchvision() -> ModuleType:
    """Import torchvision; where its compiled operators cannot load, declare the two it asks for and import again.

    RuntimeError of any other kind is passed on. With matching wheels nothing is declared.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    _declare_operators()
    return importlib.import_module("torchvision")


@functools.cache
def _declare_operators() -> object:
    """Declare the operators; the returned library must stay alive, torch withdraws the declarations with it."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in OPERATORS:
        library.define(operator + SCHEMA)
    return library
