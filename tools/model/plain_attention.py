"""Attention as the single operations that it consists of: torch's fused form for inference hides them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plain_attention() -> Iterator[None]:
    """Inside the block torch computes attention operation by operation, as every exporter must write it."""
    import torch

    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(value=False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(value=before)
