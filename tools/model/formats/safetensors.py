"""The safetensors format, read strictly: the length of a JSON header, the header, the tensors' bytes without gaps."""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.judge.strict_json import parse
from tools.model.formats.sealed import Sealed

if TYPE_CHECKING:
    import torch

LENGTH_BYTES = 8
LONGEST_HEADER = 100_000_000
"""The format's own limit."""
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


@dataclass(frozen=True)
class _Entry:
    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    end: int


def is_safetensors(head: bytes, size_bytes: int) -> bool:
    """Whether a file that begins so is of this format."""
    if len(head) <= LENGTH_BYTES:
        return False
    (length,) = struct.unpack("<Q", head[:LENGTH_BYTES])
    return head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and 2 <= length <= min(LONGEST_HEADER, size_bytes)


def read_safetensors(content: Sealed) -> dict[str, torch.Tensor]:
    """The tensors by name, which share memory with a map of the sealed bytes; ValueError where the format is broken."""
    (length,) = struct.unpack("<Q", content.head(LENGTH_BYTES))
    begin = LENGTH_BYTES + length
    if begin > content.size_bytes:
        raise ValueError(f"the file is cut short: its header alone has {length} bytes")
    with mmap.mmap(content.handle.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as header:
        entries = _entries(parse(header[LENGTH_BYTES:begin]), content.size_bytes - begin)
    data = mmap.mmap(content.handle.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    return {entry.name: _tensor(data, begin, entry) for entry in entries}


def _entries(header: object, data_bytes: int) -> list[_Entry]:
    """What the header lists, in the file's order; the tensors cover the data from end to end, none twice."""
    if not isinstance(header, dict):
        raise ValueError("the header is no JSON object")
    entries = [_entry(name, said) for name, said in header.items() if name != "__metadata__"]
    entries.sort(key=lambda entry: (entry.start, entry.end))
    place = 0
    for entry in entries:
        if entry.start != place:
            raise ValueError(f"{entry.name!r} begins at byte {entry.start} of the data, the one before ends at {place}")
        place = entry.end
    if place != data_bytes:
        raise ValueError(f"the tensors end at byte {place} of the data, the file at {data_bytes}")
    return entries


def _entry(name: str, said: Any) -> _Entry:  # noqa: ANN401 - any JSON
    import torch

    if not isinstance(said, dict) or set(said) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r} is not described by dtype, shape and data_offsets")
    if str(said["dtype"]) not in DTYPES:
        raise ValueError(f"{name!r} is of type {said['dtype']}, known are {', '.join(DTYPES)}")
    dtype, shape, offsets = getattr(torch, DTYPES[said["dtype"]]), said["shape"], said["data_offsets"]
    if not (_counts(shape) and _counts(offsets) and len(offsets) == 2):
        raise ValueError(f"{name!r} has a shape or offsets that are no whole numbers")
    start, end = offsets
    if end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name!r} has {end - start} bytes, its shape {shape} takes {math.prod(shape)} elements")
    return _Entry(name, dtype, tuple(shape), start, end)


def _counts(numbers: object) -> bool:
    return isinstance(numbers, list) and all(type(number) is int and number >= 0 for number in numbers)


def _tensor(data: mmap.mmap, begin: int, entry: _Entry) -> torch.Tensor:
    import torch

    count = math.prod(entry.shape)
    if count == 0:
        return torch.empty(entry.shape, dtype=entry.dtype)
    place = begin + entry.start
    if place % entry.dtype.itemsize:  # a header of odd length: some processors compute with aligned numbers only
        raw = torch.frombuffer(data, dtype=torch.uint8, count=entry.end - entry.start, offset=place).clone()
        return raw.view(entry.dtype).reshape(entry.shape)
    return torch.frombuffer(data, dtype=entry.dtype, count=count, offset=place).reshape(entry.shape)
