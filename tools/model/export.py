"""A network to an ONNX file of the asked opset and names."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import OnnxError
from tools.base.files import atomic
from tools.judge.facts import OnnxFacts
from tools.judge.ids import ONNX_EXPORT, ONNX_OPSET
from tools.judge.spec import Spec
from tools.model.onnx_model import inspect_model

if TYPE_CHECKING:
    import torch

TRAINING_OPERATORS = frozenset({"Dropout"})
"""An exporter leaves these out of a model in eval mode. At opset 11 onnxruntime passes them over, so no logit tells."""


def export_onnx(model: torch.nn.Module, onnx_path: Path, asked: Spec, batch: int | None = None) -> None:
    """Write `onnx_path` at exactly the asked opset and names, all weights inside the file.

    The batch axis is dynamic, or of the size `batch` where that is given.

    The exporter is named (`dynamo=False`): torch's default one silently yields opset 18 when asked for 11. The file
    takes its final name only after the produced opset and operators were read back from it. OnnxError with the
    exporter's reason.
    """
    import torch

    with atomic(onnx_path) as partial:
        try:
            _export(model, partial, asked, batch)
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise OnnxError(f"torch could not export: {error}", gate=ONNX_EXPORT, where=onnx_path) from error
        produced = inspect_model(partial)
        _require_opset(produced, asked)
        _require_eval_mode(produced)


def _export(model: torch.nn.Module, path: Path, asked: Spec, batch: int | None) -> None:
    import torch

    names, shape = asked.onnx.all_outputs, asked.input(batch or 1).shape

    with warnings.catch_warnings():
        # torch announces the end of this exporter at every call; it is the only one that yields opset 11
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            (torch.zeros(shape),),
            str(path),
            dynamo=False,
            opset_version=int(asked.onnx.opset.exactly),
            input_names=[asked.onnx.input.name],
            output_names=list(names),
            dynamic_axes=None if batch else {name: {0: "-1"} for name in (asked.onnx.input.name, *names)},
        )


def _require_opset(produced: OnnxFacts, asked: Spec) -> None:
    opset = f"ai.onnx {asked.onnx.opset.exactly:g}"
    if produced.opsets != (opset,):
        raise OnnxError(
            "the exporter produced another opset than asked for",
            gate=ONNX_OPSET,
            measured=", ".join(produced.opsets),
            allowed=opset,
            fix="the legacy exporter (dynamo=False) of torch 2.13 yields what is asked",
        )


def _require_eval_mode(produced: OnnxFacts) -> None:
    found = [name for name in produced.operators if name in TRAINING_OPERATORS]
    if found:
        raise OnnxError(
            "the model was exported in train mode",
            gate=ONNX_EXPORT,
            measured=f"{len(found)} x {found[0]}",
            allowed="operators of inference only",
            fix="call model.eval() before the export and leave `training` at its default",
        )
