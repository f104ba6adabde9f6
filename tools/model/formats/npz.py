"""numpy's .npz as name -> array, without pickled objects."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from tools.model.formats.refusal import not_a_state_dict
from tools.model.formats.sealed import Sealed

if TYPE_CHECKING:
    import torch


ZIP = b"PK\x03\x04"
DAMAGED_ZIP = (zipfile.BadZipFile, OSError, ValueError, RuntimeError, LookupError, struct.error)
"""What Python's reader of zip archives raises on damaged ones."""


def is_npz(content: Sealed) -> bool:
    """Whether the file is a zip archive of arrays."""
    if content.head(len(ZIP)) != ZIP:
        return False
    try:
        with zipfile.ZipFile(content.handle) as archive:
            names = archive.namelist()
    except DAMAGED_ZIP:
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_npz(content: Sealed) -> dict[str, torch.Tensor]:
    """The arrays as tensors under their names; CheckpointError for damage and for arrays of anything but numbers."""
    import numpy as np
    import torch

    name = ""
    try:
        content.handle.seek(0)
        with np.load(content.handle, allow_pickle=False) as arrays:
            found = {}
            for name in arrays.files:
                array = arrays[name]
                native = array.astype(array.dtype.newbyteorder("="), copy=False)
                found[name] = torch.from_numpy(np.require(native, requirements=["C", "W"]))
            return found
    except (*DAMAGED_ZIP, TypeError, EOFError, MemoryError, SyntaxError, zlib.error) as error:
        reason = f"array {name!r} of the .npz cannot be taken: {next(iter(str(error).splitlines()), 'damaged')}"
        raise not_a_state_dict(content.path, reason, "save arrays of numbers, name by name: numpy.savez") from error
