"""A file is what its content says, whatever its name: three formats are read, everything else is named."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from selftest.checkpoint_files import bytes_of, load, refused, safetensors_of, same, weights
from tools.base.errors import CheckpointError

STATE = weights()
ONE = {"a": torch.arange(4.0)}


def zip_of(files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def packed_again() -> bytes:
    """What torch.save wrote, in a compressed archive."""
    with zipfile.ZipFile(io.BytesIO(bytes_of(STATE))) as archive:
        return zip_of({name: archive.read(name) for name in archive.namelist()}, zipfile.ZIP_DEFLATED)


def npz_of(**arrays: Any) -> bytes:  # noqa: ANN401 - whatever numpy saves
    """What numpy.savez writes."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def tar_of(content: bytes) -> bytes:
    """A tar archive of one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("own.pth")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def torchscript() -> bytes:
    """What torch.jit.save writes: an archive with code in it."""
    return zip_of({"net/constants.pkl": b"", "net/data.pkl": b"", "net/code/__torch__.py": b"", "net/version": b"3"})


def numpy_of(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    """The tensors as arrays."""
    return {name: tensor.numpy() for name, tensor in state.items()}


@pytest.mark.parametrize(
    "content",
    [
        safetensors_of(STATE),
        npz_of(**numpy_of(STATE)),
        npz_of(**{name: array.astype(array.dtype.newbyteorder(">")) for name, array in numpy_of(STATE).items()}),
        packed_again(),
    ],
    ids=["safetensors", "npz", "npz, big-endian", "zip, compressed"],
)
def test_the_content_says_what_the_file_is(tmp_path: Path, content: bytes) -> None:
    loaded = load(tmp_path, content)
    assert same(loaded, STATE)
    loaded["0.bias"].add_(1)  # memory of its own


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_safetensors_of_any_type_and_place(tmp_path: Path, dtype: torch.dtype) -> None:
    odd = {**STATE, "0.bias": STATE["0.bias"].to(dtype), "1.bias": torch.empty(0)}
    content = safetensors_of(odd)
    (length,) = struct.unpack("<Q", content[:8])
    shifted = struct.pack("<Q", length + 1) + content[8 : 8 + length] + b" " + content[8 + length :]
    assert same(load(tmp_path, content), odd)
    assert same(load(tmp_path, shifted), odd)  # bytes that no processor's number begins at


def entry(**said: object) -> dict[str, object]:
    """How a header describes four float32 numbers, but for what is said."""
    return {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **said}


BROKEN = {
    "cut short": (safetensors_of(ONE)[:-1], "the tensors end at byte 16 of the data, the file at 15"),
    "cut in the header": (safetensors_of(ONE)[:40], "begins with"),
    "something behind": (safetensors_of(ONE) + b"x", "the tensors end at byte 16 of the data, the file at 17"),
    "a gap": (safetensors_of(ONE, a=entry(data_offsets=[4, 20])), "'a' begins at byte 4"),
    "an overlap": (safetensors_of(ONE, b=entry()), "begins at byte 0 of the data, the one before ends at 16"),
    "outside the file": (safetensors_of(ONE, a=entry(shape=[8], data_offsets=[0, 32])), "the file at 16"),
    "a negative offset": (safetensors_of(ONE, a=entry(data_offsets=[-16, 0])), "no whole numbers"),
    "a true number": (safetensors_of(ONE, a=entry(shape=[True])), "no whole numbers"),
    "another size": (safetensors_of(ONE, a=entry(shape=[5])), "'a' has 16 bytes, its shape [5] takes 5 elements"),
    "another type": (safetensors_of(ONE, a=entry(dtype="F8_E4M3")), "'a' is of type F8_E4M3, known are F64"),
    "a type that is no name": (safetensors_of(ONE, a=entry(dtype=[1])), "'a' is of type [1]"),
    "an entry more": (safetensors_of(ONE, a=entry(more=1)), "not described by dtype, shape and data_offsets"),
    "no entry": (safetensors_of(ONE, a=3), "not described by"),
    "no tensor": (safetensors_of({}), "it holds nothing"),
    "no JSON": (struct.pack("<Q", 8) + b"{ nope }", "header is wrong"),
    "a name twice": (
        struct.pack("<Q", 110) + b'{"a":1,"a":2}'.ljust(110) + bytes(16),
        "key 'a' stands there twice",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_safetensors_are_refused_with_the_reason(tmp_path: Path, broken: str) -> None:
    content, words = BROKEN[broken]
    assert words in refused(tmp_path, content, "checkpoint.loads")


def test_no_damaged_header_ends_in_anything_but_a_refusal(tmp_path: Path) -> None:
    content = safetensors_of(ONE)
    for position in range(len(content) - 16):
        damaged = bytearray(content)
        damaged[position] ^= 0x01
        with contextlib.suppress(CheckpointError):  # a changed name is the network's to see
            load(tmp_path, bytes(damaged))


def claiming(unpacked: int) -> bytes:
    """An archive whose directory says that its entry is so large."""
    content = bytearray(zip_of({"a.npy": b"x"}))
    place = content.rindex(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", unpacked)
    return bytes(content)


def test_what_would_unpack_to_more_than_memory_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.model.formats.reading.memory_bytes", lambda: 2**31)
    said = refused(tmp_path, claiming(2**32 - 2), "checkpoint.loads")
    assert "it would unpack to 4294967294 bytes, more than this machine's memory" in said


def test_an_array_that_claims_a_shape_beyond_memory_is_refused(tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9007199254740992,), }\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    assert "array 'a' of the .npz cannot be taken" in refused(tmp_path, zip_of({"a.npy": array}), "checkpoint.loads")


FOREIGN = {
    "a web page": (b"\n <!DOCTYPE html><html>log in</html>", "it is a web page (HTML)"),
    "a page with a mark": (b"\xef\xbb\xbf<HTML>", "it is a web page (HTML)"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Run git lfs pull"),
    "nothing": (b"", "the file is empty"),
    "gzip": (gzip.compress(bytes_of(ONE)), "packed with gzip"),
    "bzip2": (bz2.compress(bytes_of(ONE)), "packed with bzip2"),
    "xz": (lzma.compress(bytes_of(ONE)), "packed with xz"),
    "tar": (tar_of(bytes_of(ONE)), "it is a tar archive. Unpack it"),
    "zip": (zip_of({"weights/a.pth": b"x"}), "a zip archive of something else (it holds weights/a.pth)"),
    "a zip of nothing": (zip_of({}), "begins with b'PK"),
    "a cut zip": (bytes_of(ONE)[:-30], "it is cut short or damaged"),
    "TorchScript": (torchscript(), "this is TorchScript (torch.jit.save)"),
    "a pickle": (pickle.dumps({"a": 1}), "a pickle that torch.save did not write"),
    "Keras": (b"\x89HDF\r\n\x1a\n" + bytes(100), "it is an HDF5 file"),
    "text": (b"hello \x1b[2J world", r"it begins with b'hello \x1b[2J w'"),
    "objects in npz": (npz_of(a=np.array([{}], dtype=object)), "array 'a' of the .npz cannot be taken"),
    "texts in npz": (npz_of(a=np.array(["x"])), "array 'a' of the .npz cannot be taken"),
}


@pytest.mark.parametrize("foreign", FOREIGN)
def test_whatever_else_it_is_is_named(tmp_path: Path, foreign: str) -> None:
    content, words = FOREIGN[foreign]
    assert words in refused(tmp_path, content, "checkpoint.loads")
