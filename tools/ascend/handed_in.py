"""OMs that the porter has made: which batch size each is of, by its own words, and which of them a port asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.ascend.om_file import read_om_file
from tools.base.errors import OmError
from tools.judge.facts import OmInput
from tools.judge.ids import OM_COMPILED
from tools.model.formats.reading import HEAD_BYTES, foreign

SAID = "the OM that was handed in: "


def batch_of(path: Path, describe: Callable[[Path], tuple[OmInput, ...]], *, asked: int) -> int:
    """The batch size of an OM: by its file, or by what `describe` (atc --mode=1) says where the file hides it.

    OmError, at the gate of the batch size that is `asked` for, for what is no OM of a fixed batch size.
    """
    gate = OM_COMPILED.at(asked)
    try:
        if not path.is_file():  # a pipe would be waited for, a device read without end
            raise OmError(f"{SAID}it is no regular file", gate=gate, where=path)
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except OSError as error:
        raise OmError(f"{SAID}it cannot be read: {error.strerror}", gate=gate, where=path) from error
    if not head:
        raise OmError(f"{SAID}it is empty", gate=gate, where=path)
    if (other := foreign(head)) is not None:
        raise OmError(f"{SAID}{other[0]}", gate=gate, where=path, fix=other[1])
    inputs = read_om_file(path, batch=asked).inputs or describe(path)
    shape = inputs[0].shape if inputs else ()
    if not shape or shape[0] < 1:
        raise OmError(
            f"{SAID}it has no fixed batch size",
            gate=gate,
            where=path,
            measured=", ".join(map(str, inputs)) or "no input",
            allowed="an OM for each batch size",
        )
    return shape[0]


def choose(batches: Mapping[Path, int], wanted: Sequence[int], batch: int) -> Path:
    """The OM of a batch size. OmError when there is none or several, and when any is of a size that is not wanted: the
    OMs are held against the port as a set."""
    by_batch: dict[int, list[str]] = {}
    for path, found in batches.items():
        by_batch.setdefault(found, []).append(path.name)
    extra = [f"{', '.join(names)} of batch size {found}" for found, names in by_batch.items() if found not in wanted]
    twice = [
        f"{' and '.join(names)}, both of batch size {found}" for found, names in by_batch.items() if len(names) > 1
    ]
    missing = [] if batch in by_batch else [f"no OM of batch size {batch}"]
    wrong = [*missing, *(f"{one}, which is none of the port's" for one in extra), *twice]
    if wrong:
        raise OmError(
            f"the OMs that were handed in are not the port's: {'; '.join(wrong)}",
            gate=OM_COMPILED.at(batch),
            measured=f"batch sizes {', '.join(map(str, sorted(by_batch)))}",
            allowed=", ".join(map(str, sorted(wanted))),
        )
    return next(path for path, found in batches.items() if found == batch)
