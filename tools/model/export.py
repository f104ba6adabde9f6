"""A network to an ONNX file of the asked opset, names and types."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.base.errors import OnnxError
from tools.base.files import atomic
from tools.judge.facts import OnnxFacts
from tools.judge.ids import ONNX_EXPORT, ONNX_OPSET
from tools.judge.spec import Spec
from tools.model.onnx_model import inspect_model
from tools.model.outputs import every_output
from tools.model.plain_attention import plain_attention

if TYPE_CHECKING:
    import torch

NEWEST_OPSET = 18
"""The newest that torch's exporter of this kind writes as asked, and that atc of CANN 8 parses."""
TRAINING_OPERATORS = frozenset({"Dropout"})
"""An exporter leaves these out of a model in eval mode. At opset 11 onnxruntime passes them over, so no logit tells."""


def export_onnx(model: torch.nn.Module, onnx_path: Path, asked: Spec, batch: int | None = None) -> None:
    """Write `onnx_path` at exactly the asked opset and names, all weights inside the file.

    The batch axis is dynamic, or of the size `batch` where that is given. The exporter is named (`dynamo=False`):
    torch's default one silently yields opset 18 when asked for 11. The file takes its final name only after the
    produced opset and operators were read back from it. OnnxError with the exporter's reason; where a newer opset would
    do, with the lowest that does.
    """
    opset = int(asked.onnx.opset.exactly)
    with atomic(onnx_path) as partial:
        reason = _try(model, partial, asked, batch, opset)
        if reason is not None:
            raise _cannot(reason, onnx_path, opset, _lowest(model, onnx_path, asked, batch, above=opset))
        produced = inspect_model(partial)
        _require_opset(produced, opset)
        require_eval_mode(produced)


def _try(model: torch.nn.Module, path: Path, asked: Spec, batch: int | None, opset: int) -> str | None:
    """Export; why it cannot be done, None when it was."""
    import torch

    try:
        _export(model, path, asked, batch, opset)
    except (RuntimeError, TypeError, torch.onnx.errors.OnnxExporterError) as error:  # col2im ends with a TypeError
        return " ".join(str(error).split()) or type(error).__name__
    return None


def _lowest(model: torch.nn.Module, path: Path, asked: Spec, batch: int | None, *, above: int) -> int | None:
    """The lowest newer opset at which the network can be exported."""
    for opset in range(above + 1, NEWEST_OPSET + 1):
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            if _try(model, Path(folder) / path.name, asked, batch, opset) is None:
                return opset
    return None


def _cannot(reason: str, path: Path, opset: int, lowest: int | None) -> OnnxError:
    if lowest is None:
        return OnnxError(f"torch could not export: {reason}", gate=ONNX_EXPORT, where=path)
    return OnnxError(
        f"torch cannot export this network at opset {opset}: {reason}",
        gate=ONNX_EXPORT,
        where=path,
        measured=f"opset {opset}",
        allowed=f"opset {lowest} is the lowest that works",
        fix=f"write opset: {{exactly: {lowest}, …}} into the port, where your CANN parses it",
    )


def _export(model: torch.nn.Module, path: Path, asked: Spec, batch: int | None, opset: int) -> None:
    import torch

    names, given = asked.onnx.all_outputs, asked.input(batch or 1)
    with warnings.catch_warnings(), plain_attention():
        # torch announces the end of this exporter at every call; it is the only one that yields opset 11
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        # that a slice with steps stays in the file: nothing is wrong, and nobody who reads it can do anything
        warnings.filterwarnings("ignore", "Constant folding - Only steps=1", UserWarning)
        torch.onnx.export(
            _typed(model, asked),
            (torch.zeros(given.shape, dtype=getattr(torch, given.dtype)),),
            str(path),
            dynamo=False,
            opset_version=opset,
            input_names=[given.name],
            output_names=list(names),
            dynamic_axes=None if batch else {name: {0: "-1"} for name in (given.name, *names)},
        )


def _typed(model: torch.nn.Module, asked: Spec) -> torch.nn.Module:
    """The network, with conversions at its ends where the port asks for float16 there."""
    import torch

    types = [getattr(torch, tensor.dtype) for tensor in (asked.onnx.input, asked.onnx.output)]
    if types == [torch.float32, torch.float32]:
        return model

    class Typed(torch.nn.Module):
        """Takes and gives what the port says, computes in float32."""

        def __init__(self) -> None:
            super().__init__()
            self.network = model

        def forward(self, images: torch.Tensor) -> Any:  # noqa: ANN401 - a tensor, or several
            made = self.network(images.float())
            return tuple(one.to(types[1]) for one in every_output(made))

    return Typed().eval()


def _require_opset(produced: OnnxFacts, opset: int) -> None:
    asked = f"ai.onnx {opset}"
    if produced.opsets != (asked,):
        raise OnnxError(
            "the exporter produced another opset than asked for",
            gate=ONNX_OPSET,
            measured=", ".join(produced.opsets),
            allowed=asked,
            fix="the legacy exporter (dynamo=False) of torch 2.13 yields what is asked",
        )


def require_eval_mode(produced: OnnxFacts) -> None:
    """OnnxError for operators that a file of a network in train mode has."""
    found = [name for name in produced.operators if name in TRAINING_OPERATORS]
    if found:
        raise OnnxError(
            "the model was exported in train mode",
            gate=ONNX_EXPORT,
            measured=f"{len(found)} x {found[0]}",
            allowed="operators of inference only",
            fix="call model.eval() before the export and leave `training` at its default",
        )
