"""A folder of preprocessed images, `<id>.bin` each: made on all cores, resumable, and read back."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tools.errors import PreprocessingError
from tools.files import atomic, cpu_count, sha256_of
from tools.preprocess import UnreadableImageError, image_tensor
from tools.progress import progress
from tools.spec import Preprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".bin"
JOURNAL = ".preprocessing.journal"
NAMED_AT_MOST = 20

Item = TypeVar("Item")
Result = TypeVar("Result")


class Made(msgspec.Struct, frozen=True, array_like=True):
    """One line of the journal: which bin was made, from what (`key`: image bytes, recipe, library versions)."""

    id: str
    key: str
    bin_sha256: str


def bin_bytes(recipe: Preprocessing) -> int:
    """Size of one bin: 3 channels of crop x crop float32 (602,112 bytes at 224)."""
    return 3 * recipe.crop_px * recipe.crop_px * 4


def write_bins(images: Mapping[str, Path], folder: Path, recipe: Preprocessing) -> None:
    """Write `<id>.bin` for every image; bins of an interrupted run are kept where image and bin are unchanged.

    Every unreadable image is named in one PreprocessingError at the end; bins that belong to no image are refused
    first, because the vendor's tools take whatever lies in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_strangers(images, folder)
    known, workers, bad = _read_journal(folder), cpu_count(), []

    def make(name: str) -> Made | UnreadableImageError:
        try:
            return _make(name, images[name], folder, recipe, known.get(name))
        except UnreadableImageError as error:
            return error

    with ThreadPoolExecutor(workers) as pool, (folder / JOURNAL).open("ab") as journal:
        outcomes = zip(images, _in_order(pool, make, images, window=4 * workers), strict=True)
        for name, outcome in progress(outcomes, what="preprocess", total=len(images)):
            if isinstance(outcome, Made):
                journal.write(b"\n" + msgspec.json.encode(outcome))
            else:
                bad.append(f"{images[name].name} ({outcome})")
    if bad:
        raise PreprocessingError(
            f"{len(bad)} of {len(images)} images cannot be read: {'; '.join(bad[:NAMED_AT_MOST])}",
            gate="preprocessing.images",
            where=next(iter(images.values())).parent,
            fix="restore these files from the data set's archive",
        )


def list_bins(folder: Path) -> dict[str, Path]:
    """id -> path of every .bin in a folder, sorted by id."""
    found = {path.name.removesuffix(SUFFIX): path for path in folder.iterdir() if path.name.endswith(SUFFIX)}
    return dict(sorted(found.items()))


def read_bins(folder: Path, ids: Sequence[str], recipe: Preprocessing) -> NDArray[np.float32]:
    """The bins of these ids as float32 (N, 3, crop, crop); PreprocessingError when one has another size."""
    import numpy as np

    batch = np.empty((len(ids), 3, recipe.crop_px, recipe.crop_px), np.dtype("<f4"))
    for row, name in enumerate(ids):
        path = folder / f"{name}{SUFFIX}"
        if path.stat().st_size != bin_bytes(recipe):
            raise PreprocessingError(
                "a bin has the wrong size",
                gate="preprocessing.bin_size",
                where=path,
                measured=f"{path.stat().st_size} bytes",
                allowed=f"{bin_bytes(recipe)} bytes",
                fix="delete it and preprocess again",
            )
        batch[row] = np.fromfile(path, np.dtype("<f4")).reshape(batch.shape[1:])
    return batch


def _make(name: str, image: Path, folder: Path, recipe: Preprocessing, known: Made | None) -> Made:
    target, key = folder / f"{name}{SUFFIX}", _key(image, recipe)
    if known is not None and known.key == key and target.is_file() and sha256_of(target) == known.bin_sha256:
        return known
    content = image_tensor(image, recipe).tobytes()
    with atomic(target) as partial:
        partial.write_bytes(content)
    return Made(id=name, key=key, bin_sha256=hashlib.sha256(content).hexdigest())


def _key(image: Path, recipe: Preprocessing) -> str:
    parts = (sha256_of(image), repr(recipe), version("Pillow"), version("numpy"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read_journal(folder: Path) -> dict[str, Made]:
    """What an earlier run says it made; a line torn by a crash is not believed, its bin is made again."""
    path = folder / JOURNAL
    entries = map(_entry, path.read_bytes().splitlines() if path.is_file() else [])
    return {entry.id: entry for entry in entries if entry is not None}


def _entry(line: bytes) -> Made | None:
    try:
        return msgspec.json.decode(line, type=Made)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _refuse_strangers(images: Mapping[str, Path], folder: Path) -> None:
    strangers = sorted(list_bins(folder).keys() - images.keys())
    if strangers:
        raise PreprocessingError(
            f"{len(strangers)} bins belong to no image: {', '.join(strangers[:NAMED_AT_MOST])}",
            gate="preprocessing.bins",
            where=folder,
            fix="name an empty folder, or delete them",
        )


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], *, window: int
) -> Iterator[Result]:
    """Like pool.map, but with a bounded number of jobs under way, so that Ctrl-C and errors end it at once."""
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
