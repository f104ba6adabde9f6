"""The vendor tools' output files: one a sample, `<id>_1.txt|.bin` from benchmark, `<id>_0.txt|.bin` from ais_bench."""

from __future__ import annotations

import functools
import os
import re
import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tools.base.errors import AccuracyError
from tools.base.printable import one_line
from tools.base.progress import progress
from tools.base.reading import MAX_TEXT_BYTES, flat_folder, some
from tools.judge.handover import handover

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BYTES = {"float32": 4, "float16": 2}
MAX_TEXT_BYTES_PER_VALUE = 64
_NAME = re.compile(r"(?P<id>.+)_(?P<output>[0-9]+)\.(?P<kind>txt|bin)")
_NOT_FINITE = re.compile(rb"[+-]?(nan|inf)[a-z()]*", re.IGNORECASE)
_Refusal = Callable[..., AccuracyError]  # AccuracyError with its gate already given
_values = msgspec.json.Decoder(list[float])


def list_dumps(folder: Path, *, gate: str) -> dict[str, Path]:
    """id -> dump, sorted by id; the id is the name up to the last `_`, whatever follows it in the name.

    Summaries that ais_bench of 2022 writes into the folder (`sumary.json`, `<name>_summary.json`) are passed over.
    AccuracyError for any other file (named), for two outputs of one image, and for a folder that mixes text with
    binary files or one tool's numbering (`_1`) with the other's (`_0`): that is two runs in one folder.
    """
    refuse = functools.partial(AccuracyError, gate=gate)
    hint = _advice(folder)
    names = flat_folder(folder, lambda name: _is_summary(name) or _is_dump(name), refuse, unit="dumps", hint=hint)
    found: dict[str, Path] = {}
    kinds: set[str] = set()
    twice: list[str] = []
    for match in filter(None, map(_NAME.fullmatch, names)):
        if match["id"] in found:
            twice.append(match["id"])
        found[match["id"]] = folder / match[0]
        kinds.add(f"_{match['output']}.{match['kind']}")
    if twice:
        raise refuse(f"{len(twice)} images have more than one output: {some(twice)}", where=folder, fix=hint)
    if len(kinds) > 1:
        raise refuse(f"outputs of several runs are mixed: {some(kinds)}", where=folder, fix=hint)
    if not found:
        raise refuse("the folder holds no dumps", where=folder, fix=hint)
    return dict(sorted(found.items()))


def read_dump(path: Path, *, classes: int, gate: str, dtype: str = "float32") -> NDArray[np.float32]:
    """One sample's scores, float32 (classes,).

    Text: numbers separated by white space, on one or several lines. Binary: raw little-endian values of `dtype`
    (float32 or float16, as the OM's output is). AccuracyError for another width, anything but numbers, a text that
    ends inside a number, NaN and infinities.
    """
    import numpy as np

    refuse = functools.partial(AccuracyError, gate=gate)
    content = _read(path, classes, refuse, dtype)
    if path.suffix == ".bin":
        scores = np.frombuffer(content, np.dtype(dtype).newbyteorder("<")).astype(np.float32)
    else:
        scores = _parsed(path, content, classes, refuse)
    if not np.isfinite(scores).all():
        bad = np.flatnonzero(~np.isfinite(scores))[0]
        raise _not_finite(path, f"{scores[bad]} for class {bad}", refuse)
    return scores


def dump_width(path: Path, *, gate: str, dtype: str = "float32") -> int:
    """How many values a dump holds, by its size (binary) or by counting its words (text)."""
    refuse = functools.partial(AccuracyError, gate=gate)
    try:
        if path.suffix == ".bin":
            return path.stat().st_size // BYTES[dtype]
        with path.open("rb") as handle:
            return len(handle.read(MAX_TEXT_BYTES).split())
    except OSError as error:
        raise refuse(f"cannot read the dump: {error.strerror}", where=path) from error


def likely_values(size: int, widths: Collection[int], dtype: str) -> str:
    """What a binary dump of so many bytes probably holds in place of so many values of `dtype`; empty for no idea."""
    looks = {
        2: "these look like float16 values: compile the OM with float32 outputs (no --output_type=FP16)",
        4: "these look like float32 values: the port says that the output is float16",
        8: "these look like 8-byte values (int64 or float64), not float32 scores: is this the output of an ArgMax?",
    }
    return next((looks[width] for width in looks if width != BYTES[dtype] and size in [width * n for n in widths]), "")


def read_logits(
    folder: Path, ids: Sequence[str], classes: int, *, gate: str, dtype: str = "float32"
) -> NDArray[np.float32]:
    """The scores of these ids in a folder of dumps: see read_listed."""
    return read_listed(list_dumps(folder, gate=gate), ids, classes, gate=gate, dtype=dtype)


def read_listed(
    dumps: Mapping[str, Path], ids: Sequence[str], classes: int, *, gate: str, dtype: str
) -> NDArray[np.float32]:
    """The scores of these ids, float32 (len(ids), classes), rows in the order of `ids`; `dumps` is a list_dumps.

    The ids must be exactly those of the dumps. Every bad dump is counted and the first few are named in one
    AccuracyError. Beside the result no more than one dump is held in memory.
    """
    import numpy as np

    refuse, folder = functools.partial(AccuracyError, gate=gate), next(iter(dumps.values())).parent
    compared = handover("the labels", ids, "the dumps", dumps.keys())
    if not compared.conserved:
        raise refuse(str(compared), where=folder, fix="run the tool again on exactly the labelled images")
    logits = np.empty((len(ids), classes), np.float32)
    bad = list(_fill(logits, [dumps[key] for key in ids], gate, dtype))
    if bad:
        shown = "; ".join(f"{error.where}: {error.what}" for error in bad[:3])
        first = bad[0]
        raise refuse(
            f"{len(bad)} of {len(ids)} dumps are bad: {shown}{'; …' if len(bad) > 3 else ''}",
            where=folder,
            measured=first.measured,
            allowed=first.allowed,
            fix=first.fix,
        )
    return logits


def _fill(logits: NDArray[np.float32], paths: Sequence[Path], gate: str, dtype: str) -> Iterator[AccuracyError]:
    """Read each dump into its row and yield the errors."""
    for row, path in enumerate(progress(paths, what="read dumps", total=len(paths))):
        try:
            logits[row] = read_dump(path, classes=logits.shape[1], gate=gate, dtype=dtype)
        except AccuracyError as error:
            yield error


def _read(path: Path, classes: int, refuse: _Refusal, dtype: str) -> bytes:
    """The bytes of a dump whose size is possible for so many classes."""
    try:
        with path.open("rb", buffering=0) as handle:
            _check_size(path, os.fstat(handle.fileno()).st_size, classes, refuse, dtype)
            return handle.read()
    except OSError as error:
        raise refuse(f"cannot read the dump: {error.strerror}", where=path) from error


def _check_size(path: Path, size: int, classes: int, refuse: _Refusal, dtype: str) -> None:
    width = BYTES[dtype]
    if size == 0:
        raise refuse("the dump is empty", where=path)
    if path.suffix == ".bin" and size != width * classes:
        allowed, likely = f"{width * classes} bytes ({classes} {dtype})", likely_values(size, (classes,), dtype)
        raise refuse(
            "the dump has the wrong size", where=path, measured=f"{size} bytes", allowed=allowed, fix=likely or None
        )
    if size > MAX_TEXT_BYTES_PER_VALUE * classes:
        raise refuse(
            "the dump is too large",
            where=path,
            measured=f"{size} bytes",
            allowed=f"{MAX_TEXT_BYTES_PER_VALUE * classes} bytes for {classes} values",
        )


def _parsed(path: Path, content: bytes, classes: int, refuse: _Refusal) -> NDArray[np.float32]:
    """The numbers of a text dump.

    They are read as a JSON list: as quick as numpy's fromstring, and strict about each word (fromstring reads
    `1.5-2.5` as two numbers, float() reads `1_5` as fifteen).
    """
    import numpy as np

    values = _decoded(content)
    if values is None:
        raise _not_numbers(path, content.split(), refuse)
    if len(values) != classes:
        raise refuse(
            "the dump has the wrong width",
            where=path,
            measured=f"{len(values)} values",
            allowed=f"{classes} values",
            fix="too few: the run was cut short; another number: these are not this model's outputs",
        )
    if _ends_inside_a_number(content):
        raise refuse("the text ends inside a number", where=path, measured=content.split()[-1].decode())
    doubles = np.frombuffer(struct.pack(f"{classes}d", *values))  # in half the time of np.array(values)
    with np.errstate(over="ignore"):  # beyond float32 is an infinity, which the caller refuses by name
        return doubles.astype(np.float32)


def _decoded(content: bytes) -> list[float] | None:
    """The numbers between white space, None when a word is no number; the tools' single spaces are the quick case."""
    if b"," in content:
        return None
    quick = _json_list(content.strip().replace(b" ", b","))
    return quick if quick is not None else _json_list(b",".join(content.split()))


def _json_list(items: bytes) -> list[float] | None:
    try:
        return _values.decode(b"[" + items + b"]")
    except msgspec.DecodeError:
        return None


def _ends_inside_a_number(content: bytes) -> bool:
    """True when no white space ends the text and its last number has other decimals than its first."""
    if content[-1:].isspace():
        return False
    words = content.split()
    return _decimals(words[-1]) != _decimals(words[0])


def _not_numbers(path: Path, words: Sequence[bytes], refuse: _Refusal) -> AccuracyError:
    """The error for the first word that is no finite number; there is one."""
    index, word = next((index, word) for index, word in enumerate(words) if not _is_number(word))
    shown = repr(word[:40]).removeprefix("b")
    if _NOT_FINITE.fullmatch(word):
        return _not_finite(path, f"{shown} for class {index}", refuse)
    return refuse(f"not a number: {shown} for class {index}", where=path)


def _is_number(word: bytes) -> bool:
    values = _json_list(word)
    return values is not None and len(values) == 1


def _not_finite(path: Path, finding: str, refuse: _Refusal) -> AccuracyError:
    fix = "fp16 overflow makes such values: look at the model's intermediate ranges"
    return refuse(f"not a finite score: {finding}", where=path, fix=fix)


def _decimals(word: bytes) -> int:
    return len(word.partition(b".")[2])


def _advice(folder: Path) -> str:
    """How to mend a folder of dumps, by what lies in it."""
    inside = sorted(path for path in folder.glob("[!.]*") if not _is_summary(path.name))
    folders, names = [path for path in inside if path.is_dir()], [path.name for path in inside]
    if folders:
        return f"ais_bench makes a folder for each run; name that one: {one_line(str(folders[-1]))}"
    if any(name.endswith(".npy") for name in names):
        return "ais_bench writes .npy by --outfmt NPY: run it with --outfmt BIN or TXT"
    if names and not any(map(_is_dump, names)):
        return "a dump is <image>_<output>.txt or .bin; names without a number are a tool's input, or another tool's"
    return "a dump is <image>_<output>.txt or .bin; run the tool again into an empty folder"


def _is_dump(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _is_summary(name: str) -> bool:
    return name == "sumary.json" or name.endswith("_summary.json")
