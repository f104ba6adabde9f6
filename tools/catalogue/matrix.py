"""The ports as the matrix of a CI system, a job for each port and chip: GitHub takes it as `strategy.matrix`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from tools.base.errors import SuiteError
from tools.catalogue.asked import Asked
from tools.catalogue.entry import Entry
from tools.ports.spec import load_spec

MOST_JOBS = 256
"""What GitHub takes for one matrix (docs.github.com, "Running variations of jobs in a workflow")."""


@dataclass(frozen=True)
class Job:
    """A port on a chip: `port` as this command and pytest's --port take it, `chip` empty where no figure names one."""

    name: str
    port: str
    chip: str
    options: str


@dataclass(frozen=True)
class Matrix:
    """What stands below `matrix:`."""

    include: tuple[Job, ...]


def matrix(entries: Sequence[Entry], words: Sequence[str], asked: Asked) -> Matrix:
    """A job for every chip that something was published for, and one without a chip for any other port.

    A port that does not load has a job, which says why: left out, nobody would miss it.
    """
    jobs = []
    for entry, word in zip(entries, words, strict=True):
        for chip in _chips(entry, asked):
            options = [*asked.words, *((f"--soc={chip}",) if chip and chip != asked.options["soc"] else ())]
            jobs.append(Job(entry.name, word, chip, shlex.join(options)))
    return Matrix(tuple(jobs))


def _chips(entry: Entry, asked: Asked) -> list[str]:
    if asked.options["soc"]:
        return [asked.options["soc"]]
    try:
        devices = load_spec(entry.file).devices
    except (SuiteError, OSError):
        return [""]
    return [device.soc for device in devices if device.throughput or device.om_top1] or [""]
