"""Arguments of a port that make another network of a library's own weights than the library itself makes.

Names and shapes of tensors need not tell: `global_pool: max` of a network of timm changes no tensor, and the exported
file agrees with the wrong network. Where the library publishes the weights, its own network says what they are for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.model.library.forced import CLASSES, forced_by_file
from tools.model.library.stated_recipe import stated_recipe
from tools.model.network import Network

if TYPE_CHECKING:
    import torch

SEED = 20


def foreign_arguments(
    network: Network, state_dict: Mapping[str, torch.Tensor], checkpoint_file: str
) -> tuple[str, ...]:
    """The port's arguments beyond the library's, where with them an image of noise gets other logits.

    Empty where no library publishes a file of this name, and where one of the two networks cannot be made: that the
    weights do not fit is told elsewhere.
    """
    recipe = stated_recipe(network.model.source, checkpoint_file)
    theirs = {CLASSES, *forced_by_file(network.model.source, checkpoint_file)}
    beyond = {key: value for key, value in network.model.arguments.items() if key not in theirs}
    if recipe is None or not beyond:
        return ()
    kept = {key: value for key, value in network.model.arguments.items() if key in theirs}
    library = replace(network, model=replace(network.model, arguments=kept))
    try:
        alike = _same_logits(network.build(state_dict), library.build(state_dict), recipe.size)
    except SuiteError:
        return ()
    return () if alike else tuple(f"{key}: {json.dumps(value)}" for key, value in beyond.items())


def _same_logits(first: torch.nn.Module, second: torch.nn.Module, size: tuple[int, int]) -> bool:
    import torch

    noise = torch.randn((1, 3, *size), generator=torch.Generator().manual_seed(SEED))
    with torch.inference_mode():
        return torch.equal(first.float()(noise), second.float()(noise))
