"""Text of other programs and of files, made fit for one line of a terminal."""

from __future__ import annotations

import sys

LONGEST = 2000
"""No part of a message is longer: a complaint of a library may hold megabytes."""

LONGEST_NAME = 200
"""Of a name in a list of names: longer ones are no file's name, but a text that was split wrongly."""


def printable(line: str) -> str:
    """A line for a terminal: no text of others can begin a line of its own or command the terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def one_line(text: str) -> str:
    """The text with every run of white space (file names may hold newlines) folded to one space, and printable."""
    return printable(" ".join(text.split()))


def cut(name: str) -> str:
    """A name of bounded length, for a list of names."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def bounded(text: str) -> str:
    """The beginning of a text that is too long to be read."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def on_any_terminal() -> None:
    """Let the standard streams take every text: what their encoding has no letter for is written as `\\u…`.

    Otherwise a word that a terminal cannot show would end the command in a traceback, with another exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # absent where a caller put something else in its place
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
