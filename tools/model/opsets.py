"""The lowest opset at which a network really exports: found by trying, because no table of operators says it."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from tools.base.errors import OnnxError
from tools.judge.spec import Spec
from tools.model.export import export_onnx
from tools.model.network import Network
from tools.ports.stated import Said
from tools.store.dependencies import version

OPSETS = (11, 12, 13, 14, 16, 17, 18)
"""From the guide's on; what published ports use."""
LONGEST = 110
OPERATOR = re.compile(r"operator '?([\w:]+)'?")


def lowest_opset(network: Network, asked: Spec) -> Said:
    """The first opset at which the network with random weights exports, and what failed at those before.

    OnnxError where there is none, with what was said at the highest.
    """
    model, failed = network.initial(), []
    for opset in OPSETS:
        try:
            with tempfile.TemporaryDirectory(prefix="opset-") as folder:
                export_onnx(model, Path(folder) / "model.onnx", _at(asked, opset))
        except OnnxError as error:
            failed.append((opset, error))
            continue
        return Said(opset, _words(opset, failed))
    raise failed[-1][1]


def _at(asked: Spec, opset: int) -> Spec:
    exactly = replace(asked.onnx.opset, exactly=float(opset))
    return replace(asked, onnx=replace(asked.onnx, opset=exactly))


def _words(opset: int, failed: list[tuple[int, OnnxError]]) -> str:
    by = f"torch {version('torch').partition('+')[0]}, random weights"
    if not failed:
        return f"tried: exports with {by}; the newest that atc of CANN 5.0.1 parses"
    numbers = ", ".join(str(number) for number, _ in failed)
    return f"tried: the lowest at which {by}, exports; not at {numbers}: {_reason(failed[-1][1])}"


def _reason(error: OnnxError) -> str:
    operator = OPERATOR.search(error.what)
    return f"no {operator[1]}" if operator else " ".join(error.what.split())[:LONGEST]
