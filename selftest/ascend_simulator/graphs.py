"""Small hand-made ONNX graphs, compiled and run through the simulated command lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tools.ascend.simulator import atc
from tools.ascend.simulator.device import LoadedModel

Array = npt.NDArray[Any]
Node = tuple[str, Sequence[str], Sequence[str], dict[str, Any]]
"""Operator, inputs, outputs, attributes; the node's name is that of its first output with `_node` behind."""
Weights = Mapping[str, Array | np.float32]
FLOAT, HALF, INT64 = 1, 10, 7


@dataclass(frozen=True)
class Compiled:
    """What atc left: exit status, stdout and the OM's path."""

    status: int
    stdout: str
    om: Path

    def run(self, *samples: Array) -> list[Array]:
        """The outputs of one execution."""
        assert self.status == 0, self.stdout
        return [np.asarray(output) for output in LoadedModel(self.om, 0).run(*samples)]


def save(
    path: Path,
    nodes: Sequence[Node],
    *,
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Sequence[str],
    weights: Weights | None = None,
    opset: int = 11,
    types: Mapping[str, int] | None = None,
    rank: int | None = None,
) -> Path:
    """Write a model; inputs and outputs are float32 unless `types` says otherwise, outputs have the inferred shape.

    `rank` is that of the outputs where inference cannot tell.
    """
    import onnx
    from onnx import helper, numpy_helper

    types = types or {}
    dims = None if rank is None else [None] * rank
    made = [helper.make_node(op, list(ins), list(outs), f"{outs[0]}_node", **named) for op, ins, outs, named in nodes]
    graph = helper.make_graph(
        made,
        "graph",
        [helper.make_tensor_value_info(name, types.get(name, FLOAT), list(shape)) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, types.get(name, FLOAT), dims) for name in outputs],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    shaped = onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output
    del model.graph.output[:]
    model.graph.output.extend(shaped)
    onnx.save(model, path)
    return path


def compile_model(model: Path, capsys: pytest.CaptureFixture[str], shape: str = "", **changes: str) -> Compiled:
    """Run atc's command line in this process, in the model's folder; `changes` are further flags."""
    target = model.with_suffix("")
    flags = {"model": str(model), "framework": "5", "output": str(target), "soc_version": "Ascend310"}
    flags |= {"input_shape": shape} if shape else {}
    status = atc.main([f"--{name}={value}" for name, value in {**flags, **changes}.items()])
    return Compiled(status, capsys.readouterr().out, target.with_suffix(".om"))


def rounded(values: Array) -> Array:
    """The nearest fp16 values, as float32."""
    return values.astype(np.float16).astype(np.float32)
