"""The command line by which a vendor tool's run is made again by hand: it names no folder of ours that is gone.

The suite's working folders are removed. What a tool was given lies in the cache and is named there; what it was to
write, and the folder of images or the list of them that was made for this run alone, is made anew in a new folder.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.base.files import ROOT
from tools.data.info import InfoRow

ALL_LINES = "all.info"
NEW_FOLDER = 'cd "$(mktemp -d)"'
_CHANGED = re.compile(r"PATH|PYTHONPATH|LD_LIBRARY_PATH|VIRTUAL_ENV(?:_PROMPT)?|ASCEND_\w+")
"""What the suite changes for its children; other variables may differ because a library has set them here."""
_PLAIN = re.compile(r"[A-Za-z0-9_/.:+@-]+")


def again(argv: Sequence[str | Path], env: Mapping[str, str], prepare: Sequence[str] = ()) -> str:
    """One line for a shell in which the suite can be started: a new folder, what `prepare` does in it, the command.

    `prepare` are command lines; `env` is what the tool ran in, of which the line gives what differs from the shell.
    """
    command = shlex.join(map(str, argv))
    return " && ".join((NEW_FOLDER, *prepare, f"{_differing(env)}{command}"))


def listing(bins: Path, ids: Sequence[str]) -> str:
    """Shell words that print the path of each of these images, whose bins lie in `bins` beside others."""
    folder = bins.absolute()
    wanted = {os.fsencode(f"{image}.bin") for image in ids}
    there = sorted(os.fsencode(path.name) for path in folder.glob("*.bin"))
    places = [place for place, name in enumerate(there, start=1) if name in wanted]
    if not places or places[-1] - places[0] + 1 != len(wanted):
        return shlex.join(["printf", r"%s\n", *(str(folder / f"{image}.bin") for image in ids)])
    found = f"find {shlex.quote(f'{folder}/')} -maxdepth 1 -name '*.bin'"
    return f"{found} | LC_ALL=C sort | sed -n {places[0]},{places[-1]}p"


def jpeg_lines(folder: Path, rows: Sequence[InfoRow], ids: Sequence[str]) -> str:
    """Shell words that print the .info lines of these images among `rows`, all of a folder or the first of its ids."""
    there = [row.id for row in rows]
    first, last = there.index(ids[0]) + 1, there.index(ids[-1]) + 1
    command = [sys.executable, str(ROOT / "tools" / "get_info.py"), "jpg", str(folder), ALL_LINES]
    again_from_0 = "awk '{$1 = NR - 1; print}'"
    return f"{shlex.join(command)} && sed -n {first},{last}p {ALL_LINES} | {again_from_0}"


def _differing(env: Mapping[str, str]) -> str:
    """`env …` with the variables that the suite has changed for its children, empty where it has changed none."""
    names = sorted(name for name in {*os.environ, *env} if _CHANGED.fullmatch(name))
    removed = [f"-u {name}" for name in names if name in os.environ and name not in env]
    changed = [_setting(name, env[name]) for name in names if name in env and os.environ.get(name) != env[name]]
    words = [*removed, *changed]
    return f"env {' '.join(words)} " if words else ""


def _setting(name: str, value: str) -> str:
    """`NAME=value`; of a list of folders only what was put before the shell's own, or taken from its beginning."""
    ours, shells = value.split(os.pathsep), os.environ.get(name, "").split(os.pathsep)
    common = 0
    while common < min(len(ours), len(shells)) and ours[-1 - common] == shells[-1 - common]:
        common += 1
    before, taken = ours[: len(ours) - common], shells[: len(shells) - common]
    if common == 0 or not all(map(_PLAIN.fullmatch, (*before, *taken))):
        return f"{name}={shlex.quote(value)}"
    rest = "${" + name + "#" + os.pathsep.join(taken) + os.pathsep + "}" if taken else f"${name}"
    return f'{name}="{os.pathsep.join((*before, rest))}"'
