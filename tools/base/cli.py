"""What the commands share: a refused input is one line on stderr and exit status 2, never a traceback."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from tools.base.errors import SuiteError
from tools.base.language import catalogue, language
from tools.base.misspelt import nearest
from tools.base.printable import on_any_terminal, one_line

UNRECOGNIZED = "unrecognized arguments: "
"""How argparse begins its complaint of options that it does not know."""
EXIT_OK, EXIT_FAILED, EXIT_BAD_INPUT = 0, 1, 2


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line too, like every other bad input."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments; a misspelt option names the one that was meant."""
        words = message.partition(UNRECOGNIZED)[2].split()
        strange = next((word.partition("=")[0] for word in words if word.startswith("--")), "")
        near = nearest(strange, self._options())
        raise SuiteError(f"{message} (did you mean {near}?)" if near else message, fix=f"see {self.prog} --help")

    def _options(self) -> set[str]:
        """Every option, those of sub-commands among them."""
        below = [action.choices.values() for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        parsers = [self, *(parser for parsers in below for parser in parsers)]
        return {name for parser in parsers for name in parser._option_string_actions if name.startswith("--")}


def run(main: Callable[[], int]) -> int:
    """Run a command's body; SuiteError and OSError become one line and status 2, Ctrl-C status 130."""
    on_any_terminal()
    try:
        return main()
    except (SuiteError, OSError) as error:
        print(_said(f"error: {one_line(str(error))}"), file=sys.stderr)
    except KeyboardInterrupt:
        print(_said("interrupted: nothing unfinished was left under a final name"), file=sys.stderr)
        return 130
    return EXIT_BAD_INPUT


def _said(text: str) -> str:
    """The text in the language of the locale; in English where the variable names none that is known."""
    try:
        return catalogue(language(None, os.environ)).say(text)
    except SuiteError:
        return text
