"""Interleaved rounds: every way of doing a step is timed in turn, so that only ratios inside a round matter."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Step = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """One call: seconds on the clock, and seconds of CPU time of this process and of children that it waited for."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Spread:
    """A figure over the rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"

    def percent(self) -> str:
        """The figure, a share, in percent."""
        return f"{100 * self.median:.0f} % ({100 * self.low:.0f} to {100 * self.high:.0f})"


@dataclass(frozen=True)
class Rounds:
    """Timings by name, one a round; the same index is the same round."""

    timings: Mapping[str, Sequence[Timing]]

    def wall(self, name: str) -> list[float]:
        """Seconds on the clock, by round."""
        return [timing.wall for timing in self.timings[name]]

    def cpu(self, name: str) -> list[float]:
        """CPU seconds, by round."""
        return [timing.cpu for timing in self.timings[name]]

    def quicker(self, name: str, one: str, other: str) -> Rounds:
        """These rounds with one more name: in each round the quicker of two ways, so that no ratio is flattered."""
        pairs = zip(self.timings[one], self.timings[other], strict=True)
        return Rounds({**self.timings, name: [min(pair, key=lambda timing: timing.wall) for pair in pairs]})

    def ratio(self, slower: str, quicker: str) -> Spread:
        """How many times as quick `quicker` is: the ratio inside each round."""
        return spread(old / new for old, new in zip(self.wall(slower), self.wall(quicker), strict=True))


def spread(values: Iterable[float]) -> Spread:
    """Median, lowest and highest."""
    found = list(values)
    return Spread(statistics.median(found), min(found), max(found))


def in_turn(steps: Mapping[str, Step], rounds: int) -> Rounds:
    """Run all steps in turn, `rounds` times, after one turn that is not counted."""
    for step in steps.values():
        step()
    timings: dict[str, list[Timing]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            timings[name].append(timed(step))
    return Rounds(timings)


def timed(step: Step) -> Timing:
    """Time one call."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    step()
    return Timing(time.perf_counter() - wall, _cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
