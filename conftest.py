"""Options and plugins of the acceptance suite; what they mean is decided in tools/pipeline/ and fixtures/."""

from __future__ import annotations

import pytest

from tools.pipeline.options import DIAGNOSE, FLAGS, VALUED, VARIABLES, misspelt

pytest_plugins = [
    "pytester",
    "fixtures.setup",
    "fixtures.gates",
    "fixtures.collector",
    "fixtures.steps",
    "fixtures.perf",
]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The inputs of a run; each option with a value has an environment variable."""
    group = parser.getgroup("acceptance", "acceptance of a model port")
    for name, (metavar, text) in VALUED.items():
        group.addoption(f"--{name}", metavar=metavar, help=f"{text} [{VARIABLES[name.replace('-', '_')]}]")
    group.addoption(
        "--diagnose",
        choices=DIAGNOSE,
        default=DIAGNOSE[0],
        help="say at which node a variant leaves the checkpoint (default: when its accuracy fails)",
    )
    for name, text in FLAGS.items():
        group.addoption(f"--{name}", action="store_true", help=text)
    _meant(parser, pluginmanager)


def _meant(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """What pytest says beside an option that it does not know: the one that was probably meant."""
    config = pluginmanager.get_plugin("pytestconfig")
    words = list(map(str, config.invocation_params.args)) if isinstance(config, pytest.Config) else []
    _, unknown = parser.parse_known_and_unknown_args(words)
    said = [f"{near} instead of {name}" for name, near in misspelt(unknown).items()]
    if said:
        parser.extra_info["did you mean"] = ", ".join(said)
