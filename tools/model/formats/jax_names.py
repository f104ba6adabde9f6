"""Weights under the names of JAX, as timm's vision transformers are published (.npz): the network converts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.base.errors import CheckpointError
from tools.judge.handover import first_few
from tools.judge.ids import CHECKPOINT_KEYS
from tools.model.formats.sealed import Sealed
from tools.model.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

OWN_READER = "load_pretrained"
"""What timm calls the method of a network that reads such a file."""


def from_jax_names(loaded: object, content: Sealed, network: Network) -> Mapping[str, torch.Tensor] | None:
    """The weights as the network's own reader places them; None where the names are the network's already.

    A reader passes over what does not fit, a head of other classes for one: what it left is not among the tensors.
    """
    import torch

    expected = network.empty().state_dict()
    if not isinstance(loaded, dict) or loaded.keys() & expected.keys():
        return None
    model = network.make()
    reader = getattr(model, OWN_READER, None)
    if reader is None:
        raise _refused(content, loaded, network, "the network has no reader for names of JAX")
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.fill_(torch.nan)
    try:
        reader(content.place)
    except Exception as error:  # a network's own code, on a file of any names
        raise _refused(content, loaded, network, f"the network's reader: {type(error).__name__}: {error}") from error
    return {name: tensor for name, tensor in model.state_dict().items() if not _untouched(tensor)}


def _untouched(tensor: torch.Tensor) -> bool:
    return bool(tensor.isnan().all()) and tensor.numel() > 0


def _refused(content: Sealed, loaded: dict[str, object], network: Network, reason: str) -> CheckpointError:
    return CheckpointError(
        f"none of the {len(loaded)} names is the network's ({first_few(list(loaded), 3)}): {reason}",
        gate=CHECKPOINT_KEYS,
        where=content.path,
        fix=f"save the weights under the names of {network.model.source}, numpy.savez or torch.save",
    )
