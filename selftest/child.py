"""The suite in a process of its own, for what a run inside this one cannot show: workers, switched-off assertions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from selftest.faults.world import Outcome, World
from tools.base.files import ROOT
from tools.evidence.record_file import read_acceptance


def run(world: World, *words: str, **variables: str) -> Outcome:
    """Run the suite in a process of its own, with these variables."""
    evidence = world.folder / "evidence"
    options = ["--sample", f"--port={world.port}", f"--cache={world.cache}", f"--evidence={evidence}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--diagnose=never", *options, *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout + done.stderr, read_acceptance(evidence))


def outside_xdist() -> dict[str, str]:
    """The environment without a worker's marks: inside a worker of xdist pytest-benchmark is silently off."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}


@contextmanager
def listening_to_ctrl_c() -> Iterator[None]:
    """A shell's background job ignores SIGINT, and so would every process that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
