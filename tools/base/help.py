"""What --help says, in the language of the locale: argparse's own words too, and lines that are no wider than asked."""

from __future__ import annotations

import argparse
from typing import Any

from tools.base.language import spoken
from tools.base.wide import wrapped


class Help(argparse.HelpFormatter):
    """A formatter that translates each text when it is finished, as everything that is shown is."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:  # noqa: ANN401
        """The usage, which is the same in every language but for its first word."""
        super().add_usage(usage, actions, groups, f"{spoken().head('usage:')} " if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        """A group of arguments."""
        super().start_section(heading if heading is None else spoken().head(heading))

    def _split_lines(self, text: str, width: int) -> list[str]:
        """The help of an argument."""
        return wrapped(spoken().say(" ".join(text.split())), width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """A description or an epilog."""
        lines = wrapped(spoken().say(" ".join(text.split())), width - len(indent))
        return "\n".join(indent + line for line in lines)
