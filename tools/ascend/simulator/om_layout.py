"""The layout of an OM file: 256 bytes of header, a table of partitions, the model's definition as ge.proto.ModelDef.

Offsets are those of the vendor's public types; the algorithm of the checksum is not public, so the simulator's is a
sha256 in hexadecimal digits, which fills its 64 bytes, over all the others. Its `userdefineinfo` says SIMULATED.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping

HEADER = struct.Struct("<4sII64sIBBBB32sI32sII20sB3xQBB62s")
TABLE, ENTRY = struct.Struct("<I4x"), struct.Struct("<I4xQQ")
MAGIC, MARK = b"IMOD", b"SIMULATED"
CHECKSUM = slice(12, 76)
VERSION, STANDARD_MODEL = 0x20000000, 1
MODEL_DEF, WEIGHTS_DATA, TASK_INFO = 0, 1, 2


def pack(name: str, partitions: Mapping[int, bytes]) -> bytes:
    """The file's bytes: the same for the same partitions."""
    table, offset = TABLE.pack(len(partitions)), 0
    for kind, content in partitions.items():
        table += ENTRY.pack(kind, offset, len(content))
        offset += len(content)
    rest = table + b"".join(partitions.values())
    fields = (MAGIC, HEADER.size, VERSION, b"", len(rest) & 0xFFFFFFFF, 0, 0, STANDARD_MODEL, 0, name.encode()[:32])
    header = HEADER.pack(*fields, 0, MARK, 0, 1, b"", 0, len(rest), 0, 0, b"")
    return _signed(header, rest) + rest


def unpack(data: bytes) -> dict[int, bytes]:
    """The partitions of a file that `pack` made; ValueError when a byte is not as written."""
    header, rest = data[: HEADER.size], data[HEADER.size :]
    if len(header) < HEADER.size or _signed(header, rest) != header:
        raise ValueError("the content does not match its checksum")
    (count,), start = TABLE.unpack_from(rest), TABLE.size
    rows = [ENTRY.unpack_from(rest, start + place * ENTRY.size) for place in range(count)]
    content = rest[start + count * ENTRY.size :]
    return {kind: content[offset : offset + length] for kind, offset, length in rows}


def _signed(header: bytes, rest: bytes) -> bytes:
    empty = header[: CHECKSUM.start] + bytes(CHECKSUM.stop - CHECKSUM.start) + header[CHECKSUM.stop :]
    digest = hashlib.sha256(empty)
    digest.update(rest)
    return empty[: CHECKSUM.start] + digest.hexdigest().encode() + empty[CHECKSUM.stop :]


def text_attribute(key: str, value: str) -> bytes:
    """An entry of a map of attributes: key 1, value 2, whose text is field 2."""
    return _bytes(1, key.encode()) + _bytes(2, _bytes(2, value.encode()))


def tensor(dtype: int, shape: Iterable[int]) -> bytes:
    """A TensorDescriptor: dtype 2, shape 3 with its packed sizes."""
    return _number(2, dtype) + _bytes(3, _bytes(1, b"".join(map(_varint, shape))))


def operator(name: str, kind: str, inputs: Iterable[bytes] = (), outputs: Iterable[bytes] = ()) -> bytes:
    """An OpDef: name 1, type 2, descriptions of inputs 33 and outputs 34."""
    ends = [*(_bytes(33, one) for one in inputs), *(_bytes(34, one) for one in outputs)]
    return _bytes(1, name.encode()) + _bytes(2, kind.encode()) + b"".join(ends)


def model(name: str, operators: Iterable[bytes], attributes: Iterable[bytes]) -> bytes:
    """A ModelDef of one graph: name 1, graph 7 with its operators 6, attributes 11."""
    graph = _bytes(1, name.encode()) + b"".join(_bytes(6, one) for one in operators)
    return _bytes(1, name.encode()) + _bytes(7, graph) + b"".join(_bytes(11, one) for one in attributes)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
