"""Command lines in the style of gflags: `--a=b`, `--a b`, one dash or two, booleans with or without a value."""

from __future__ import annotations

from collections.abc import Collection, Sequence

BOOLEANS = {"true": True, "1": True, "t": True, "yes": True, "false": False, "0": False, "f": False, "no": False}


class FlagError(Exception):
    """A command line that gflags refuses; the text is what it prints."""


def parse(argv: Sequence[str], known: Collection[str], switches: Collection[str] = ()) -> dict[str, str]:
    """The flags by name; those in `switches` are booleans that take no following word as their value."""
    flags: dict[str, str] = {}
    words = list(argv)
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            continue
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        if name not in known and name not in switches:
            raise FlagError(f"ERROR: unknown command line flag '{name}'")
        if not equals and name in switches:
            value = "true"
        elif not equals:
            if not words:
                raise FlagError(f"ERROR: flag '--{name}' is missing its argument")
            value = words.pop(0)
        flags[name] = value
    return flags


def boolean(name: str, value: str) -> bool:
    """A switch's value; FlagError for a word that gflags does not know."""
    if value.lower() not in BOOLEANS:
        raise FlagError(f"ERROR: illegal value '{value}' specified for bool flag '{name}'")
    return BOOLEANS[value.lower()]


def integer(name: str, value: str) -> int:
    """A whole number; FlagError otherwise."""
    try:
        return int(value)
    except ValueError:
        raise FlagError(f"ERROR: illegal value '{value}' specified for int32 flag '{name}'") from None
