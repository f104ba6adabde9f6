"""Whether a port is judged already: told by the bundle that lies there, and by nothing that could be half-written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tools.base.errors import SuiteError
from tools.base.files import atomic, sha256_of
from tools.base.reading import small_file
from tools.catalogue.asked import Asked
from tools.catalogue.basis import changes
from tools.catalogue.entry import Entry
from tools.evidence.record_file import read_acceptance
from tools.judge import records
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import open_files
from tools.judge.documents import spec_digest
from tools.judge.layout import FILE, MANIFEST
from tools.judge.verify import REFUSED, Outcome, verify
from tools.pipeline.setup import Setup
from tools.ports.spec_json import spec_json

MOST_BYTES = 2**20
NEVER = "it was never judged"


@dataclass(frozen=True)
class Finished:
    """A run that came to its end: the bundle that it left, what it was asked beside what that bundle tells, its exit
    code, and how long it took."""

    manifest_sha256: str
    asked: dict[str, str]
    exit_code: int
    seconds: float


@dataclass(frozen=True)
class Evidence:
    """A bundle that holds: its record, and what the offline judge says of it."""

    record: Acceptance
    outcome: Outcome


def write_finished(entry: Entry, asked: Mapping[str, str], exit_code: int, seconds: float) -> None:
    """Remember that the bundle which lies there now was whole, and how it was asked for."""
    found = Finished(sha256_of(entry.evidence / MANIFEST), dict(asked), exit_code, seconds)
    with atomic(entry.finished) as part:
        part.write_text(json.dumps(records.plain(found)), encoding="utf-8")


def read_finished(entry: Entry) -> Finished | None:
    """The run whose bundle lies there, None where there is none, or it is another's."""
    try:
        document: Any = json.loads(small_file(entry.finished, MOST_BYTES))
        found: Finished = records.read(Finished, document)
        return found if found.manifest_sha256 == sha256_of(entry.evidence / MANIFEST) else None
    except (OSError, ValueError, records.RecordError):
        return None


def read_evidence(entry: Entry, setup: Setup) -> Evidence:
    """The bundle of a port; SuiteError with the judge's first complaint where it does not hold, and for one that was
    judged by anything but the port that was read."""
    outcome = verify([(entry.name, partial(open_files, entry.evidence))], None)
    if outcome.status == REFUSED:
        raise SuiteError(f"its evidence does not hold: {outcome.lines[0]}")
    record = read_acceptance(entry.evidence)
    if record.spec is None or record.spec.json_sha256 != spec_digest(spec_json(setup.spec)):
        raise SuiteError("its evidence is of another port than was read, as when that is edited meanwhile")
    return Evidence(record, replace(outcome, own_port=False))  # it was named on the command line


def kept_or_why(entry: Entry, setup: Setup, asked: Asked) -> tuple[Finished, Evidence] | str:
    """The run that answers for the port already, whole and of all that is there now; else why there is none.

    What takes longest, to judge the whole bundle again, comes last.
    """
    if not (entry.evidence / FILE).is_file():
        return "an earlier run left no evidence" if entry.log.exists() else NEVER
    finished = read_finished(entry)
    if finished is None:
        return "its evidence is of no run of this command that came to its end"
    try:
        record = read_acceptance(entry.evidence)
        if record.interrupted:
            return f"its run was cut short: {record.interrupted}"
        if found := _unlike(finished.asked, asked.kept) or changes(setup, record):
            return f"changed: {', '.join(found)}"
        return finished, read_evidence(entry, setup)
    except (SuiteError, ValueError, records.RecordError) as error:
        return str(error)


def _unlike(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    return [f"{name} ({then.get(name) or 'none'}, now {now.get(name) or 'none'})" for name in names]
