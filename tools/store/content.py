"""Digests of what a checkpoint or an image folder holds, whatever the container, archive or folder around it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.base.files import cpu_count, sha256_of

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
    return digests_sha256(file_digests(files))


def file_digests(files: Iterable[Path]) -> dict[str, str]:
    """File name -> hex sha256 of its bytes, computed on all cores; errors as above."""
    by_name: dict[str, Path] = {}
    for path in files:
        known = by_name.setdefault(path.name, path)
        if known is not path:
            raise SuiteError(f"a content digest tells files apart by name, {known} has the same", where=path)
    if not by_name:
        raise SuiteError("there is no file to take a content digest of")
    with ThreadPoolExecutor(cpu_count()) as pool:
        return dict(zip(by_name, pool.map(sha256_of, by_name.values()), strict=True))


def digests_sha256(digests: Mapping[str, str]) -> str:
    """The one digest over what `file_digests` found."""
    digest = hashlib.sha256()
    for name in sorted(digests, key=os.fsencode):
        digest.update(digests[name].encode() + b"  " + os.fsencode(name) + b"\n")
    return digest.hexdigest()
