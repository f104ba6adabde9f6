"""A small ONNX file for tests that look at a file alone: one matrix product, edited as a test asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
Edit = Callable[[onnx.ModelProto], object]


def saved(folder: Path, edit: Edit | None = None) -> Path:
    """One matrix product with a dynamic batch axis, edited."""
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "fc.weight"], ["y"], transB=1)],
        "plain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["-1", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["-1", 2])],
        [numpy_helper.from_array(WEIGHT, "fc.weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    if edit is not None:
        edit(model)
    onnx.save(model, str(folder / "plain.onnx"))
    return folder / "plain.onnx"
