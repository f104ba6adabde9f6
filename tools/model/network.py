"""Networks by their source: torchvision, timm, or a function of the port's own."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tools.base.errors import CheckpointError, SpecError
from tools.judge.ids import CHECKPOINT_KEYS
from tools.judge.spec import Model
from tools.model.code import code_digests, load_function
from tools.model.fit import Fit, fit, in_todays_names, require_fit
from tools.model.torchvision_ops import import_torchvision
from tools.model.weightless import weightless
from tools.store.dependencies import version

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Network:
    """Which network, and the folder below which code of the port's own lies."""

    model: Model
    folder: Path

    @property
    def about(self) -> dict[str, str]:
        """What a result depends on that is made by the network: its source, arguments, and the code that it is."""
        kind = self.model.source.partition(":")[0]
        asked = {"model": self.model.source, "arguments": repr(sorted(self.model.arguments.items()))}
        if kind == "python":
            return asked | code_digests(self.model.source, self.folder)
        return asked | {f"version {kind}": version(kind)}

    def build(self, state_dict: Mapping[str, torch.Tensor]) -> torch.nn.Module:
        """The network in evaluation mode with these weights; CheckpointError when they do not fit."""
        model = self.empty()
        weights, found = self._held_against(state_dict, model)
        require_fit(found, self.model.source)
        try:
            model.load_state_dict(weights, assign=True)
            if any(tensor.is_meta for tensor in itertools.chain(model.parameters(), model.buffers())):
                model = self.make()  # something that no checkpoint holds, such as a table of indices
                model.load_state_dict(weights, assign=True)
        except RuntimeError as error:
            raise CheckpointError(
                f"the weights do not fit {self.model.source}: {error}", gate=CHECKPOINT_KEYS
            ) from error
        return model.eval().requires_grad_(requires_grad=False)

    def fit(self, state_dict: Mapping[str, torch.Tensor]) -> tuple[Mapping[str, torch.Tensor], Fit]:
        """The weights under the names of today, and how they differ from the network's own tensors."""
        return self._held_against(state_dict, self.empty())

    def _held_against(
        self, state_dict: Mapping[str, torch.Tensor], model: torch.nn.Module
    ) -> tuple[Mapping[str, torch.Tensor], Fit]:
        own = model.state_dict()  # before the weights take the places of the model's own tensors
        weights = in_todays_names(state_dict, model, self.model.source)
        return weights, fit(weights, own)

    def in_todays_names(self, state_dict: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        """The weights under the names that the network has in the libraries installed here, see tools/model/fit.py."""
        return in_todays_names(state_dict, self.empty(), self.model.source)

    def empty(self) -> torch.nn.Module:
        """The network without memory for its weights where it can be made so, see tools/model/weightless.py."""
        return weightless(self.make)

    def make(self) -> torch.nn.Module:
        """The network with weights of its own, as its source makes it."""
        kind, _, name = self.model.source.partition(":")
        makers = {"torchvision": _torchvision, "timm": _timm}
        try:
            if kind in makers:
                return makers[kind](name, self.model.arguments)
            return _own(load_function(self.model.source, self.folder)(**self.model.arguments), self.model.source)
        except TypeError as error:
            raise SpecError(
                f"model.arguments do not fit {self.model.source}: {error}", measured=self.model.arguments
            ) from error


def _torchvision(name: str, arguments: Mapping[str, Any]) -> torch.nn.Module:
    models = import_torchvision().models
    if name not in models.list_models():
        raise SpecError("model.source: torchvision has no such network", measured=name, fix="correct it in the port")
    made: torch.nn.Module = models.get_model(name, weights=None, **arguments)
    return made


def _timm(name: str, arguments: Mapping[str, Any]) -> torch.nn.Module:
    timm = import_timm()
    if not timm.is_model(name):
        raise SpecError("model.source: timm has no such network", measured=name, fix="correct it in the port")
    made: torch.nn.Module = timm.create_model(name, pretrained=False, **arguments)
    return made


def import_timm() -> ModuleType:
    """timm, which is an optional package; SpecError where it is not installed."""
    import_torchvision()  # timm imports it, which needs the cure for its operators
    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise SpecError(
            "the port's network is timm's, which is not installed", fix="install it: pip install timm"
        ) from error
    return timm


def _own(made: object, source: str) -> torch.nn.Module:
    import torch

    if not isinstance(made, torch.nn.Module):
        raise SpecError("the port's function made no torch.nn.Module", where=source, measured=type(made).__name__)
    return made
