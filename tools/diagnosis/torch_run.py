"""Runs the checkpoint's network and keeps every value that it computes (tools/diagnosis/torch_values.py)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tools.base.errors import SuiteError
from tools.diagnosis.torch_values import TorchValues
from tools.model.plain_attention import plain_attention

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


def torch_values(model: torch.nn.Module, images: Array) -> TorchValues:
    """Run the network in float32 and keep all that depends on the images.

    SuiteError when the checkpoint itself yields NaN or infinity: there is nothing to compare with.
    """
    import torch

    from tools.diagnosis.torch_recorder import Recorder

    model = copy.deepcopy(model)
    recorder = Recorder(model, given := torch.from_numpy(images.copy()))
    with torch.no_grad(), plain_attention(), _watched(model, recorder), recorder:
        made = model(given)
    made = made if torch.is_tensor(made) else _first(made)
    found = TorchValues(tuple(recorder.values), recorder.index_of(made))
    _require_finite(found)
    return found


@contextmanager
def _watched(model: torch.nn.Module, recorder: Any) -> Iterator[None]:  # noqa: ANN401 - a Recorder, which needs torch
    """Tell the recorder which modules run."""
    hooks = []
    for path, module in model.named_modules():
        alone = next(module.children(), None) is None
        hooks += [
            module.register_forward_pre_hook(lambda *_, path=path, alone=alone: recorder.enter(path, alone)),
            module.register_forward_hook(lambda *_: recorder.leave()),
        ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _first(made: Any) -> torch.Tensor:  # noqa: ANN401 - whatever a network returns
    import torch
    from torch.utils._pytree import tree_leaves

    return next(leaf for leaf in tree_leaves(made) if torch.is_tensor(leaf))


def _require_finite(found: TorchValues) -> None:
    import numpy as np

    if np.isfinite(found.values[found.output].array).all():
        return
    first = next(value for value in found.values if not np.isfinite(value.array).all())
    raise SuiteError(f"the checkpoint itself yields NaN or infinity at {first.module}")
