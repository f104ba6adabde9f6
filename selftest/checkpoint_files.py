"""A tiny network of a port's own, and checkpoints of it in every container."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from tools.base.errors import CheckpointError
from tools.judge.spec import Checkpoint, Model
from tools.model.checkpoint import load_state_dict
from tools.model.network import Network

SOURCE = "python:net.py:network"
CODE = """
import torch

def network():
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 2, 3), torch.nn.BatchNorm2d(2),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(2, 5),
    )
"""
SAFETENSORS = {torch.float32: "F32", torch.int64: "I64", torch.float16: "F16", torch.bfloat16: "BF16"}


def network(folder: Path) -> Network:
    """The network, whose code lies in the folder."""
    (folder / "net.py").write_text(CODE)
    return Network(Model(name="net", source=SOURCE), folder)


def weights(seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights of the network, with the counter of its normalisation."""
    shapes = {"0.weight": (2, 3, 3, 3), "0.bias": (2,), "1.weight": (2,), "1.bias": (2,), "1.running_mean": (2,)}
    shapes |= {"1.running_var": (2,), "4.weight": (5, 2), "4.bias": (5,)}
    generator = torch.Generator().manual_seed(seed)
    found = {name: torch.rand(shape, generator=generator) for name, shape in shapes.items()}
    return found | {"1.num_batches_tracked": torch.tensor(7)}


def bytes_of(content: object, *, zipped: bool = True) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def safetensors_of(tensors: Mapping[str, torch.Tensor], **others: object) -> bytes:
    """What the safetensors package writes; `others` are entries of the header in the place of its own."""
    header, data = {"__metadata__": {"format": "pt"}, **others}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        place = [len(data), len(data) + len(raw)]
        header.setdefault(name, {"dtype": SAFETENSORS[tensor.dtype], "shape": [*tensor.shape], "data_offsets": place})
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def pinned(content: bytes, **others: str) -> Checkpoint:
    """A port's checkpoint of exactly these bytes."""
    return Checkpoint(file="own.pth", source="test", md5=hashlib.md5(content).hexdigest(), **others)


def load(folder: Path, content: bytes, asked: Checkpoint | None = None) -> dict[str, torch.Tensor]:
    """Load a file of these bytes for the network, pinned by its md5 where nothing else is asked."""
    path = folder / "own.pth"
    path.write_bytes(content)
    return dict(load_state_dict(path, asked or pinned(content), network(folder)))


def refused(folder: Path, content: bytes, gate: str, asked: Checkpoint | None = None) -> str:
    """The words with which these bytes are refused: one printable line that begins with the file, and no advice to
    run code."""
    with pytest.raises(CheckpointError) as caught:
        load(folder, content, asked)
    assert caught.value.gate == gate
    said = str(caught.value)
    assert said.startswith(f"{folder / 'own.pth'}: ")
    assert said.isprintable()
    assert "weights_only" not in said
    return said


def same(found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> bool:
    """Whether two state_dicts hold the same tensors under the same names."""
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


def port_file(folder: Path, checkpoint: str) -> Path:
    """A port of the network, with these lines under `checkpoint:`, beside its code."""
    network(folder)
    lines = "".join(f"    {line}\n" for line in ("file: own.pth", "source: test", *checkpoint.splitlines()))
    (folder / "net.yaml").write_text(
        f"""schema: 2
port:
  name: net
  model: {{name: Net, source: "{SOURCE}"}}
  checkpoint:
{lines}  onnx:
    opset: {{exactly: 11, unit: opset, source: test}}
    input: {{name: image, dtype: float32}}
    output: {{name: class, dtype: float32}}
  dataset:
    images: {{exactly: 10, unit: images, source: test}}
    id_format: "image_{{:04d}}"
    classes: 5
    source: test
  preprocessing:
    resize_px: 32
    crop_px: 32
    interpolation: bilinear
    mean: [0.485, 0.456, 0.406]
    std: [0.229, 0.224, 0.225]
    source: test
  batches: [1, 4]
"""
    )
    return folder / "net.yaml"
