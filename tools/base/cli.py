"""What the commands share: a refused input is one line on stderr and exit status 2, never a traceback."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

from tools.base.errors import SuiteError, reason
from tools.base.help import Help
from tools.base.language import spoken
from tools.base.messages import Catalogue
from tools.base.misspelt import nearest
from tools.base.printable import on_any_terminal, one_line
from tools.base.variables import require_known

UNRECOGNIZED = "unrecognized arguments: "
"""How argparse begins its complaint of options that it does not know."""
EXIT_OK, EXIT_FAILED, EXIT_BAD_INPUT = 0, 1, 2


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line too, like every other bad input, and its help is translated."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(*args, **{"formatter_class": Help, **options})

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
        require_known(os.environ)
        return main()
    except (SuiteError, OSError) as error:
        where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        say(f"error: {one_line(where + reason(error))}", to=sys.stderr)
    except KeyboardInterrupt:
        say("interrupted: nothing unfinished was left under a final name", to=sys.stderr)
        return 130
    return EXIT_BAD_INPUT


def say(*lines: str, words: Catalogue | None = None, to: TextIO | None = None) -> None:
    """Print lines for a person in the language of `words`, else of the locale; columns of a table stay columns."""
    said = (spoken() if words is None else words).lines(lines)
    print("\n".join(said), file=to, flush=True)
