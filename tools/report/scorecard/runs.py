"""From bundles to runs: all are judged, parts of one run are put together, copies count once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.base.errors import SuiteError
from tools.base.progress import progress
from tools.judge.several import differing
from tools.judge.spec import Spec
from tools.report.scorecard.reading import Part, Place, Reading, read

Judge = Callable[[Sequence[tuple[Path, ...]]], list[Reading]]


@dataclass(frozen=True)
class Runs:
    """The runs of each place, the newest first, and the bundles that the judge refuses."""

    of_place: dict[Place, tuple[Reading, ...]]
    refused: tuple[Reading, ...]

    @property
    def newest(self) -> dict[Place, Reading]:
        """What is known of each place today."""
        return {place: runs[0] for place, runs in self.of_place.items()}

    @property
    def toolkits(self) -> list[str]:
        """The toolkits of runs on a device."""
        return sorted({run.toolkit for runs in self.of_place.values() for run in runs if not run.place.simulated})


def judge_all(folders: Sequence[Path], ports: Mapping[str, Spec], jobs: int) -> Runs:
    """Judge every bundle by itself, and once more together those that are parts of one run; `jobs` processes do it."""

    def judge(groups: Sequence[tuple[Path, ...]]) -> list[Reading]:
        return _judge_groups(groups, ports, jobs)

    alone = _distinct(judge([(folder,) for folder in folders]))
    held = [reading for reading in alone if reading.holds]
    whole = [reading for reading in held if not reading.is_part]
    runs = [*whole, *_put_together([reading for reading in held if reading.is_part], judge)]
    places: dict[Place, list[Reading]] = {}
    for run in sorted(runs, key=lambda run: run.key, reverse=True):
        places.setdefault(run.place, []).append(run)
    refused = tuple(reading for reading in alone if not reading.holds)
    return Runs({place: tuple(places[place]) for place in sorted(places)}, refused)


def _judge_groups(groups: Sequence[tuple[Path, ...]], ports: Mapping[str, Spec], jobs: int) -> list[Reading]:
    work = partial(read, ports=ports)
    if min(jobs, len(groups)) <= 1:
        return list(progress(map(work, groups), what="judging", total=len(groups), unit="run"))
    with ProcessPoolExecutor(min(jobs, len(groups)), initializer=_leave_interrupts_to_the_parent) as pool:
        try:
            return list(progress(pool.map(work, groups), what="judging", total=len(groups), unit="run"))
        except BrokenProcessPool as error:
            raise SuiteError("a judging process was ended from outside", fix="judge with fewer, --jobs 1") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _distinct(readings: Sequence[Reading]) -> list[Reading]:
    """Each bundle once, however many copies of it lie about; what is refused is always shown."""
    seen: set[str] = set()
    kept = []
    for reading in readings:
        digest = "" if reading.part is None else reading.part.record_sha256
        if digest not in seen:
            kept.append(reading)
        seen |= {digest} - {""}
    return kept


def _put_together(parts: Sequence[Reading], judge: Judge) -> list[Reading]:
    """Accuracy and perf jobs as the runs that they are parts of, each judged anew as one."""
    groups = [group for group in _groups(parts) if len(group) > 1]
    judged = judge([tuple(folder for part in group for folder in part.folders) for group in groups]) if groups else []
    together = [reading for reading in judged if reading.holds]
    used = {folder for reading in together for folder in reading.folders}
    return [*together, *(part for part in parts if part.folders[0] not in used)]


def _groups(parts: Sequence[Reading]) -> list[list[Reading]]:
    """The newest part, with older ones of the same run that answer gates which none of the newer answers; then the
    newest of those that are left.

    A job that was repeated makes a newer run of its own, so that the older answer stays to be seen; an accuracy job
    serves every perf job of the same OMs that came after it.
    """
    newest_first = sorted(parts, key=lambda part: part.key, reverse=True)
    taken: set[tuple[Path, ...]] = set()
    groups = []
    for place, leader in enumerate(newest_first):
        if leader.folders in taken:
            continue
        group = [leader]
        for older in newest_first[place + 1 :]:
            if _belongs(older, group):
                group.append(older)
        taken |= {part.folders for part in group}
        groups.append(group)
    return groups


def _belongs(older: Reading, group: Sequence[Reading]) -> bool:
    """Whether it is of the same run as all of a group, as far as it says, and answers what none of them does."""
    parts = [known for known in (reading.part for reading in (*group, older)) if known is not None]
    same_port = {reading.place.port for reading in group} == {older.place.port}
    return same_port and _adds(parts[-1], parts[:-1]) and not differing([known.identity for known in parts])


def _adds(part: Part, others: Sequence[Part]) -> bool:
    return bool(part.decided - frozenset[str]().union(*(other.decided for other in others)))
