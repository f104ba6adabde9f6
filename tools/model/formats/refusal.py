"""How a file is refused that holds no weights which can be taken as they are."""

from __future__ import annotations

from pathlib import Path

from tools.base.errors import CheckpointError
from tools.judge.ids import CHECKPOINT_LOADS

PLAIN = "save a plain state_dict: torch.save(model.state_dict(), 'plain.pth')"


def not_a_state_dict(path: Path, reason: str, fix: str = PLAIN) -> CheckpointError:
    """The error, with what is wrong and what to do about it."""
    return CheckpointError(f"not a plain state_dict of tensors: {reason}", gate=CHECKPOINT_LOADS, where=path, fix=fix)
