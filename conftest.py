"""Options and plugins of the acceptance suite; what they mean is decided in tools/pipeline/ and fixtures/."""

from __future__ import annotations

import pytest

from tools.pipeline.options import DIAGNOSE, FLAGS, VALUED, VARIABLES

pytest_plugins = [
    "pytester",
    "fixtures.setup",
    "fixtures.gates",
    "fixtures.collector",
    "fixtures.steps",
    "fixtures.perf",
]


def pytest_addoption(parser: pytest.Parser) -> None:
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
