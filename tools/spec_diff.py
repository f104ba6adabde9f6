"""Which numbers were loosened between two ports? `python tools/spec_diff.py OLD.yaml NEW.yaml`, or their names

Lists everything that became easier to pass and exits 1 unless the new spec gives a reason for each: `reason` beside a
number, `reasons` (path to text) for lists and plain values. A reason that stood there before excuses nothing, nor does
one without a word in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base.cli import EXIT_FAILED, EXIT_OK, Parser, run, say
from tools.judge.numbers import AtLeast, AtMost, Entry, Fact, Number
from tools.judge.spec import Spec
from tools.ports.spec import NUMBERS, load_spec, port_path

LOWER_IS_LOOSER = frozenset(
    (
        *("images_per_second_per_chip", "images_per_second_per_card", "flops_per_image"),
        *("parity_images", "probe_images", "reference_probe_images", "rounds", "min_images_per_round"),
    )
)
HIGHER_IS_LOOSER = frozenset(
    ("floor_margin_percent", "ceiling_margin_percent", "near_tie_logits", "peak_fp16_tflops_per_chip")
)
WORDS = frozenset(("source", "reason", "reasons", "url", "name", "file"))
"""Fields that no gate compares. A tensor's name is compared, see _compared."""
ASKS_FOR_MORE = frozenset(
    (
        *("md5", "sha256", "sha256_prefix", "content_sha256", "labels_sha256"),
        *("images_per_second_per_card", "flops_per_image"),
        *("pth_top1", "pth_top5", "om_top1", "om_top5"),
    )
)
"""Fields that ask for nothing while they are null. Elsewhere null says something: `om.soc`, the device's own chip."""
KEYS = ("soc", "batch")
"""What tells the entries of a list apart."""


@dataclass(frozen=True)
class Loosened:
    """One value that became easier to pass; `reason` is the new spec's, empty where it gives none for this change."""

    path: str
    old: str
    new: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.old} -> {self.new} ({self.reason or 'no reason given'})"

    @property
    def place_of_reason(self) -> str:
        """What to write where, so that the new spec gives a reason for this change."""
        value, _, field = self.path.rpartition(".")
        if field in NUMBERS:
            return f"`reason: …` beside the number {value}"
        return f"`reasons: {{{json.dumps(self.path)}: …}}` at the top level"


def loosened(old: Spec, new: Spec) -> tuple[Loosened, ...]:
    """Everything that is easier to pass by `new` than by `old`, in the order of the spec.

    Raised upper bounds, lowered lower bounds and published rates, whatever is gone (batches, devices, pinned digests),
    and every other change of a value that gates compare: which of two checksums is the stricter nobody can say.
    """
    return tuple(
        Loosened(path, before, after, reason or _fresh(old.reasons.get(path), new.reasons.get(path)))
        for path, before, after, reason in _entries("", old, new)
    )


Change = tuple[str, str, str, str]


def _entries(path: str, old: Entry, new: Entry) -> Iterator[Change]:
    if isinstance(old, Number) or isinstance(new, Number):
        yield from _numbers(path, old, new)
        return
    for name in field_names(old):
        if _compared(old, name):
            yield from _values(f"{path}.{name}".lstrip("."), getattr(old, name), getattr(new, name, None))


def _compared(entry: Entry, name: str) -> bool:
    return name not in WORDS or (name == "name" and "dtype" in field_names(entry))


def _values(path: str, old: object, new: object) -> Iterator[Change]:
    if isinstance(old, Entry):
        if isinstance(new, Entry):
            yield from _entries(path, old, new)
        else:
            yield path, _text(old), "gone", ""
    elif isinstance(old, tuple) and isinstance(new, tuple) and (_keyed((*old, *new)) or path == "batches"):
        yield from _lists(path, old, new)
    elif old != new and not _stricter(path, old, new):
        yield path, _text(old), "gone" if new is None else _text(new), ""


def _lists(path: str, old: tuple[object, ...], new: tuple[object, ...]) -> Iterator[Change]:
    """Entries by their key, whatever their order; new ones are welcome."""
    now = {_key(item): item for item in new}
    for item in old:
        if _key(item) in now:
            yield from _values(f"{path}[{_key(item)}]", item, now[_key(item)])
        else:
            yield f"{path}[{_key(item)}]", _text(item), "gone", ""


def _numbers(path: str, old: Entry, new: Entry) -> Iterator[Change]:
    before, after = _bound(old), _bound(new)
    if type(old) is not type(new):
        loose = True
    elif isinstance(old, AtMost):
        loose = after[1] > before[1]
    elif isinstance(old, AtLeast):
        loose = after[1] < before[1]
    else:
        loose = after[1] != before[1] and not (isinstance(old, Fact) and _stricter(path, before[1], after[1]))
    if loose or getattr(old, "unit", None) != getattr(new, "unit", None):
        reason = _fresh(getattr(old, "reason", None), getattr(new, "reason", None))
        yield f"{path}.{before[0]}", f"{before[1]:g} {before[2]}", f"{after[0]} {after[1]:g} {after[2]}", reason


def _stricter(path: str, old: object, new: object) -> bool:
    """Whether the change goes the strict way, for values that have one."""
    name = path.rpartition(".")[2]
    if old is None:
        return name in ASKS_FOR_MORE
    if not isinstance(old, (int, float)) or not isinstance(new, (int, float)):
        return False
    return (name in LOWER_IS_LOOSER and new > old) or (name in HIGHER_IS_LOOSER and new < old)


def _bound(entry: Entry) -> tuple[str, float, str]:
    """The field that holds the number, the number, its unit."""
    name = next(name for name in field_names(entry) if name not in ("unit", "source", "reason"))
    return name, float(getattr(entry, name)), str(getattr(entry, "unit", ""))


def field_names(entry: Entry) -> list[str]:
    """The names of an entry's fields, in their order."""
    return [field.name for field in fields(entry)]  # type: ignore[arg-type]


def _keyed(items: tuple[object, ...]) -> bool:
    return all(isinstance(item, Entry) and any(hasattr(item, key) for key in KEYS) for item in items)


def _key(item: object) -> object:
    return next((getattr(item, key) for key in KEYS if hasattr(item, key)), item)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    return "null" if value is None else "there" if isinstance(value, Entry) else str(value)


def _fresh(old: str | None, new: str | None) -> str:
    """The new reason; empty when it is the old one, or has neither letter nor digit."""
    return new if new and new != old and any(map(str.isalnum, new)) else ""


def main() -> int:
    """Compare two files."""
    parser = Parser(description="List every number that a port loosens, and fail unless each has a new reason.")
    parser.add_argument("old", type=port_path, help="the port as it was: a file, or the name of one of the suite's")
    parser.add_argument("new", type=port_path, help="the port as it is to be")
    arguments = parser.parse_args()
    found = loosened(load_spec(arguments.old), load_spec(arguments.new))
    for change in found:
        say(f"loosened: {change}")
        if not change.reason:
            say(f"  a reason is written in {arguments.new}: {change.place_of_reason}")
    unexplained = sum(not change.reason for change in found)
    say(f"{len(found)} loosened, {unexplained} without a reason")
    return EXIT_FAILED if unexplained else EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main))
