"""Networks without memory for their weights, also those that compute with values while they are made.

torch's own way (`torch.device("meta")`) makes every tensor so, and a network that asks one for its value (regnet's
table of widths) cannot be made. Here only parameters are, as soon as a layer registers them: initialising them costs
nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def weightless() -> Iterator[None]:
    """Networks that are made inside have parameters on the meta device."""
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
