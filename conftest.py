"""Options and plugins of the acceptance suite; what they mean is decided in tools/pipeline/ and fixtures/."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pytest

from tools.base.language import spoken
from tools.base.messages import Catalogue
from tools.base.wide import wrapped
from tools.pipeline.options import DIAGNOSE, FLAGS, VALUED, VARIABLES, joined, misspelt

HELP_COLUMN = 26
"""Where pytest's help of an option begins, with the edge that it leaves."""

pytest_plugins = [
    "pytester",
    "fixtures.setup",
    "fixtures.gates",
    "fixtures.perf",  # before the collector, which imports it: pytest rewrites the asserts of what nobody has imported
    "fixtures.collector",
]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The inputs of a run; each option with a value has an environment variable."""
    given = _given(pluginmanager)
    language = next((word.partition("=")[2] for word in reversed(joined(given)) if word.startswith("--lang=")), None)
    words = spoken(language)
    columns = shutil.get_terminal_size().columns - HELP_COLUMN

    def said(text: str, more: str = "") -> str:
        """A help text in the language of the run, in lines that pytest leaves as they are."""
        return "\n".join(wrapped(words.say(text) + more, columns))

    group = parser.getgroup("acceptance", words.say("acceptance of a model port"))
    for name, (metavar, text) in VALUED.items():
        more = f" [{VARIABLES[name.replace('-', '_')]}]"
        group.addoption(f"--{name}", metavar=metavar, help=said(text, more))
    group.addoption(
        "--diagnose",
        choices=DIAGNOSE,
        default=DIAGNOSE[0],
        help=said("say at which node a variant leaves the checkpoint (default: when its accuracy fails)"),
    )
    for name, text in FLAGS.items():
        group.addoption(f"--{name}", action="store_true", help=said(text))
    _meant(parser, given, words)


def _given(pluginmanager: pytest.PytestPluginManager) -> list[str]:
    """The words that pytest was started with."""
    config = pluginmanager.get_plugin("pytestconfig")
    return list(map(str, config.invocation_params.args)) if isinstance(config, pytest.Config) else []


def _meant(parser: pytest.Parser, given: Sequence[str], words: Catalogue) -> None:
    """What pytest says beside an option that it does not know: the one that was probably meant."""
    _, unknown = parser.parse_known_and_unknown_args(given)
    said = [words.say(f"{near} instead of {name}") for name, near in misspelt(unknown).items()]
    if said:
        parser.extra_info[words.head("did you mean")] = ", ".join(said)
