"""Weights held against the network that they should be of: names in today's form, then every difference apart."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.base.errors import CheckpointError
from tools.judge.facts import OtherType
from tools.judge.ids import CHECKPOINT_KEYS, CHECKPOINT_SHAPES, GateId
from tools.judge.stages.checkpoint import keys_in_words, shapes_in_words
from tools.model.formats.wrapped import METADATA

if TYPE_CHECKING:
    import torch

    StateDict = Mapping[str, torch.Tensor]

COUNTER = "num_batches_tracked"
"""How many batches a normalisation has seen in training; inference does not use it, checkpoints before 2018 lack it."""
OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var))")
"""Names of torchvision's published densenets, from before a module's name could have no dot."""


@dataclass(frozen=True)
class Fit:
    """How weights differ from the network's own tensors, of which there are `expected`; all empty when they fit."""

    tensors: int
    expected: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]
    other_types: tuple[OtherType, ...]


def fit(state_dict: StateDict, expected: StateDict) -> Fit:
    """Hold one against the other: names, shapes, types."""
    common = sorted(expected.keys() & state_dict.keys())
    kinds: dict[tuple[str, str], list[str]] = {}
    for name in common:
        pair = state_dict[name].dtype, expected[name].dtype
        if pair[0] != pair[1]:
            kinds.setdefault((_short(pair[0]), _short(pair[1])), []).append(name)
    return Fit(
        tensors=len(state_dict),
        expected=len(expected),
        missing=tuple(sorted(expected.keys() - state_dict.keys())),
        unexpected=tuple(sorted(state_dict.keys() - expected.keys())),
        misshapen=tuple(
            f"{name}: {list(state_dict[name].shape)}, not {list(expected[name].shape)}"
            for name in common
            if state_dict[name].shape != expected[name].shape
        ),
        other_types=tuple(OtherType(*pair, tuple(names)) for pair, names in kinds.items()),
    )


def require_fit(found: Fit, source: str) -> None:
    """CheckpointError in the words of the gate that asks for it, so that no export dies of it later."""
    names = keys_in_words(found.missing, found.unexpected, found.tensors)
    if names:
        raise _unfit(CHECKPOINT_KEYS, source, names)
    if found.misshapen or found.other_types:
        raise _unfit(CHECKPOINT_SHAPES, source, shapes_in_words(found.misshapen, found.other_types))


def _unfit(gate: GateId, source: str, how: str) -> CheckpointError:
    return CheckpointError(f"the weights do not fit {source}: {how}", gate=gate)


def in_todays_names(state_dict: StateDict, model: torch.nn.Module, source: str) -> OrderedDict[str, torch.Tensor]:
    """The weights under the names that the network has now: those of older releases are renamed as it does itself.

    The model's tensors may be replaced by the weights. A normalisation's counter is filled in where it is missing.
    """
    own = model.state_dict()
    known = getattr(state_dict, METADATA, None)
    renamed = None
    for metadata in (known or {}, getattr(own, METADATA, {})):  # a file without versions is taken for old, then for new
        try:
            renamed = _renamed(_densenet(state_dict, source), model, metadata)
            break
        except Exception as error:  # noqa: BLE001 - a network's own code
            refused = error
    if renamed is None:
        reason = f"{type(refused).__name__}: {refused}"
        raise _unfit(CHECKPOINT_KEYS, source, f"the network's own loading refused them ({reason})") from refused
    for name in own:
        if name.rpartition(".")[2] == COUNTER:
            _count(name, renamed, own)
    setattr(renamed, METADATA, getattr(own, METADATA, None))  # what was renamed is no older version any more
    return renamed


def _renamed(state_dict: StateDict, model: torch.nn.Module, metadata: Mapping[str, Any]) -> OrderedDict[str, Any]:
    """What every module makes of the names, as torch's load_state_dict asks it, in the dict that it is given."""
    found = OrderedDict(state_dict)
    for place, module in model.named_modules(remove_duplicate=False):
        versions = {**metadata.get(place, {}), "assign_to_params_buffers": True}
        prefix = f"{place}." if place else ""
        module._load_from_state_dict(found, prefix, versions, False, [], [], [])
    for name in found.keys() - state_dict.keys():
        if name.rpartition(".")[2] == COUNTER:
            del found[name]
    return found


def _densenet(state_dict: StateDict, source: str) -> StateDict:
    if not source.startswith("torchvision:densenet"):
        return state_dict
    return OrderedDict((OLD_DENSENET.sub(r"\1\2", name), tensor) for name, tensor in state_dict.items())


def _count(name: str, weights: OrderedDict[str, torch.Tensor], own: StateDict) -> None:
    """Fill in a counter where the normalisation itself is there, and take one that was cast with all the weights."""
    import torch

    there = name.removesuffix(COUNTER) + "running_mean" in weights
    if name in weights:
        weights[name] = weights[name].to(own[name].dtype)
    elif there:
        weights[name] = torch.zeros(own[name].shape, dtype=own[name].dtype)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
