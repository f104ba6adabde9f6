"""Arguments that weights force upon a network of torchvision: found by asking its factory, not listed by name.

A factory that is given weights changes the arguments of the network's class before it loads them (`transform_input` of
inception_v3, `image_size` of a vit of another size). The suite makes networks without weights and must say them itself.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from tools.base.errors import SuiteError
from tools.judge.spec import Model
from tools.model.torchvision_ops import import_torchvision
from tools.model.weightless import weightless
from tools.ports.stated import Argument

if TYPE_CHECKING:
    import torch

CLASSES = "num_classes"
"""Every factory sets it, nearly always to what it is anyway."""
FRESH = "init_weights"
Shapes = dict[str, tuple[int, ...]]


class _Reached(BaseException):
    """The factory has made its network and asks for the weights, which nobody needs here."""


@dataclass
class _Call:
    """What the network's class was called with, and the tensors of what came out."""

    arguments: dict[str, Any] = field(default_factory=dict)
    shapes: Shapes = field(default_factory=dict)


def forced_arguments(name: str, weights: Any) -> dict[str, Argument]:  # noqa: ANN401 - an entry of torchvision's
    """What `get_model(name, weights=None, **forced)` must be given so that the file of the weights fits and means it.

    SuiteError where the network made so has other tensors than the one that torchvision makes for the weights.
    """
    models = import_torchvision().models
    kind = type(_made(lambda: models.get_model(name, weights=None)))
    free = _recorded(kind, lambda: models.get_model(name, weights=None))
    asked = _recorded(kind, lambda: models.get_model(name, weights=weights))
    forced: dict[str, Argument] = {
        key: value
        for key, value in asked.arguments.items()
        if isinstance(value, (bool, int, float, str)) and value != free.arguments.get(key, _Reached)
    }
    if forced.get(CLASSES) == _default(kind, CLASSES):
        del forced[CLASSES]
    if forced and _recorded(kind, lambda: models.get_model(name, weights=None, **forced)).shapes != asked.shapes:
        raise SuiteError(f"torchvision's {name} is another network with {weights} than with the arguments {forced}")
    return forced


def missing_arguments(model: Model, checkpoint_file: str) -> tuple[str, ...]:
    """What torchvision would give the network for the weights in this file and the port does not, a text each.

    Empty where torchvision names no such file. How fresh weights are made is left out: none are used.
    """
    weights = _published(model.source, checkpoint_file)
    if weights is None:
        return ()
    models, name = import_torchvision().models, model.source.partition(":")[2]
    kind, forced = type(_made(lambda: models.get_model(name, weights=None))), forced_arguments(name, weights)
    own = {key: model.arguments.get(key, _default(kind, key)) for key in forced if key != FRESH}
    odd = {key: forced[key] for key, value in own.items() if value != forced[key]}
    return tuple(f"{key}: {json.dumps(value)}, as {weights} forces it" for key, value in odd.items())


def forced_by_file(source: str, checkpoint_file: str) -> dict[str, Argument]:
    """What torchvision's weights in a file of this name force upon the network; none where it names no such file."""
    weights = _published(source, checkpoint_file)
    return {} if weights is None else forced_arguments(source.partition(":")[2], weights)


def _published(source: str, checkpoint_file: str) -> Any:  # noqa: ANN401 - an entry of torchvision's
    """torchvision's weights of this network in a file of this name, None where it names no such file."""
    library, _, name = source.partition(":")
    models = import_torchvision().models
    if library != "torchvision" or name not in models.list_models():
        return None
    every = models.get_model_weights(name)
    return next((weights for weights in every if PurePosixPath(weights.url).name == checkpoint_file), None)


def _default(kind: type[torch.nn.Module], argument: str) -> object:
    parameters = inspect.signature(kind.__init__).parameters
    return parameters[argument].default if argument in parameters else None


def _recorded(kind: type[torch.nn.Module], make: Callable[[], torch.nn.Module]) -> _Call:
    """The call of the class inside `make`, which is left when it asks for weights."""
    call, made = _Call(), kind.__init__

    def recording(self: torch.nn.Module, *positional: object, **named: object) -> None:
        made(self, *positional, **named)
        call.arguments = dict(named)
        call.shapes = {key: tuple(tensor.shape) for key, tensor in self.state_dict().items()}

    def no_download(*_: object, **__: object) -> None:
        raise _Reached

    with (
        _replaced(kind, "__init__", recording),
        _replaced(import_torchvision().models.WeightsEnum, "get_state_dict", no_download),
        contextlib.suppress(_Reached),
    ):
        _made(make)
    return call


def _made(make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # how a network that nobody trains will be initialised
        return weightless(make)


@contextlib.contextmanager
def _replaced(owner: type, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
