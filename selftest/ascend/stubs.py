"""Tiny executables in the vendor tools' place: what they print, leave behind and return is written by each test."""

from __future__ import annotations

import sys
from pathlib import Path

HEAD = """\
#!{python}
import os, signal, sys, time
from pathlib import Path
args = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
"""


def executable(folder: Path, name: str, body: str) -> dict[str, str]:
    """Write a Python program `name` that sees its flags as `args`; the environment that finds it first."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(HEAD.format(python=sys.executable) + body, encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def ais_bench_package(site: Path, body: str) -> dict[str, str]:
    """Write a package `ais_bench` whose `-m` run is `body`; `--help` succeeds, flags are in `args` by their names."""
    package = site / "ais_bench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(
        "import json, os, sys\nfrom pathlib import Path\n"
        "if '--help' in sys.argv:\n    print('--model')\n    raise SystemExit(0)\n"
        "args = dict(zip((word.lstrip('-') for word in sys.argv[1::2]), sys.argv[2::2]))\n" + body
    )
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site)}
