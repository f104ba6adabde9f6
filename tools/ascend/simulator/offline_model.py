"""The simulated OM: one file that says for which chip and batch it was built, and holds the fp16 graph."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MAGIC = b"SIMOM\x00v1"
DIGEST_BYTES = 32
ITEM_BYTES = {"float32": 4, "float16": 2, "uint8": 1, "int8": 1, "int32": 4, "int64": 8, "bool": 1}
_LENGTH = struct.Struct("<Q")


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
    """What an OM holds; `graph` is an ONNX graph with fp16 weights that computes one batch."""

    name: str
    soc: str
    batch: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    command_line: str
    graph: bytes


def write(path: Path, model: OfflineModel) -> None:
    """Write magic, sha256 of all that follows, header length, JSON header, graph: the same bytes for the same model."""
    fields = {key: value for key, value in asdict(model).items() if key != "graph"}
    fields["inputs"], fields["outputs"] = ([asdict(spec) for spec in side] for side in (model.inputs, model.outputs))
    header = json.dumps(fields, sort_keys=True).encode()
    length = _LENGTH.pack(len(header))
    digest = hashlib.sha256(length + header)
    digest.update(model.graph)
    with path.open("wb") as handle:
        handle.writelines((MAGIC, digest.digest(), length, header, model.graph))


def read(path: Path) -> OfflineModel:
    """Read an OM; DamagedModel when a byte is not as written."""
    with path.open("rb") as handle:
        magic, digest, length = (handle.read(size) for size in (len(MAGIC), DIGEST_BYTES, _LENGTH.size))
        if magic != MAGIC or len(length) != _LENGTH.size:
            raise DamagedModel("not an offline model")
        header = handle.read(min(_LENGTH.unpack(length)[0], path.stat().st_size))
        graph = handle.read()
    found = hashlib.sha256(length + header)
    found.update(graph)
    if found.digest() != digest:
        raise DamagedModel("the content does not match its digest")
    fields: dict[str, Any] = json.loads(header)
    for side in ("inputs", "outputs"):
        fields[side] = tuple(TensorSpec(spec["name"], spec["dtype"], tuple(spec["shape"])) for spec in fields[side])
    return OfflineModel(**fields, graph=graph)
