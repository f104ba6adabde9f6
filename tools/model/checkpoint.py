"""The checkpoint: verified bytes, a plain state_dict, and the network that it belongs to."""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import CheckpointError
from tools.judge.facts import CheckpointFacts
from tools.judge.ids import CHECKPOINT_LOADS, CHECKPOINT_MD5
from tools.judge.spec import Checkpoint
from tools.model.network import Network
from tools.store.content import checkpoint_content_sha256

if TYPE_CHECKING:
    import torch

StateDict = Mapping[str, "torch.Tensor"]
DAMAGE = (
    *(pickle.UnpicklingError, struct.error, RuntimeError, EOFError, ValueError, LookupError),
    *(AssertionError, AttributeError, TypeError),
)
"""What torch's reader of state_dicts raises on damaged bytes, found by feeding it some."""


def require_file(path: Path) -> None:
    """CheckpointError when there is no such file."""
    if not path.is_file():
        raise CheckpointError(
            "there is no such checkpoint file",
            gate=CHECKPOINT_MD5,
            where=path,
            fix="python tools/fetch_checkpoint.py downloads the published one",
        )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """CheckpointError in the place of what the system says while the file is read."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"cannot read the checkpoint: {error.strerror}", gate=CHECKPOINT_MD5, where=path
        ) from error


def require_md5(path: Path, measured: str, published: Checkpoint) -> None:
    """CheckpointError unless the md5 measured on the file is the published one."""
    if measured != published.md5:
        raise CheckpointError(
            "this is not the published checkpoint, it is not unpickled",
            gate=CHECKPOINT_MD5,
            where=path,
            measured=f"md5 {measured} ({path.stat().st_size} bytes)",
            allowed=f"md5 {published.md5}",
            fix="download it again, or name the port of your own checkpoint with --port",
        )


def load_state_dict(path: Path, published: Checkpoint) -> dict[str, torch.Tensor]:
    """Load a verified checkpoint as name -> CPU tensor; code in the pickle is refused (torch `weights_only=True`)."""
    import torch

    require_file(path)
    with readable(path):
        content = path.read_bytes()  # what is unpickled are the very bytes whose md5 was taken
    require_md5(path, hashlib.md5(content, usedforsecurity=False).hexdigest(), published)
    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except DAMAGE as error:
        raise _not_a_state_dict(path, next(iter(str(error).splitlines()), type(error).__name__)) from error
    if not isinstance(loaded, dict) or not loaded:
        raise _not_a_state_dict(path, f"it holds a {type(loaded).__name__}")
    odd = [str(name) for name, value in loaded.items() if not (isinstance(name, str) and _is_dense(value))]
    if odd:
        raise _not_a_state_dict(path, f"entry {odd[0]!r} is not a named dense tensor")
    return dict(loaded)


def _is_dense(value: object) -> bool:
    """A tensor whose elements can be looked at: not sparse, quantised or without memory."""
    import torch

    return torch.is_tensor(value) and value.layout is torch.strided and not (value.is_quantized or value.is_meta)


def compare_with_network(state_dict: StateDict, network: Network) -> CheckpointFacts:
    """Hold the state_dict against the network's own: names, shapes, dtypes and finite values."""
    import torch

    expected = network.empty().state_dict()
    common = sorted(expected.keys() & state_dict.keys())
    return CheckpointFacts(
        tensors=len(state_dict),
        expected=len(expected),
        missing=tuple(sorted(expected.keys() - state_dict.keys())),
        unexpected=tuple(sorted(state_dict.keys() - expected.keys())),
        misshapen=tuple(
            f"{name}: {state_dict[name].dtype} {tuple(state_dict[name].shape)}, not {tuple(expected[name].shape)}"
            for name in common
            if state_dict[name].shape != expected[name].shape or state_dict[name].dtype != expected[name].dtype
        ),
        not_finite=tuple(name for name in sorted(state_dict) if not bool(torch.isfinite(state_dict[name]).all())),
        content_sha256=checkpoint_content_sha256(state_dict),
    )


def _not_a_state_dict(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"not a plain state_dict of tensors: {reason}",
        gate=CHECKPOINT_LOADS,
        where=path,
        fix="only a dict of tensors is loaded (weights_only=True), never code",
    )
