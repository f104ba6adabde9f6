"""Data-set mode of the simulated benchmark tool: an .info file in, one dump a sample and output out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tools.ascend.simulator import dumps
from tools.ascend.simulator.chips import cores
from tools.ascend.simulator.dvpp import Dvpp, DvppError
from tools.ascend.simulator.faults import Fault, ordered

if TYPE_CHECKING:
    from tools.ascend.simulator.device import Array, LoadedModel

Item = TypeVar("Item")


class InfoError(Exception):
    """The .info file cannot be used; the text follows the vendor's [ERROR] lines."""


@dataclass(frozen=True)
class Entry:
    """One line of an .info file; `size` is (width, height)."""

    index: int
    path: Path
    size: tuple[int, int]


def read_info(path: Path) -> list[Entry]:
    """The entries `index path width height`; blank lines are skipped, a repeated index is fatal."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InfoError(f"open file {path} failed, {error.strerror}") from error
    entries = [_entry(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    if len({entry.index for entry in entries}) != len(entries):
        raise InfoError(f"duplicate data id in {path}")
    if not entries:
        raise InfoError(f"no data in {path}")
    return entries


def _entry(line: str, number: int) -> Entry:
    words = line.split()
    if len(words) != 4 or not (words[0].isdigit() and words[2].isdigit() and words[3].isdigit()):
        raise InfoError(f'line {number} of the input text is not "index path width height": {line}')
    return Entry(int(words[0]), Path(words[1]), (int(words[2]), int(words[3])))


def run(loaded: LoadedModel, entries: list[Entry], folder: Path, binary: bool, dvpp: Dvpp | None = None) -> int:
    """Infer all samples and write their dumps; the number of samples inferred (a failed batch counts none).

    The files are bins, or JPEG files of which `dvpp` makes pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inferred = 0

    def counted() -> Iterator[dumps.Sample]:
        nonlocal inferred
        for sample in _samples(loaded, entries, dvpp):
            inferred += 1
            yield sample

    written = 0
    for stem, outputs in dumps.spoiled(counted()):
        for position, values in enumerate(outputs, 1):
            path = folder / f"{stem}_{position}{'.bin' if binary else '.txt'}"
            path.write_bytes(values.tobytes() if binary else dumps.txt(_as_text(values).reshape(1, -1)))
            dumps.after_write(path, first=written == 0)
            written += 1
    return inferred


def _as_text(values: Array) -> Array:
    """What text mode takes an output for: integers are read as float32, so that small ones print as 0 (section 2.1)."""
    return values if values.dtype.kind == "f" else values.reshape(-1).view("<f4")


def _samples(loaded: LoadedModel, entries: list[Entry], dvpp: Dvpp | None) -> Iterator[dumps.Sample]:
    for group, outputs in _executed(loaded, entries, dvpp):
        for position, entry in enumerate(group):
            yield entry.path.name.rpartition(".")[0] or entry.path.name, [output[position] for output in outputs]


def _executed(
    loaded: LoadedModel, entries: list[Entry], dvpp: Dvpp | None
) -> Iterator[tuple[list[Entry], list[Array]]]:
    """The outputs of each batch, in order; every core has an execution of its own, for sharing one wastes much."""
    loaded.open_session()  # once, and not by each thread
    with ThreadPoolExecutor(cores()) as pool:
        started = ((group, pool.submit(loaded.run, data)) for group, data in _batches(loaded, entries, dvpp))
        for group, outputs in _looking_ahead(started, cores()):
            yield group, outputs.result()


def _looking_ahead(items: Iterator[Item], number: int) -> Iterator[Item]:
    """The items in order, each once `number` more of them were taken."""
    taken: deque[Item] = deque()
    for item in items:
        taken.append(item)
        if len(taken) > number:
            yield taken.popleft()
    yield from taken


def _batches(loaded: LoadedModel, entries: list[Entry], dvpp: Dvpp | None) -> Iterator[tuple[list[Entry], Array]]:
    """The samples of each execution; a batch that the tool drops is told and left out."""
    import numpy as np

    batch, shape, dtype = loaded.model.batch, loaded.model.inputs[0].shape[1:], loaded.model.inputs[0].dtype
    for start in range(0, len(entries), batch):
        group = entries[start : start + batch]
        contents = [_content(entry, loaded.sample_bytes, dvpp) for entry in group]
        last = start + batch >= len(entries)
        if last and ordered(Fault.INFER_ERROR_EXIT_0):
            print(f"[ERROR] aclmdlExecute failed, batch from {group[0].path} is dropped, ret 507011")
            continue
        if None in contents:
            continue
        data = np.frombuffer(b"".join(filter(None, contents)), dtype=dtype).reshape(len(group), *shape)
        yield group, data


def _content(entry: Entry, size: int, dvpp: Dvpp | None) -> bytes | None:
    """A sample's bytes; None after an [ERROR] line, upon which the tool drops the whole batch and goes on."""
    try:
        data = entry.path.read_bytes()
        data = data if dvpp is None else dvpp.pixels(data, entry.size)
    except OSError as error:
        print(f"[ERROR] open file {entry.path} failed, {error.strerror}")
        return None
    except DvppError as error:
        print(f"[ERROR] {entry.path}: {error}")
        return None
    if len(data) != size:
        print(f"[ERROR] {entry.path}: file size {len(data)} is not equal to the model's input size {size}")
        return None
    return data
