"""Which suite this is, in words for people: its version, and the commit where it is run from a checkout.

The digest of the code (tools/evidence/host.py) stands beside it, and is what tells two suites apart.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from tools.base.files import ROOT

DISTRIBUTION = "npu-port-acceptance"
GIT_SECONDS = 10.0
_COMMIT = re.compile(r"([0-9a-f]{7,40})(-dirty)?")
_VERSION = re.compile(r"[0-9A-Za-z.+!-]{1,40}")


@lru_cache(maxsize=1)
def suite_version(root: Path = ROOT) -> str:
    """Such as `0.2.0, commit 3d86cbe5a1b2`, with `(changed)` behind it where files differ from that commit; the version
    alone where git is not there or does not answer. Empty where not even that is known.
    """
    said = (_version(root), _commit(root))
    return ", ".join(filter(None, said))


def _version(root: Path) -> str:
    """pyproject.toml's in a checkout, else that of the installed distribution."""
    pyproject = root / "pyproject.toml"
    try:
        if pyproject.is_file():
            found = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["version"]
        else:
            found = metadata.version(DISTRIBUTION)
    except (OSError, ValueError, KeyError, TypeError, metadata.PackageNotFoundError):
        return ""  # a copy of the folder without either: the digest of the code still says what it is
    return found if isinstance(found, str) and _VERSION.fullmatch(found) else ""


def _commit(root: Path) -> str:
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    words = [git, "-c", "core.fsmonitor=false", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # of a hook that calls us
    try:
        done = subprocess.run(
            [*words, "--exclude=*"],
            env={**kept, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _COMMIT.fullmatch(done.stdout.strip())
    return f"commit {found[1]}{' (changed)' if found[2] else ''}" if found and done.returncode == 0 else ""
