"""What a file is by its content, whatever its name: weights in one of three formats, or a thing that is named."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence

from tools.base.errors import CheckpointError
from tools.judge.spec import Checkpoint
from tools.model.formats.npz import DAMAGED_ZIP, ZIP, is_npz, read_npz
from tools.model.formats.refusal import PLAIN, not_a_state_dict
from tools.model.formats.safetensors import is_safetensors, read_safetensors
from tools.model.formats.sealed import Sealed, memory_bytes
from tools.model.formats.torch_file import read_torch

HEAD_BYTES = 512
PICKLE = b"\x80"
TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
"""A number that torch.save wrote first, before it wrote zip archives (torch 1.6)."""
LFS = b"version https://git-lfs"
KNOWN = "what torch.save writes, .safetensors or .npz"
DOWNLOAD = "download the file itself, a login or error page was saved under its name"
UNPACK = "unpack it and name the file of weights in it"
FOREIGN: Sequence[tuple[int, bytes, str, str]] = (
    (0, LFS, "it is a pointer of git-lfs to the file, not the file", "run git lfs pull"),
    (0, b"\x1f\x8b", "it is packed with gzip", UNPACK),
    (0, b"BZh", "it is packed with bzip2", UNPACK),
    (0, b"\xfd7zXZ\x00", "it is packed with xz", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "it is packed with zstd", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "it is a 7z archive", UNPACK),
    (0, b"Rar!", "it is a rar archive", UNPACK),
    (257, b"ustar", "it is a tar archive", UNPACK),
    (0, b"\x89HDF\r\n\x1a\n", "it is an HDF5 file, as Keras writes", PLAIN),
)
"""Where a format has its mark, the mark, what it is and what to do."""


def foreign(head: bytes) -> tuple[str, str] | None:
    """What a file that begins so is instead of weights, and what to do; None for all that is not known by its start."""
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|\?xml|!--)", head, re.IGNORECASE):
        return "it is a web page (HTML)", DOWNLOAD
    found = (said for place, mark, *said in FOREIGN if head[place : place + len(mark)] == mark)
    return next(((what, fix) for what, fix in found), None)


def read_file(content: Sealed, published: Checkpoint) -> object:
    """What the file holds; CheckpointError that says what it is instead of weights."""
    head = content.head(HEAD_BYTES)
    if not head:
        raise not_a_state_dict(content.path, "the file is empty", "download it again")
    if (other := foreign(head)) is not None:
        raise not_a_state_dict(content.path, *other)
    if head.startswith(ZIP):
        return _read_zip(content, published)
    if is_safetensors(head, content.size_bytes):
        try:
            return read_safetensors(content)
        except ValueError as error:
            raise _damaged(content, f"its safetensors header is wrong, or it was cut short: {error}") from error
    if TORCH_MAGIC in head[:16]:
        return read_torch(content, published, as_stored=False)
    if head.startswith(PICKLE):
        raise not_a_state_dict(content.path, "it is a pickle that torch.save did not write, which is code")
    raise not_a_state_dict(content.path, f"it begins with {head[:12]!r}, a weights file is {KNOWN}")


def _read_zip(content: Sealed, published: Checkpoint) -> object:
    """torch's own zip, numpy's, or another one by the names in it."""
    try:
        with zipfile.ZipFile(content.handle) as archive:
            entries = archive.infolist()
    except DAMAGED_ZIP as error:
        raise _damaged(content, f"it is cut short or damaged ({error})") from error
    names, unpacked = [entry.filename for entry in entries], sum(entry.file_size for entry in entries)
    if unpacked > memory_bytes():
        reason = f"it would unpack to {unpacked} bytes, more than this machine's memory"
        raise not_a_state_dict(content.path, reason, "download it again")
    inside = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inside:
        fix = f"of the model before torch.jit: {PLAIN}"
        raise not_a_state_dict(content.path, "this is TorchScript (torch.jit.save): a program with its weights", fix)
    if "data.pkl" in inside:
        stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
        return read_torch(content, published, as_stored=stored)
    if is_npz(content):
        return read_npz(content)
    shown = ", ".join(names[:3]) or "nothing"
    raise not_a_state_dict(content.path, f"it is a zip archive of something else (it holds {shown})", UNPACK)


def _damaged(content: Sealed, reason: str) -> CheckpointError:
    return not_a_state_dict(content.path, f"{reason}, {content.size_bytes} bytes", "download it again")
