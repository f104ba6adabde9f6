"""The weights of an ONNX file held against the checkpoint, whatever the exporter named, moved or folded.

Two questions. Is everything that the network reads of the checkpoint (tools/model/weights/constants.py) in the file: as
it is, moved, folded, or as the tensors it is made of? And is every float constant of the file one of the network's?
What the code holds itself (its buffers, what it makes without a weight) counts as the network's; so do constants of a
few elements or of one value throughout, which exporters make of numbers in the code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tools.judge.facts import WeightFacts

if TYPE_CHECKING:
    import torch

    from tools.model.checkpoint import StateDict


def compare_weights(
    path: Path, state_dict: StateDict, model: torch.nn.Module, declared: tuple[str, ...] = ()
) -> WeightFacts:
    """Hold the file against `state_dict`; `model` is the network that it belongs to, in evaluation mode.

    Of the model its code is used, and the buffers that are not in `state_dict`; its own weights are not looked at. The
    image has the shape that the file's input has, a dynamic axis being 1. What the names or patterns of `declared` fit
    may differ, which is said and no offence. OnnxError when the file cannot be parsed.
    """
    from tools.model.weights.comparison import Comparison
    from tools.model.weights.onnx_constants import read_constants
    from tools.model.weights.recorder import known_constants

    file = read_constants(path)
    known = known_constants(model, state_dict, file.image)
    return Comparison(file.constants, known, state_dict, declared).facts()
