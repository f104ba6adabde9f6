"""Is the device as quick as its floor? Recomputed rates, the noise of runs, three verdicts, physical ceilings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean, median_low, stdev

from tools.base.errors import SuiteError
from tools.judge.checks import within
from tools.judge.numbers import AtLeast, AtMost
from tools.judge.paired import CONFIDENCE, Interval
from tools.judge.results import Check, Verdict

BISECTIONS = 64
SPREAD_FALSE_ALARM = 0.001
MOST_RUNS = 99


@dataclass(frozen=True)
class Throughput:
    """k runs of one batch size on one chip, judged against a floor; rates in images per second per chip.

    `noise_interval` follows from the stored noise figure, `order_interval` from the runs alone (its `confidence` is
    the one achieved, below 0.95 for fewer than 6 runs); `runs_needed` is None unless the verdict is INCONCLUSIVE and
    more runs would settle it at the median seen.
    """

    runs: tuple[float, ...]
    median: float
    spread_percent: float | None
    noise_cv_percent: float
    noise_interval: Interval
    order_interval: Interval
    runs_needed: int | None
    check: Check


@dataclass(frozen=True)
class Rates:
    """How often each verdict falls, as probabilities that add up to 1."""

    passed: float
    failed: float
    inconclusive: float


@dataclass(frozen=True)
class Stated:
    """What a tool printed as its rate, in images per second, and the raw samples it rests on, in seconds per image."""

    images_per_second: float
    seconds_per_image: tuple[float, ...]


def images_per_second(seconds_per_image: Sequence[float]) -> float:
    """The aggregate rate of equal executions: all images over all time, which is the harmonic mean of their rates.

    SuiteError for no samples, or a sample that is not a positive finite number.
    """
    _refuse_bad(seconds_per_image, "seconds per image")
    return len(seconds_per_image) / math.fsum(seconds_per_image)


def check_reported(stated: Sequence[Stated], bound: AtMost) -> Check:
    """Each of the tool's own figures against ours from its raw samples: the largest difference, in percent of ours.

    A tool that keeps no samples states one aggregate (tools/judge/texts/reading.py), which agrees with itself.
    SuiteError for no figure at all, or bad samples.
    """
    _refuse_bad([own.images_per_second for own in stated], "images per second stated by the tool")
    errors = [_reported_error_percent(own) for own in stated]
    worst = stated[errors.index(max(errors))]
    ours, samples = images_per_second(worst.seconds_per_image), len(worst.seconds_per_image)
    detail = (
        f"the tool says {worst.images_per_second:.6g} images/s, its samples ({samples}) give {ours:.6g}: "
        f"ratio {worst.images_per_second / ours:.4g}"
    )
    return within(max(errors), bound, detail=detail)


def _reported_error_percent(stated: Stated) -> float:
    ours = images_per_second(stated.seconds_per_image)
    return 100 * abs(stated.images_per_second - ours) / ours


def order_interval(runs: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Interval of the median from order statistics (binomial, no distribution assumed), with its achieved confidence.

    The narrowest symmetric pair of order statistics that reaches `confidence`, else the widest there is.
    Source: W. R. Thompson, Annals of Mathematical Statistics 7 (1936) 122-128.
    """
    ordered = sorted(runs)
    count = len(ordered)
    ranks = range((count + 1) // 2, 0, -1)
    reached = {rank: 1 - 2 * _at_least(count - rank + 1, count, 0.5) for rank in ranks}
    rank = next((rank for rank in ranks if reached[rank] >= confidence), 1)
    return Interval(low=ordered[rank - 1], high=ordered[count - rank], confidence=max(0.0, reached[rank]))


def judge_throughput(runs: Sequence[float], *, floor: AtLeast, noise_cv_percent: float) -> Throughput:
    """Verdict of k runs (images per second per chip) against a floor.

    Rule: a run is taken as true rate x (1 + noise), noise normal with the stored coefficient of variation. The 95 %
    interval of the true rate follows from the exact distribution of the (lower) median of k runs. PASS when all of it
    reaches the floor, FAIL when all of it lies below, else INCONCLUSIVE. A chip exactly at the floor is failed, and is
    passed, with 2.5 % each. Runs that scatter more than the stored noise allows (chi-square, 0.1 % false alarm) are
    INCONCLUSIVE, since the rule does not hold for them. SuiteError for no runs, bad rates or a bad noise figure.
    """
    _refuse_bad(runs, "images per second of a run")
    _refuse_bad_noise(noise_cv_percent)
    noise = noise_interval(median_low(runs), len(runs), noise_cv_percent / 100)
    verdict = _verdict(noise, floor.at_least)
    scattered = too_scattered(runs, noise_cv_percent)
    needed = _runs_needed(runs, floor.at_least, noise_cv_percent) if verdict is Verdict.INCONCLUSIVE else None
    return Throughput(
        runs=tuple(runs),
        median=median_low(runs),
        spread_percent=_spread_percent(runs),
        noise_cv_percent=noise_cv_percent,
        noise_interval=noise,
        order_interval=order_interval(runs),
        runs_needed=None if scattered else needed,
        check=Check(
            measured=median_low(runs),
            threshold=f">= {floor.at_least:.10g}",
            unit=floor.unit,
            verdict=Verdict.INCONCLUSIVE if scattered else verdict,
            headroom=median_low(runs) - floor.at_least,
            detail=scattered or _detail(verdict, noise, len(runs), noise_cv_percent, needed),
            source=floor.source,
        ),
    )


def verdict_rates(*, true_over_floor: float, noise_cv_percent: float, runs: int) -> Rates:
    """How often a chip whose true rate is `true_over_floor` x the floor gets each verdict (scatter check left out)."""
    _refuse_bad_noise(noise_cv_percent)
    noise = noise_cv_percent / 100
    if noise == 0:
        passes = float(true_over_floor >= 1)
        return Rates(passed=passes, failed=1 - passes, inconclusive=0.0)
    unit = noise_interval(1.0, runs, noise)
    passed = 1 - _median_below((1 / unit.low / true_over_floor - 1) / noise, runs)
    failed = _median_below((1 / unit.high / true_over_floor - 1) / noise, runs)
    return Rates(passed=passed, failed=failed, inconclusive=max(0.0, 1 - passed - failed))


def _refuse_bad(values: Sequence[float], what: str) -> None:
    bad = [value for value in values if not (math.isfinite(value) and value > 0)]
    if bad or not values:
        measured = f"{bad[0]} among {len(values)} values" if bad else "no value"
        raise SuiteError(f"bad {what}", measured=measured, allowed="at least one, each positive and finite")


def _refuse_bad_noise(noise_cv_percent: float) -> None:
    # At 25 % a run three and a half sigma low would be negative: the normal model means nothing any more.
    if not 0 <= noise_cv_percent <= 25:
        raise SuiteError("bad noise figure", measured=f"{noise_cv_percent} %", allowed="0 to 25 %")


def _at_least(successes: int, trials: int, probability: float) -> float:
    """P(Binomial(trials, probability) >= successes)."""
    return math.fsum(
        math.comb(trials, count) * probability**count * (1 - probability) ** (trials - count)
        for count in range(successes, trials + 1)
    )


def _median_below(z: float, runs: int) -> float:
    """P(lower median of `runs` standard normal numbers <= z)."""
    return _at_least((runs + 1) // 2, runs, NormalDist().cdf(z))


@lru_cache(maxsize=None)
def _median_quantile(probability: float, runs: int) -> float:
    low, high = -10.0, 10.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _median_below(middle, runs) < probability else (low, middle)
    return (low + high) / 2


def noise_interval(median: float, runs: int, noise: float) -> Interval:
    """95 % interval of the true rate behind the (lower) median of so many runs; `noise` is a share, 0.01 for 1 %."""
    tail = (1 - CONFIDENCE) / 2
    return Interval(
        low=median / (1 + noise * _median_quantile(1 - tail, runs)),
        high=median / (1 + noise * _median_quantile(tail, runs)),
        confidence=CONFIDENCE,
    )


def _verdict(interval: Interval, floor: float) -> Verdict:
    if interval.low >= floor:
        return Verdict.PASS
    return Verdict.FAIL if interval.high < floor else Verdict.INCONCLUSIVE


def _runs_needed(runs: Sequence[float], floor: float, noise_cv_percent: float) -> int | None:
    """The smallest odd number of runs whose interval around the median seen would be on one side of the floor."""
    for count in range(len(runs) + 1 + len(runs) % 2, MOST_RUNS + 1, 2):
        if _verdict(noise_interval(median_low(runs), count, noise_cv_percent / 100), floor) is not Verdict.INCONCLUSIVE:
            return count
    return None


def _spread_percent(runs: Sequence[float]) -> float | None:
    return 100 * stdev(runs) / fmean(runs) if len(runs) > 1 else None


def too_scattered(runs: Sequence[float], noise_cv_percent: float) -> str:
    """Why nothing follows from these runs by the stored noise, empty where they scatter no more than it allows."""
    spread = _spread_percent(runs)
    if spread is None or spread <= noise_cv_percent:
        return ""
    freedom = len(runs) - 1
    # Beyond a hundredfold scatter the chance is 0 in any case; the cap keeps a noise near 0 from overflowing.
    times = min(spread / noise_cv_percent, 100.0) if noise_cv_percent > 0 else 100.0
    if _chi_square_tail(freedom * times * times, freedom) >= SPREAD_FALSE_ALARM:
        return ""
    return (
        f"the runs scatter by {spread:.3g} % while the stored noise is {noise_cv_percent:.3g} %: "
        "rerun on an idle device, or measure its noise anew"
    )


def _chi_square_tail(value: float, freedom: int) -> float:
    """P(chi-square with `freedom` degrees > value), by the finite sums for even and odd degrees."""
    half = value / 2
    if freedom % 2:
        total, term, steps = math.erfc(math.sqrt(half)), 2 * math.sqrt(half / math.pi) * math.exp(-half), freedom // 2
        start = 1.5
    else:
        total, term, steps, start = 0.0, math.exp(-half), freedom // 2, 1.0
    for step in range(steps):
        total += term
        term *= half / (start + step)
    return total


def _detail(verdict: Verdict, interval: Interval, runs: int, noise_cv_percent: float, needed: int | None) -> str:
    if verdict is Verdict.PASS:
        return ""
    seen = (
        f"true rate {interval.low:.6g} to {interval.high:.6g} images/s with 95 % confidence "
        f"({runs} runs, noise {noise_cv_percent:.3g} %)"
    )
    if verdict is Verdict.FAIL:
        return seen
    advice = f"{needed} runs would settle it at this median" if needed else f"not even {MOST_RUNS} runs would settle it"
    return f"{seen}: rerun on an idle device, {advice}"
