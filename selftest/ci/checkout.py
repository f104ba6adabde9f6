"""A checkout with ci/ alone, in which make, docker, npu-smi and the suite's Python write down what they are asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.base.files import ROOT

RECORDER = """#!/bin/sh
# writes down its name, its words and what the suite would be told; ends with the status that the test wants
{ printf '%s' "${0##*/}"; printf ' <%s>' "$@"; echo; } >> "$RECORD/words"
env | grep '^ACCEPTANCE_' | sort > "$RECORD/told-${0##*/}"
case " $* " in
*show_port.py*) echo '{"checkpoint": {"file": "net-0676ba61.pth"}}' ;;
*--list-json*)
    [ -z "${LIST_STATUS:-}" ] || exit "$LIST_STATUS"
    echo '{"include": [{"name": "alexnet", "port": "alexnet", "chip": "Ascend310P3", "options": ""}]}' ;;
" -c "*) exec python3 "$@" ;;
" ci/matrix.py "*) exec python3 "$@" ;;
*"-m perf"*) exit "${PERF_STATUS:-0}" ;;
*verify_bundle*) exit "${VERIFY_STATUS:-0}" ;;
esac
"""
NAMES = ("make", "docker", "npu-smi", "venv/bin/python")
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Done:
    """A command that ended: its status, what it printed, and the words of every program that it started, in order."""

    status: int
    out: str
    err: str
    started: tuple[str, ...]
    told: frozenset[str]


@dataclass(frozen=True)
class Checkout:
    """Where the commands are run; `folder` is what they take for the repository."""

    folder: Path

    @property
    def bin(self) -> Path:
        """What stands first on PATH."""
        return self.folder / "stubs"

    def run(self, *words: str, **variables: str) -> Done:
        """Run a command of ci/ in nothing but these variables; `told` is what the suite's Python was told last."""
        record = self.folder / "record"
        shutil.rmtree(record, ignore_errors=True)
        record.mkdir()
        own = {name: os.environ[name] for name in KEPT if name in os.environ}
        own |= {"PATH": f"{self.bin}:{own['PATH']}", "RECORD": str(record), "VENV": str(self.bin / "venv")}
        done = subprocess.run(
            words, cwd=self.folder, env=own | variables, capture_output=True, text=True, check=False, timeout=60
        )
        lines, told = record / "words", record / "told-python"
        return Done(
            done.returncode,
            done.stdout,
            done.stderr,
            tuple(lines.read_text(encoding="utf-8").splitlines()) if lines.exists() else (),
            frozenset(told.read_text(encoding="utf-8").splitlines()) if told.exists() else frozenset(),
        )


def make_checkout(folder: Path) -> Checkout:
    """Copy ci/ and write the stubs."""
    made = Checkout(folder)
    shutil.copytree(ROOT / "ci", folder / "ci")
    for name in NAMES:
        path = made.bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RECORDER, encoding="utf-8")
        path.chmod(0o755)
    return made
