"""Stand-in for the vendor's aclruntime: the surface that ais_bench 0.0.2 uses, on the simulated device."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[5])
if _ROOT not in sys.path:  # the simulator lives in the suite's repository, which is not installed
    sys.path.append(_ROOT)

from aclruntime.session import InferenceSession, session_options  # noqa: E402
from aclruntime.tensors import BaseTensor, MemorySummary, Tensor, TensorDesc  # noqa: E402

__all__ = ["BaseTensor", "InferenceSession", "MemorySummary", "Tensor", "TensorDesc", "session_options"]
