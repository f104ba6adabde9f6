"""The simulated OM: one file that says for which chip and batch it was built, and holds the fp16 graph."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.ascend.simulator import om_layout

ITEM_BYTES = {"float32": 4, "float16": 2, "uint8": 1, "int8": 1, "int32": 4, "int64": 8, "bool": 1}
GE_NUMBERS = {"float32": 1, "float16": 2, "int8": 3, "uint8": 4, "int32": 7, "int64": 8, "bool": 11}
"""How ge_ir.proto numbers the element types."""


class DamagedModel(Exception):
    """The file is not a simulated OM, or not the bytes that were written."""


@dataclass(frozen=True)
class TensorSpec:
    """An input or output: `shape` includes the batch, `dtype` is numpy's name."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor, batch included."""
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class OfflineModel:
    """What an OM holds; `graph` is an ONNX graph with fp16 weights that computes one batch, `aipp` what the AIPP file
    said, key and value."""

    name: str
    soc: str
    batch: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    command_line: str
    graph: bytes
    aipp: tuple[tuple[str, str], ...] = ()


def write(path: Path, model: OfflineModel) -> None:
    """Write the model as an OM is laid out: the simulator's own fields as TASK_INFO, the graph as WEIGHTS_DATA."""
    fields = {key: value for key, value in asdict(model).items() if key != "graph"}
    fields["inputs"], fields["outputs"] = ([asdict(spec) for spec in side] for side in (model.inputs, model.outputs))
    partitions = {
        om_layout.MODEL_DEF: _definition(model),
        om_layout.WEIGHTS_DATA: model.graph,
        om_layout.TASK_INFO: json.dumps(fields, sort_keys=True).encode(),
    }
    path.write_bytes(om_layout.pack(model.name, partitions))


def read(path: Path) -> OfflineModel:
    """Read an OM; DamagedModel when a byte is not as written."""
    try:
        partitions = om_layout.unpack(path.read_bytes())
    except ValueError as error:
        raise DamagedModel(str(error)) from error
    fields: dict[str, Any] = json.loads(partitions[om_layout.TASK_INFO])
    for side in ("inputs", "outputs"):
        fields[side] = tuple(TensorSpec(spec["name"], spec["dtype"], tuple(spec["shape"])) for spec in fields[side])
    fields["aipp"] = tuple((key, value) for key, value in fields["aipp"])
    return OfflineModel(**fields, graph=partitions[om_layout.WEIGHTS_DATA])


def attributes(model: OfflineModel) -> dict[str, str]:
    """What atc writes into an OM about itself."""
    return {"soc_version": model.soc, "atc_cmdline": model.command_line, "atc_version": "simulated"}


def _definition(model: OfflineModel) -> bytes:
    """The model's inputs, outputs and attributes as atc stores them."""
    inputs, outputs = (
        [(spec.name, om_layout.tensor(GE_NUMBERS[spec.dtype], spec.shape)) for spec in side]
        for side in (model.inputs, model.outputs)
    )
    ends = [om_layout.operator(name, "Data", outputs=[tensor]) for name, tensor in inputs]
    last = om_layout.operator("Node_Output", "NetOutput", inputs=[tensor for _, tensor in outputs])
    return om_layout.model(
        model.name, [*ends, last], itertools.starmap(om_layout.text_attribute, attributes(model).items())
    )
