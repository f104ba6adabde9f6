"""The label file, `<file name> <label>` a line, and the rule that makes a file name an image id."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from tools.base.errors import PreprocessingError
from tools.base.reading import NAMED_AT_MOST, text_lines
from tools.judge.ids import PREPROCESSING_LABELS

LONGEST_FILE_NAME_BYTES = 255
_refuse = functools.partial(PreprocessingError, gate=PREPROCESSING_LABELS)


def image_id(name: str) -> str:
    """The id of an image: its file name without the last extension (`a.b.JPEG` is `a.b`, `.hidden` stays)."""
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name


def read_labels(path: Path, *, classes: int) -> dict[str, int]:
    """id -> label (0 .. classes - 1) in the order of the file.

    A line is split at its last white space, so a name may hold spaces; blank lines are allowed at the end only. All
    bad lines are counted and the first few named in one PreprocessingError (format: guide, val_label.txt).
    """
    lines = text_lines(path, _refuse)
    labels: dict[str, int] = {}
    line_of: dict[str, int] = {}
    bad: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        try:
            name, label = _entry(line, classes)
            if name in labels:
                raise ValueError(f"id {name!r} is already on line {line_of[name]}")
        except ValueError as error:
            bad.append((number, str(error)))
        else:
            labels[name], line_of[name] = label, number
    if bad:
        shown = "; ".join(f"line {number}: {reason}" for number, reason in bad[:NAMED_AT_MOST])
        more = f"; … {len(bad) - NAMED_AT_MOST} more" if len(bad) > NAMED_AT_MOST else ""
        raise _refuse(
            f"{len(bad)} of {len(lines)} label lines are bad: {shown}{more}",
            where=f"{path}:{bad[0][0]}",
            fix=f"a line is `<file name> <label>` with a label of 0..{classes - 1}",
        )
    return labels


def _entry(line: str, classes: int) -> tuple[str, int]:
    """Id and label of one line; ValueError with the reason."""
    words = line.strip().rsplit(maxsplit=1)
    if len(words) != 2:
        raise ValueError(f"not `<file name> <label>`: {_shown(line)}")
    name, label = words
    if name in {".", ".."} or re.search(r"[/\\\0]", name):
        raise ValueError(f"not a plain file name: {_shown(name)}")
    if len(name.encode()) > LONGEST_FILE_NAME_BYTES:
        raise ValueError(f"no file has a name of {len(name.encode())} bytes: {_shown(name)}")
    if not re.fullmatch(r"-?[0-9]{1,9}", label):
        raise ValueError(f"label is not an integer: {_shown(label)}")
    if not 0 <= int(label) < classes:
        raise ValueError(f"label {label} is outside 0..{classes - 1}")
    return image_id(name), int(label)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
