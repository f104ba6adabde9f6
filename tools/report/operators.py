"""In which operators the chip spends its time, in words: for the terminal, a floor that is missed, and a baseline."""

from __future__ import annotations

from dataclasses import dataclass

from tools.ascend.target import TargetKind
from tools.judge.acceptance import Acceptance
from tools.judge.op_profile import OperatorProfile, hot_words, operator_lines
from tools.judge.throughput_records import DeviceThroughput

INVENTED = "durations are the simulator's, which invents them"


@dataclass(frozen=True)
class KindDelta:
    """The time of one operator type at one batch size in two runs, in microseconds an execution."""

    batch: int
    kind: str
    baseline_us: float
    current_us: float

    def __str__(self) -> str:
        more = 100 * (self.current_us / self.baseline_us - 1) if self.baseline_us > 0 else None
        change = "new" if more is None else f"{more:+.1f} %"
        return f"bs{self.batch} {self.kind}: {self.baseline_us:.4g} -> {self.current_us:.4g} us an execution ({change})"


def floor_lines(record: DeviceThroughput, profile: OperatorProfile | None) -> list[str]:
    """By how much the chip misses its floor, and on what it spends its time."""
    floor = record.floor_images_per_second_per_chip
    if floor is None:
        return []
    short = 100 * (1 - record.images_per_second_per_chip / floor)
    first = f"The chip misses its floor by {short:.3g} %"
    if profile is None:
        return [first]
    return [f"{first}: {hot_words(profile)}", *(f"  {line}" for line in operator_lines(profile))]


def shown_profiles(run: Acceptance) -> tuple[OperatorProfile, ...]:
    """Of all profiles those that matter: of the quickest batch size, and of each that misses its floor."""
    quickest = max(run.device_throughput, key=lambda entry: entry.images_per_second_per_chip, default=None)
    missed = {entry.batch for entry in run.device_throughput if _misses(entry)}
    wanted = missed | ({quickest.batch} if quickest else set())
    return tuple(profile for profile in run.profiles if profile.batch in wanted)


def _misses(entry: DeviceThroughput) -> bool:
    floor = entry.floor_images_per_second_per_chip
    return floor is not None and entry.images_per_second_per_chip < floor


def operator_words(run: Acceptance) -> list[str]:
    """A line for each profile that matters."""
    aside = f" ({INVENTED})" if run.target == TargetKind.SIMULATOR else ""
    return [f"operators bs{profile.batch}: {hot_words(profile)}{aside}" for profile in shown_profiles(run)]


def slower_kinds(baseline: Acceptance, current: Acceptance) -> tuple[KindDelta, ...]:
    """The operator types that take longer now, those that lost most first; of batch sizes profiled in both runs."""
    before = {profile.batch: profile for profile in baseline.profiles}
    found = [
        delta
        for now in current.profiles
        if now.batch in before
        for delta in _deltas(before[now.batch], now)
        if delta.current_us > delta.baseline_us
    ]
    return tuple(sorted(found, key=lambda delta: delta.baseline_us - delta.current_us))


def _deltas(before: OperatorProfile, now: OperatorProfile) -> list[KindDelta]:
    if before.executions is None or now.executions is None:
        return []
    was, is_now = before.kinds, now.kinds
    return [
        KindDelta(now.batch, kind, was.get(kind, 0.0) / before.executions, microseconds / now.executions)
        for kind, microseconds in is_now.items()
    ]
