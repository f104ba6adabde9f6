"""What an OM's own bytes say: header, partitions and definition as CANN's public sources lay them out."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from tools.ascend.om_file import read_om_file, refuse_other_formats
from tools.ascend.simulator import offline_model, om_layout
from tools.ascend.simulator.offline_model import OfflineModel, TensorSpec
from tools.base.errors import OmError
from tools.judge.facts import OmInput, StoredOm

COMMAND = (
    "atc --model=/home/me/x.onnx --output=y/z --soc_version Ascend310P3 --input_shape=image:4,3,8,8 --insert_op_conf"
)
MODEL = OfflineModel(
    name="x",
    soc="Ascend310P3",
    batch=4,
    inputs=(TensorSpec("image", "float16", (4, 3, 8, 8)),),
    outputs=(TensorSpec("class", "float32", (4, 10)),),
    command_line=COMMAND,
    graph=b"graph",
)
FLAGS = (
    "--model=x.onnx",
    "--output=z",
    "--soc_version=Ascend310P3",
    "--input_shape=image:4,3,8,8",
    "--insert_op_conf=",
)


@pytest.fixture
def om(tmp_path: Path) -> Path:
    """An OM in the vendor's layout."""
    offline_model.write(tmp_path / "x.om", MODEL)
    return tmp_path / "x.om"


def read(path: Path) -> StoredOm:
    """The file's own words."""
    return read_om_file(path, batch=4)


def edited(om: Path, place: int, content: bytes) -> Path:
    """The file with other bytes at a place."""
    data = bytearray(om.read_bytes())
    data[place : place + len(content)] = content
    om.write_bytes(data)
    return om


def narrow(om: Path, partitions: dict[int, bytes], *, padded: bool = True) -> Path:
    """A file of older toolkits (32-bit table), or of 64 bits without padding."""
    header = bytearray(om.read_bytes()[:256])
    old = padded
    header[184:192] = bytes(8) if old else struct.pack("<Q", 1)
    table, offset = struct.pack("<I", len(partitions)), 0
    for kind, content in partitions.items():
        table += struct.pack("<III" if old else "<IQQ", kind, offset, len(content))
        offset += len(content)
    om.write_bytes(bytes(header) + table + b"".join(partitions.values()))
    return om


def test_chip_inputs_and_the_command_line_are_read_without_a_toolkit(om: Path) -> None:
    assert read(om) == StoredOm("Ascend310P3", (OmInput("image", "DT_FLOAT16", (4, 3, 8, 8)),), FLAGS, "")


def test_the_file_begins_as_the_vendors_do(om: Path) -> None:
    data = om.read_bytes()
    magic, size, version = struct.unpack_from("<III", data)
    assert (magic, size, version, data[80], data[193]) == (0x444F4D49, 256, 0x20000000, 0, 0)
    assert (data[84:85], struct.unpack_from("<Q", data, 184)[0]) == (b"x", len(data) - 256)


@pytest.mark.parametrize("padded", [True, False])
def test_tables_of_older_toolkits_and_without_padding_are_read(padded: bool, om: Path) -> None:
    partitions = om_layout.unpack(om.read_bytes())
    assert read(narrow(om, partitions, padded=padded)).flags == FLAGS


@pytest.mark.parametrize(
    ("place", "content", "reason"),
    [
        (0, b"SIMO", "the file does not begin as an OM does (IMOD)"),
        (80, b"\1", "the OM is encrypted"),
        (256, b"\xff\xff\xff\xff", "the OM's partition table is of another layout"),
        (256 + 8 + 3 * 24, b"\x00" * 20, "the OM's definition is compressed, or of another layout"),
    ],
)
def test_what_cannot_be_read_is_said(place: int, content: bytes, reason: str, om: Path) -> None:
    assert read(edited(om, place, content)) == StoredOm(None, (), (), reason)


def test_a_definition_without_attributes_is_said(om: Path) -> None:
    partitions = om_layout.unpack(om.read_bytes())
    bare = partitions | {om_layout.MODEL_DEF: om_layout.model("x", [], [])}
    om.write_bytes(om_layout.pack("x", bare))
    assert read(om) == StoredOm(None, (), (), "the OM's definition holds no inputs and no atc_cmdline in the clear")


def test_an_om2_is_said_to_be_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.om2", "w") as archive:
        archive.writestr("model_meta.json", "{}")
    assert read(tmp_path / "x.om2").unread == "the file is an OM2, a zip archive"


def test_a_file_cut_anywhere_is_no_crash(om: Path) -> None:
    data = om.read_bytes()
    for length in range(0, len(data), 7):
        om.write_bytes(data[:length])
        assert read(om).unread


def test_a_missing_file_turns_the_gate_of_its_batch_red(tmp_path: Path) -> None:
    with pytest.raises(OmError) as caught:
        read(tmp_path / "absent.om")
    assert caught.value.gate == "om.described[bs4]"


def test_an_om_of_the_simulator_is_no_compilers(om: Path) -> None:
    with pytest.raises(OmError, match="the OM is the simulator's; found b'SIMULATED'"):
        refuse_other_formats(om, gate="om.compiled[bs4]")


@pytest.mark.parametrize(("content", "fine"), [(b"IMOD", True), (b"PK\3\4", True), (b"SIMO", False), (b"", False)])
def test_another_format_than_a_device_loads_is_refused(content: bytes, fine: bool, tmp_path: Path) -> None:
    (tmp_path / "x.om").write_bytes(content + bytes(300))
    if fine:
        refuse_other_formats(tmp_path / "x.om", gate="om.compiled[bs4]")
        return
    with pytest.raises(OmError, match="the OM is in no format that a device loads") as caught:
        refuse_other_formats(tmp_path / "x.om", gate="om.compiled[bs4]")
    assert caught.value.gate == "om.compiled[bs4]"
