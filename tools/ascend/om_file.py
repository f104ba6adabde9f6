"""What stands in an OM's own bytes, read without any toolkit: chip, inputs and the command line of atc.

Header and partition table: the vendor's public types (GE, inc/framework/common/framework_types_internal.h); the first
partition is a message ge.proto.ModelDef (GE, ge_ir.proto), of which the fields that are asked for stand below. What
newer releases compress, encrypt or lay out otherwise is said, never guessed: `atc --mode=1` answers in any case.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tools.base.errors import OmError
from tools.base.printable import cut, one_line
from tools.judge.facts import OmInput, StoredOm
from tools.judge.ids import OM_DESCRIBED

MAGIC, ZIP = b"IMOD", b"PK\x03\x04"
HEADER_BYTES, MODEL_LENGTH_AT, ENCRYPTED_AT = 256, 184, 80
MOST_DEFINITION_BYTES = 256 * 2**20
MOST_PARTITIONS = 64
MODEL_DEF = 0
DATA_TYPES = (
    *("DT_UNDEFINED", "DT_FLOAT", "DT_FLOAT16", "DT_INT8", "DT_UINT8", "DT_INT16", "DT_UINT16", "DT_INT32"),
    *("DT_INT64", "DT_UINT32", "DT_UINT64", "DT_BOOL", "DT_DOUBLE"),
)
"""By their numbers in ge_ir.proto; a type beyond them is shown as its number."""
_OPTIONAL, _REPEATED = 1, 3
_TEXT, _BYTES, _INT32, _INT64, _MESSAGE = 9, 12, 5, 3, 11
_FIELDS: dict[str, tuple[tuple[str, int, int, int, str], ...]] = {
    "Shape": (("dim", 1, _REPEATED, _INT64, ""),),
    "Tensor": (("dtype", 2, _OPTIONAL, _INT32, ""), ("shape", 3, _OPTIONAL, _MESSAGE, "Shape")),
    "Attribute": (("s", 2, _OPTIONAL, _BYTES, ""),),
    "Entry": (("key", 1, _OPTIONAL, _TEXT, ""), ("value", 2, _OPTIONAL, _MESSAGE, "Attribute")),
    "Op": (
        ("name", 1, _OPTIONAL, _TEXT, ""),
        ("type", 2, _OPTIONAL, _TEXT, ""),
        ("input_desc", 33, _REPEATED, _MESSAGE, "Tensor"),
        ("output_desc", 34, _REPEATED, _MESSAGE, "Tensor"),
    ),
    "Graph": (("op", 6, _REPEATED, _MESSAGE, "Op"),),
    "Model": (("graph", 7, _REPEATED, _MESSAGE, "Graph"), ("attr", 11, _REPEATED, _MESSAGE, "Entry")),
}
"""Message to its fields: name, number, label, type (numbers of protobuf's own descriptor), message."""


SIMULATED, USER_DEFINED = b"SIMULATED", slice(120, 152)
"""What the simulator writes into the part of the header that is its maker's own."""


class _Unread(Exception):
    """Why no more of a file can be read."""


def read_om_file(path: Path, *, batch: int) -> StoredOm:
    """The OM's own words; what cannot be read is named in `unread`. OmError when the file itself cannot be read."""
    try:
        with path.open("rb") as handle:
            definition = _definition(handle.read(HEADER_BYTES), handle, path.stat().st_size)
        return _stored(definition)
    except _Unread as reason:
        return StoredOm(soc=None, inputs=(), flags=(), unread=str(reason))
    except OSError as error:
        raise OmError(f"cannot read the OM: {error.strerror}", gate=OM_DESCRIBED.at(batch), where=path) from error


def refuse_other_formats(om: Path, *, gate: str) -> None:
    """OmError for a file that no compiler of CANN made, whatever the tools have printed."""
    with om.open("rb") as handle:
        header = handle.read(HEADER_BYTES)
    simulated = header[USER_DEFINED].startswith(SIMULATED)
    if header[:4] not in (MAGIC, ZIP) or simulated:
        raise OmError(
            "the OM is the simulator's" if simulated else "the OM is in no format that a device loads",
            gate=gate,
            where=om,
            measured=repr(bytes(header[USER_DEFINED].rstrip(b"\0") if simulated else header[:4])),
            allowed=f"a file that begins with {MAGIC!r}, made by CANN's compiler",
            fix="look which `atc` is on PATH",
        )


def _definition(header: bytes, handle: Any, size: int) -> bytes:  # noqa: ANN401 - a binary file
    """The bytes of the partition that defines the model."""
    if header[:4] == ZIP:
        raise _Unread("the file is an OM2, a zip archive")
    if header[:4] != MAGIC or len(header) < HEADER_BYTES:
        raise _Unread("the file does not begin as an OM does (IMOD)")
    if header[ENCRYPTED_AT]:
        raise _Unread("the OM is encrypted")
    wide = struct.unpack_from("<Q", header, MODEL_LENGTH_AT)[0] != 0
    table = handle.read(4 + (4 + 24 * MOST_PARTITIONS if wide else 12 * MOST_PARTITIONS))
    for entry, lead, start in [("<I4xQQ", 8, 24), ("<IQQ", 4, 20)] if wide else [("<III", 4, 12)]:
        found = _partitions(table, entry, lead, start, size)
        if found is not None:
            offset, length = found
            handle.seek(offset)
            return bytes(handle.read(length))
    raise _Unread("the OM's partition table is of another layout")


def _partitions(table: bytes, entry: str, lead: int, width: int, size: int) -> tuple[int, int] | None:
    """Place and length of the model's definition, None where the table does not fit the file."""
    count = struct.unpack_from("<I", table)[0] if len(table) >= lead else 0
    if not 0 < count <= MOST_PARTITIONS or len(table) < lead + count * width:
        return None
    rows = [struct.unpack_from(entry, table, lead + place * width) for place in range(count)]
    data = HEADER_BYTES + lead + count * width
    if max(data + offset + length for _, offset, length in rows) != size:
        return None
    return next(
        (
            (data + offset, length)
            for kind, offset, length in rows
            if kind == MODEL_DEF and length <= MOST_DEFINITION_BYTES
        ),
        None,
    )


def _stored(definition: bytes) -> StoredOm:
    """What the definition says of chip, command line and inputs."""
    from google.protobuf.message import DecodeError

    model = _message("Model")()
    try:
        model.ParseFromString(definition)
    except DecodeError as error:
        raise _Unread("the OM's definition is compressed, or of another layout") from error
    attributes = {entry.key: entry.value.s.decode("utf-8", "replace") for entry in model.attr}
    graphs = list(model.graph)[:1]
    inputs = tuple(_input(op) for graph in graphs for op in graph.op if op.type == "Data")
    flags = tuple(_flags(attributes.get("atc_cmdline", "")))
    missing = [name for name, found in (("inputs", inputs), ("atc_cmdline", flags)) if not found]
    return StoredOm(
        soc=attributes.get("soc_version") or None,
        inputs=inputs,
        flags=flags,
        unread=f"the OM's definition holds no {' and no '.join(missing)} in the clear" if missing else "",
    )


def _input(op: Any) -> OmInput:  # noqa: ANN401 - a protobuf message made at run time
    tensor = (op.input_desc or op.output_desc or [_message("Tensor")()])[0]
    known = 0 <= tensor.dtype < len(DATA_TYPES)
    dtype = DATA_TYPES[tensor.dtype] if known else f"type {tensor.dtype}"
    return OmInput(one_line(cut(op.name)), dtype, tuple(tensor.shape.dim))


def _flags(command_line: str) -> Iterator[str]:
    """The flags of a command line as `--name=value`, of paths the last part alone: the folders are a machine's own."""
    words = command_line.split()
    for place, word in enumerate(words):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            following = words[place + 1] if not equals and place + 1 < len(words) else ""
            value = value or ("" if following.startswith("--") else following)
            yield one_line(f"{name}={value.rpartition('/')[2]}")


@cache
def _message(name: str) -> Any:  # noqa: ANN401 - classes made at run time
    """The class of a message of ge.proto, with the fields that are asked for; others are passed over."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="om_file.proto", package="om_file", syntax="proto3")
    for message, fields in _FIELDS.items():
        made = file.message_type.add(name=message)
        for field, number, label, kind, of in fields:
            made.field.add(
                name=field, number=number, label=label, type=kind, type_name=f".om_file.{of}" if of else None
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"om_file.{name}"))
