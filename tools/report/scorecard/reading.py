"""What the judge makes of the bundles of one run, as plain data that one process can hand to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tools.base.cli import EXIT_BAD_INPUT
from tools.base.errors import SuiteError
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import Bundle, open_files
from tools.judge.files import EARLIER, Refused, read_json, read_whole
from tools.judge.layout import FILE, SPEC_JSON
from tools.judge.results import RunVerdict, Verdict, Word
from tools.judge.several import identity
from tools.judge.spec import Spec
from tools.judge.verify import Source, verify
from tools.report.scorecard.figures import Figures, figures_of

NO_CHIP, NO_PORT = "", ""
LONGEST_CLAIM = 80
MOST_PROBLEMS = 10


@dataclass(frozen=True, order=True)
class Place:
    """Where a run belongs: port and chip, and apart from them what ran on the simulator or on sample data.

    A run on the simulator takes the place of none on a device, nor one of the sample that of the real data, nor one of
    another `network` under the same name: its source (`torchvision:resnet50`), empty where nobody vouches for it.
    """

    port: str
    chip: str
    simulated: bool
    sample: bool
    network: str = ""

    def __str__(self) -> str:
        return f"{self.port or 'a port that it does not name'} on {self.chip or 'no chip'}{self._kinds}"

    @property
    def chip_words(self) -> str:
        """The chip with what makes a run no statement about it, `Ascend310 (simulator)`."""
        return f"{self.chip}{self._kinds}".strip()

    @property
    def _kinds(self) -> str:
        kinds = [name for name, so in (("simulator", self.simulated), ("sample", self.sample)) if so]
        return f" ({', '.join(kinds)})" if kinds else ""


@dataclass(frozen=True)
class Part:
    """What tells whether a bundle is a part of the same run as another: `decided` are the gates that it answers."""

    identity: dict[str, str | None]
    decided: frozenset[str]
    record_sha256: str


@dataclass(frozen=True)
class Reading:
    """A run as the judge re-derives it; `verdict` and `figures` are None where the evidence does not hold.

    Then `place` is what the bundle claims, `problems` says why it is not believed, and nothing else of it counts.
    """

    folders: tuple[Path, ...]
    place: Place
    verdict: RunVerdict | None
    own_port: bool
    problems: tuple[str, ...]
    figures: Figures | None
    part: Part | None
    finished_utc: str
    toolkit: str
    interrupted: bool

    @property
    def holds(self) -> bool:
        """Whether the judge found nothing that contradicts the verdict."""
        return self.verdict is not None

    @property
    def is_part(self) -> bool:
        """Whether gates are missing because it was asked for some of them only, so that another bundle may add them."""
        return self.verdict is not None and bool(self.verdict.missing) and not self.interrupted

    @property
    def accepted(self) -> bool:
        """Whether the last word is the strongest one."""
        return self.verdict is not None and self.verdict.word is Word.ACCEPTED

    @property
    def without_successor(self) -> bool:
        """Whether a later run moved it aside and left nothing in its place: it crashed, or is not over."""
        moved = [(folder, folder.name.partition(EARLIER)) for folder in self.folders]
        return any(at and not (folder.with_name(name) / FILE).is_file() for folder, (name, at, _) in moved)

    @property
    def rejected(self) -> bool:
        """Whether a gate failed."""
        return self.verdict is not None and self.verdict.word is Word.REJECTED

    @property
    def finished(self) -> datetime:
        """When a run that holds ended."""
        return _time(self.finished_utc)

    @property
    def key(self) -> tuple[datetime, bool, tuple[Path, ...]]:
        """What sorts runs that hold by time, the oldest first; of one moment what is not accepted counts as newer."""
        return self.finished, not self.accepted, self.folders


def read(folders: tuple[Path, ...], ports: Mapping[str, Spec]) -> Reading:
    """Judge the bundles in these folders as one run, exactly as tools/verify_bundle.py does.

    A port that `ports` names is judged by that, any other by the port that its bundle carries.
    """
    claimed = _claimed(folders[0], ports)
    other = ports.get(claimed.port)
    sources: list[Source] = [(str(folder), partial(open_files, folder)) for folder in folders]
    outcome = verify(sources, other, "the port that was asked for" if other else "")
    if outcome.verdict is None or outcome.status == EXIT_BAD_INPUT:
        return _refused(folders, claimed, outcome.lines[:-1])
    records = [bundle.record for bundle in outcome.bundles]
    newest = max(records, key=lambda record: _time(record.finished_utc))
    return Reading(
        folders=folders,
        place=_place(outcome.bundles, other or outcome.bundles[0].spec, outcome.verdict),
        verdict=outcome.verdict,
        own_port=outcome.own_port,
        problems=(),
        figures=figures_of(outcome.bundles, other or outcome.bundles[0].spec, outcome.verdict),
        part=_part(outcome.bundles[0]) if len(outcome.bundles) == 1 else None,
        finished_utc=newest.finished_utc,
        toolkit=_toolkit(records),
        interrupted=any(bool(record.interrupted) for record in records),
    )


def _time(text: str) -> datetime:
    """A time that the judge has read; one that states no distance from UTC is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _refused(folders: tuple[Path, ...], claimed: Place, problems: Sequence[str]) -> Reading:
    more = [f"… {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
    return Reading(folders, claimed, None, False, (*problems[:MOST_PROBLEMS], *more), None, None, "", "", False)


def _place(bundles: Sequence[Bundle], spec: Spec, verdict: RunVerdict) -> Place:
    chips = [bundle.record.machine.soc for bundle in bundles if bundle.record.machine is not None]
    on_device = all(bundle.on_device for bundle in bundles)
    chip = chips[0] if chips else NO_CHIP
    return Place(bundles[0].spec.port, chip, not on_device, verdict.sample, spec.model.source)


def _part(bundle: Bundle) -> Part:
    decided = (result.id for result in bundle.record.gates if result.check.verdict is not Verdict.NOT_RUN)
    return Part(identity(bundle), frozenset(decided), bundle.files.digests[FILE])


def _toolkit(records: Sequence[Acceptance]) -> str:
    """The release of CANN that the machine has, or `simulator`; empty where no bundle says it."""
    if any(record.target == "simulator" for record in records):
        return "simulator"
    machines = (record.machine for record in records if record.machine is not None)
    return next((machine.toolchain["cann"] for machine in machines if "cann" in machine.toolchain), "")


def _claimed(folder: Path, ports: Mapping[str, Spec]) -> Place:
    """What a bundle says it is of, whether or not that is so; a port of no name where it does not say, or says two.

    A name that nobody asked for is cut to a length that can be shown.
    """
    try:
        record, spec = (read_json(read_whole(folder / name), name) for name in (FILE, SPEC_JSON))
    except (OSError, Refused, SuiteError, RecursionError):
        return Place(NO_PORT, NO_CHIP, False, False)
    simulated = _text(record, "target") == "simulator"
    port = _text(record, "spec", "port")
    port = port if port == _text(spec, "port") else NO_PORT
    known = port if port in ports else port[:LONGEST_CLAIM]
    return Place(known, _text(record, "machine", "soc")[:LONGEST_CLAIM], simulated, False)


def _text(document: Any, *path: str) -> str:  # noqa: ANN401 - any JSON
    """A text inside a document that nobody vouches for, empty where there is none."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, str) else ""
