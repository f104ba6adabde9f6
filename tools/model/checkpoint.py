"""The checkpoint: verified bytes, the state_dict in them, and the network that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import CheckpointError
from tools.judge.facts import CheckpointFacts
from tools.judge.ids import CHECKPOINT_LOADS
from tools.judge.spec import Checkpoint
from tools.model.formats.digests import file_gate, new_digests, require_digests
from tools.model.formats.jax_names import from_jax_names
from tools.model.formats.npz import is_npz
from tools.model.formats.reading import read_file
from tools.model.formats.sealed import Sealed, sealed
from tools.model.formats.wrapped import state_dict_of
from tools.model.library.forced import missing_arguments
from tools.model.library.foreign import foreign_arguments
from tools.model.network import Network
from tools.store.content import checkpoint_content_sha256

if TYPE_CHECKING:
    import torch

StateDict = Mapping[str, "torch.Tensor"]


def require_file(path: Path, published: Checkpoint) -> None:
    """CheckpointError when there is no such file."""
    if not path.is_file():
        raise CheckpointError(
            "there is no such checkpoint file",
            gate=file_gate(published),
            where=path,
            fix="`python tools/fetch_checkpoint.py` downloads the published one",
        )


@contextmanager
def readable(path: Path, published: Checkpoint) -> Iterator[None]:
    """CheckpointError in the place of what the system says while the file is read."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise CheckpointError(f"cannot read the checkpoint: {reason}", gate=file_gate(published), where=path) from error


def load_state_dict(
    path: Path, published: Checkpoint, network: Network | None = None, *, sha256: str | None = None
) -> StateDict:
    """Load a checkpoint as name -> CPU tensor, from the very bytes that every stated digest was found right of.

    Code in a pickle is refused (`weights_only` is always true). With a network the names are those that it has today.
    `sha256` is what an earlier look at the file found, so that no other file is loaded than was recorded. One copy of
    the file's bytes is held, which the tensors share.
    """
    require_file(path, published)
    with readable(path, published), sealed(path, new_digests(published, *(["sha256"] if sha256 else []))) as content:
        require_digests(path, content.digests, content.size_bytes, published)
        if sha256 is not None and content.digests["sha256"] != sha256:
            raise CheckpointError(
                "the checkpoint was replaced while it was worked with", gate=CHECKPOINT_LOADS, where=path
            )
        return _weights(content, published, network)


def _weights(content: Sealed, published: Checkpoint, network: Network | None) -> StateDict:
    loaded = read_file(content, published)
    if network is None:
        return state_dict_of(loaded, content.path, published)
    if is_npz(content) and (converted := from_jax_names(loaded, content, network)) is not None:
        return converted
    return network.in_todays_names(state_dict_of(loaded, content.path, published))


def compare_with_network(state_dict: StateDict, network: Network, file: str = "") -> CheckpointFacts:
    """Hold the state_dict against the network's own: names, shapes, dtypes and finite values.

    `file` is the checkpoint's name: what torchvision makes of the network for its own files counts too.
    """
    weights, found = network.fit(state_dict)
    return CheckpointFacts(
        tensors=found.tensors,
        expected=found.expected,
        missing=found.missing,
        unexpected=found.unexpected,
        misshapen=found.misshapen,
        not_finite=tuple(name for name in sorted(weights) if not _is_finite(weights[name])),
        content_sha256=checkpoint_content_sha256(weights),
        other_types=found.other_types,
        missing_arguments=missing_arguments(network.model, file),
        foreign_arguments=foreign_arguments(network, state_dict, file),
    )


def _is_finite(tensor: torch.Tensor) -> bool:
    import torch

    narrow = tensor.is_floating_point() and tensor.itemsize == 1  # torch looks at no float8 itself
    return bool(torch.isfinite(tensor.float() if narrow else tensor).all())
