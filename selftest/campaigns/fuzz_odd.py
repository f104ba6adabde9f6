"""What hostile input is made of: odd values, and documents with some of their values replaced by odd ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

Path_ = tuple[str | int, ...]

_RAW = "\x02raw\x03"
BEYOND_FLOAT = f"{_RAW}1e999{_RAW}"
"""A JSON number that a reader of doubles takes for infinity; `document_text` writes it without its quotes."""

ODD_NUMBERS = (
    *("nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e999", "1e-999", "-1", "-0", "0", "0.0", "", "+", "."),
    *(
        "1_0",
        "0x10",
        "\u0661\u0662",
        "\uff11",
        "\u00b2",
        "1,5",
        "1.2.3",
        "9" * 12,
        "9" * 400,
        "9" * 5000,
        "1" + "e" * 60,
    ),
)
"""Words in the place of a number: not finite, not ASCII, too large, too long, absent."""
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 5, 16, 100, 10**6, 2**31, 2**63, 10**18, 10**400, -(10**400)),
    *(0.0, -0.0, 0.5, 1e-320, 1e-300, 1e300, -1e300, 1.7976931348623157e308, BEYOND_FLOAT),
    *("", "-", "nan", "0", "1", "\ud800", "\0", "a\nVERDICT: ACCEPTED", "\x1b[2J", "..", "/etc/passwd", "x" * 3000),
    *([], {}, [None], [[]], [0, 0], [1e300, 1e300, 1e-300], ["a", "a"], {"": None}),
    *("PASS", "FAIL", "NOT RUN", "INCONCLUSIVE", "failed", "made without an error", "0 of 0", "5 of 6", "6 ids"),
    *("ascend", "simulator", "published", "sample", "ais_bench", "benchmark", "pure", "dataset", "pth", "onnx"),
    *(
        "{:99d}",
        "{:08d}",
        "om_bs1",
        "om_bs0",
        "om_bs-1",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "9999-12-31T23:59:59+00:00",
    ),
)
"""Values in the place of a value: of another type, at the edges of numbers, words that mean something elsewhere."""
ODD_LINES = (
    "",
    " ",
    "\t",
    "\r",
    "\ufeff",
    "\0",
    "\x85",
    "\u2028",
    "|||||",
    "[" * 5000,
    "{" * 5000,
    "x" * 20000,
    "\ud7ff",
)


def paths_of(document: object, above: Path_ = ()) -> Iterator[Path_]:
    """The way to every value of a JSON document, lists and objects included."""
    entries: Sequence[tuple[str | int, object]] = ()
    if isinstance(document, dict):
        entries = list(document.items())
    elif isinstance(document, list):
        entries = list(enumerate(document))
    for step, value in entries:
        yield (*above, step)
        yield from paths_of(value, (*above, step))


def put(document: Any, path: Path_, value: object) -> None:  # noqa: ANN401 - any JSON
    """Replace the value at `path`."""
    _at(document, path[:-1])[path[-1]] = value


def drop(document: Any, path: Path_) -> None:  # noqa: ANN401 - any JSON
    """Take the value at `path` away."""
    del _at(document, path[:-1])[path[-1]]


def repeat(document: Any, path: Path_, times: int) -> None:  # noqa: ANN401 - any JSON
    """Let an entry of a list stand there so many times more; nothing happens to an entry of an object."""
    entries, index = _at(document, path[:-1]), path[-1]
    if isinstance(entries, list) and isinstance(index, int):
        entries[index:index] = [copy.deepcopy(entries[index]) for _ in range(times)]


def patched(document: Any, paths: Sequence[Path_], program: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Alter `document` in place as `program` says, four bytes a step: two for the path, what to do, and a choice.

    A step whose path an earlier step took away does nothing.
    """
    for start in range(0, len(program) - 3, 4):
        path = paths[int.from_bytes(program[start : start + 2], "big") % len(paths)]
        action, choice = program[start + 2], program[start + 3]
        try:
            _step(document, paths, path, action, choice)
        except (KeyError, IndexError, TypeError):
            continue
    return document


def document_text(document: object) -> bytes:
    """The JSON of a document that may hold BEYOND_FLOAT."""
    raw = json.dumps(_RAW)[1:-1]
    return json.dumps(document).replace(f'"{raw}', "").replace(f'{raw}"', "").encode()


def _step(document: object, paths: Sequence[Path_], path: Path_, action: int, choice: int) -> None:
    if action < 160:
        put(document, path, copy.copy(ODD_VALUES[choice % len(ODD_VALUES)]))
    elif action < 192:
        drop(document, path)
    elif action < 224:
        repeat(document, path, 1 + choice % 16)
    else:
        put(document, path, copy.deepcopy(_at(document, paths[choice * 257 % len(paths)])))


def _at(document: Any, path: Path_) -> Any:  # noqa: ANN401 - any JSON
    for step in path:
        document = document[step]
    return document
