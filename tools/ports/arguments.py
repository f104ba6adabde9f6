"""The port of a command: `--port NAME-or-FILE`, else the variable ACCEPTANCE_PORT, else AlexNet."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from tools.base.errors import SuiteError
from tools.base.variables import variable_of

if TYPE_CHECKING:
    from tools.judge.spec import Preprocessing
    from tools.ports.spec import Port

DEFAULT = "alexnet"
VARIABLE = variable_of("port")
HELP = f"a port of the suite such as resnet50, or a file such as ./mine.yaml (default: {VARIABLE}, else {DEFAULT})"


def add_port(parser: argparse.ArgumentParser) -> None:
    """Give a command the option."""
    parser.add_argument("--port", metavar="NAME", default=default_port(), help=HELP)


def default_port() -> str:
    """The port where none is named: the variable's, else AlexNet."""
    return os.environ.get(VARIABLE) or DEFAULT


def given_port(arguments: argparse.Namespace) -> Port:
    """The port that was asked for; SpecError when there is none of that name, or it cannot be read."""
    from tools.ports.spec import load_port, port_path  # PyYAML: commands that are given every value do without

    return load_port(port_path(arguments.port))


def refuse_jpeg(recipe: Preprocessing) -> None:
    """SuiteError where the vendor's tool gets JPEG files and no bins."""
    if recipe.is_jpeg:
        raise SuiteError(
            "this port has no bins: the vendor's tool is given the JPEG files (aipp: input: jpeg)",
            fix="list them with `python tools/get_info.py jpg IMAGES_DIR OUT.info`",
        )
