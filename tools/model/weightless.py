"""Networks without memory for their weights, also those that compute with values while they are made.

torch's own way (`torch.device("meta")`) makes every tensor so, and a network that asks one for its value (regnet's
table of widths) cannot be made. Here only parameters are, as soon as a layer registers them: initialising them costs
nothing. A network that runs its own layers while it is made wants all tensors of one kind, and is made torch's way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def weightless(make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """The network that `make` makes, its parameters on the meta device where there is a way to it."""
    import torch

    for way in (_light_parameters, lambda: torch.device("meta")):
        with contextlib.suppress(NotImplementedError, RuntimeError), way():
            return make()
    return make()


@contextlib.contextmanager
def _light_parameters() -> Iterator[None]:
    import torch

    register = torch.nn.Module.register_parameter

    def registered(self: torch.nn.Module, name: str, param: torch.nn.Parameter | None) -> None:
        register(self, name, param)
        if param is not None:
            light = torch.nn.Parameter(param.detach().to("meta"), requires_grad=param.requires_grad)
            self._parameters[name] = light

    torch.nn.Module.register_parameter = registered  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.nn.Module.register_parameter = register  # type: ignore[method-assign]
