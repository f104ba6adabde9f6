"""The lowest opset at which a network really exports: found by trying, because no table of operators says it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import OnnxError
from tools.judge.spec import Spec
from tools.model.export import export_onnx
from tools.model.network import Network
from tools.model.outputs import every_output
from tools.ports.stated import Exported, Said
from tools.store.dependencies import version

if TYPE_CHECKING:
    import torch

OPSETS = (11, 12, 13, 14, 16, 17, 18)
"""From the guide's on; what published ports use."""
OTHER_BATCH = 2
"""The export is traced with one image; a file that has kept that number fails with two."""
TOLERANCE = 1e-2
"""Of the largest logit: random weights let rounding grow, a wrong graph gives something else altogether."""
LONGEST = 110
LOWEST = re.compile(r"opset (\d+) is the lowest")
OPERATOR = re.compile(r"operator '?([\w:]+)'?")


def lowest_opset(network: Network, asked: Spec) -> Exported:
    """The first opset at which the network with random weights exports, and what failed at the one before.

    OnnxError where there is none, with what was said at the highest.
    """
    opset, failed = OPSETS[0], ""
    model = network.make().eval().requires_grad_(requires_grad=False)
    while True:
        with tempfile.TemporaryDirectory(prefix="opset-") as folder, _quiet():
            path = Path(folder) / "model.onnx"
            try:
                export_onnx(model, path, _at(asked, opset))
            except OnnxError as error:
                newer = [other for other in OPSETS if other >= max(opset + 1, _known(error))]
                if not newer:
                    raise
                opset, failed = newer[0], f"{opset}: {_reason(error)}"
            else:
                return Exported(Said(opset, _words(failed)), _why_static(model, path, asked))


def _known(error: OnnxError) -> int:
    """The lowest that works, where the exporter has found it; saying so saves the tries between."""
    found = LOWEST.search(error.allowed or "")
    return int(found[1]) if found else 0


def _at(asked: Spec, opset: int) -> Spec:
    exactly = replace(asked.onnx.opset, exactly=float(opset))
    return replace(asked, onnx=replace(asked.onnx, opset=exactly))


def _why_static(model: torch.nn.Module, path: Path, asked: Spec) -> str:
    """Why one file cannot serve all batch sizes, empty where it can."""
    import onnxruntime
    import torch

    images = torch.randn(asked.input(OTHER_BATCH).shape, generator=torch.Generator().manual_seed(1))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its own lines on stderr say what the error says
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        found = torch.from_numpy(session.run(None, {asked.onnx.input.name: images.numpy()})[asked.onnx.judged_output])
    except Exception as error:  # noqa: BLE001 - onnxruntime has a class for each of its errors and no common one
        return f"at batch {OTHER_BATCH} onnxruntime says {_folded(str(error))}"
    with torch.no_grad():
        expected = every_output(model(images))[asked.onnx.judged_output]
    if found.shape != expected.shape:
        return f"at batch {OTHER_BATCH} the output is {list(found.shape)}, not {list(expected.shape)}"
    apart = float((found - expected).abs().max())
    return (
        ""
        if apart <= TOLERANCE * float(expected.abs().max())
        else f"at batch {OTHER_BATCH} logits differ by {apart:.2g}"
    )


def _words(failed: str) -> str:
    by = f"torch {version('torch').partition('+')[0]}, random weights"
    if not failed:
        return f"tried: exports with {by}; the newest that atc of CANN 5.0.1 parses"
    return f"tried: the lowest that exports with {by}; not {failed}"


def _reason(error: OnnxError) -> str:
    operator = OPERATOR.search(error.what)
    return f"no {operator[1]}" if operator else _folded(error.what)


def _folded(text: str) -> str:
    return " ".join(text.split())[:LONGEST]


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of what torch says of a failed export, to Python's warnings and past Python to the file descriptors."""
    with warnings.catch_warnings(), Path(os.devnull).open("w") as nowhere:
        warnings.simplefilter("ignore")
        sys.stdout.flush()
        sys.stderr.flush()
        kept = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]
        try:
            for descriptor, _ in kept:
                os.dup2(nowhere.fileno(), descriptor)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in kept:
                os.dup2(copy, descriptor)
                os.close(copy)
