"""Output files of ais_bench: one a sample and output, named after the input up to its first dot."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ais_bench.infer.console import fail
from ais_bench.infer.flavour import Flavour, flavour
from tools.ascend.simulator import dumps

Array = npt.NDArray[np.generic]
PURE_STEM = "pure_infer_data"
FilesInfo = dict[str, dict[str, list[str]]]


def make_folder(path: str) -> None:
    """The output folder; an existing one is used again with all that it holds."""
    os.makedirs(path, 0o750 if flavour() is Flavour.AIT else 0o755, exist_ok=True)  # noqa: PTH103  parents' mode too


def samples_of(outputs: Sequence[Array], files: Sequence[str], axis: int, size: int) -> Iterator[dumps.Sample]:
    """The batch cut into `size` samples along `axis`, padding dropped."""
    for output in outputs:
        if axis >= output.ndim or output.shape[axis] % size:
            fail(f"save out files error array shape:{output.shape} filesinfo:{files} files_count_perbatch:{size}")
    cut = [np.array_split(output, size, axis) for output in outputs]
    for index, file in enumerate(files):
        yield Path(file).name.split(".")[0], [pieces[index].copy() for pieces in cut]


def save(folder: str, stem: str, outputs: Sequence[Array], suffix: str, first: bool) -> list[str]:
    """Write one sample's outputs; the paths as they go into the summary."""
    paths = [os.path.join(folder, f"{stem}_{index}.{suffix}") for index in range(len(outputs))]  # noqa: PTH118
    for path, output in zip(paths, outputs, strict=True):
        _write(path, output, suffix)
        if flavour() is Flavour.AIT:
            Path(path).chmod(0o640)
        dumps.after_write(Path(path), first)
    return paths


def _write(path: str, output: npt.NDArray[Any], suffix: str) -> None:
    if suffix == "npy":
        np.save(path, output)
    else:
        Path(path).write_bytes(dumps.txt(output) if suffix == "txt" else output.tobytes())
