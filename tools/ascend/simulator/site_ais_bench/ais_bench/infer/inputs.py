"""Which files make up which batch: natural order, padding of the last batch, and AIT's path policy."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ais_bench.infer.console import fail, info
from ais_bench.infer.flavour import Flavour, flavour

if TYPE_CHECKING:
    import numpy.typing as npt

SUFFIXES = (".npy", ".NPY", ".bin", ".BIN")
PLAIN = re.compile(r"[A-Za-z0-9_/.\-]+")


def model_problem(path: str) -> str | None:
    """Why the model's path is refused before it is opened, None where it is not."""
    if flavour() is Flavour.AIT and (not path.endswith(".om") or (problem := path_problem(Path(path)))):
        return problem if path.endswith(".om") else f"{path} is not a .om file"
    return None if Path(path).is_file() else f"{path} does not exist"


def path_problem(path: Path) -> str | None:
    """AIT's policy: no link, nobody else may write, plain characters."""
    if not PLAIN.fullmatch(str(path)):
        return f"{path} has characters other than letters, digits and _ / . -"
    if path.is_symlink():
        return f"{path} is a symbolic link"
    if path.exists() and path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path} is writable by group or others"
    return None


def files_of(inputs: str) -> list[str]:
    """All input files in natural order; `inputs` is one folder or a comma list of files."""
    words = inputs.split(",")
    if flavour() is Flavour.AIT and (problem := path_problem(Path(words[0]))):
        fail(problem)
    if os.path.isdir(words[0]):  # noqa: PTH112  the vendor keeps the text as given
        if len(words) > 1:
            fail(f"Invalid args. args input dir num:{len(words)} not equal to model inputs num:1")
        files = [os.path.join(words[0], name) for name in os.listdir(words[0]) if name.endswith(SUFFIXES)]  # noqa: PTH118, PTH208
        if not files:
            fail(f"{words[0]} of input args not find valid file,valid file format:[*.npy *.NPY *.bin *.BIN]")
        words = sorted(files, key=_natural)
    elif not Path(words[0]).is_file():
        fail(f"Invalid args. {words[0]}  of --input is invalid")
    for word in words if flavour() is Flavour.AIT else ():
        if problem := path_problem(Path(word)):
            fail(problem)
    return words


def batches_of(files: Sequence[str], tensor_bytes: int) -> list[list[str]]:
    """The files of each batch; the last one may hold fewer. The first file's size is taken for all."""
    if not files:
        fail("Invalid args. Input args are empty")
    size = _size(files[0])
    if size == 0 or tensor_bytes % size:
        fail(f"arg0 tensorsize: {tensor_bytes} filesize: {size} not match")
    per_batch = tensor_bytes // size
    groups = [list(files[start : start + per_batch]) for start in range(0, len(files), per_batch)]
    info(
        f"get filesperbatch files0 size:{size} tensor0size:{tensor_bytes} filesperbatch:{per_batch} "
        f"runcount:{len(groups)}"
    )
    return groups


def content(path: str) -> bytes:
    """A file's values as raw bytes."""
    if not path.lower().endswith(".npy"):
        return Path(path).read_bytes()
    import numpy as np

    array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    return array.tobytes()


def _size(path: str) -> int:
    return len(content(path)) if path.lower().endswith(".npy") else Path(path).stat().st_size


def _natural(path: str) -> list[tuple[bool, int, str]]:
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part.lower()) for part in re.split("([0-9]+)", path)]
