"""Digests of what a checkpoint or an image folder holds, whatever the container, archive or folder around it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import SuiteError
from tools.files import sha256_of

if TYPE_CHECKING:
    import torch


def checkpoint_content_sha256(state_dict: Mapping[str, torch.Tensor]) -> str:
    """Hex sha256 over the tensors, sorted by name: name, shape, and the elements' bytes in row-major order.

    The file around them (zip layout, record names, torch's version) does not enter. The dtype enters where it is not
    float32, so that two tensors with the same bytes and another meaning differ. SuiteError when there is no tensor.
    """
    import torch

    if not state_dict:
        raise SuiteError("there is no tensor to take a content digest of")
    digest = hashlib.sha256()
    for name in sorted(state_dict):
        tensor = state_dict[name].detach().cpu()
        dtype = "" if tensor.dtype is torch.float32 else str(tensor.dtype)
        digest.update(f"{name}{tuple(tensor.shape)}{dtype}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def images_content_sha256(files: Iterable[Path]) -> str:
    """Hex sha256 over the files' names and bytes, whatever the folders: pass the images and the label file.

    It is the digest of the lines `<sha256>  <name>`, sorted by name, that `sha256sum` prints. In a shell:
    `(sha256sum val_label.txt; cd val; sha256sum *) | LC_ALL=C sort -k2 | sha256sum`. SuiteError when there is no file,
    or two with one name; OSError when one cannot be read.
    """
    by_name: dict[bytes, Path] = {}
    for path in files:
        name = os.fsencode(path.name)
        if name in by_name:
            raise SuiteError(f"a content digest tells files apart by name, {by_name[name]} has the same", where=path)
        by_name[name] = path
    if not by_name:
        raise SuiteError("there is no file to take a content digest of")
    digest = hashlib.sha256()
    for name in sorted(by_name):
        digest.update(sha256_of(by_name[name]).encode() + b"  " + name + b"\n")
    return digest.hexdigest()
