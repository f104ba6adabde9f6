"""Is this run as good as an earlier one? Two bundles of the same model, data and machine, figure by figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tools.ascend.target import TargetKind
from tools.base.errors import SuiteError
from tools.judge.acceptance import Acceptance, InputDigest
from tools.judge.prediction_records import VariantRecord
from tools.judge.results import Check, GateResult, Verdict
from tools.judge.spec import Spec
from tools.judge.throughput_records import DeviceThroughput
from tools.report.operators import KindDelta, slower_kinds

T = TypeVar("T")
SLOWER_SHOWN = 10
NOT_ASKED = "as this run was not asked for it"
NOTHING_JUDGED = "the two runs have no figure in common that the port judges; a simulator's throughput is never judged"
OM_PERF = "om.perf."
"""With what the gates of a device's throughput begin."""
JUDGED_AT = {1: "top1_drop_pp", 5: "top5_drop_pp"}


class BaselineError(SuiteError):
    """Two bundles that say nothing about each other."""


@dataclass(frozen=True)
class FigureDelta:
    """One figure of the baseline beside the same one now; None where one side has none.

    `loss` is in `loss_unit` (pp of accuracy, percent of throughput), positive for the worse, `allowed` the spec's
    bound on it. `verdict` is NOT RUN for a figure that the spec sets no bound on, or that the run was not `asked` for
    (`-m perf` makes no predictions); `detail` says why it is not PASS.
    """

    name: str
    unit: str
    baseline: float | None
    current: float | None
    loss: float | None
    loss_unit: str
    allowed: float | None
    verdict: Verdict
    detail: str
    asked: bool = True


@dataclass(frozen=True)
class GateDelta:
    """One gate in both runs; `delta` is current minus baseline where both measured a number."""

    id: str
    baseline: Check
    current: Check
    delta: float | None

    @property
    def changed(self) -> bool:
        """Whether measured value or verdict are others now."""
        before, now = self.baseline, self.current
        return before.measured != now.measured or before.verdict is not now.verdict


@dataclass(frozen=True)
class Comparison:
    """Everything that two runs have in common, what the later one lost, and the word over both.

    `verdict` is FAIL for any loss beyond its bound, else INCONCLUSIVE where a judged figure of the baseline has no
    counterpart or nothing could be compared, else PASS. `lost_gates` were decided in the baseline and are not now.
    `slower` are the operators that take longer now, which is not judged.
    """

    baseline_finished_utc: str
    same_spec: bool
    figures: tuple[FigureDelta, ...]
    gates: tuple[GateDelta, ...]
    lost_gates: tuple[str, ...]
    new_gates: tuple[str, ...]
    verdict: Verdict
    slower: tuple[KindDelta, ...] = ()

    @property
    def problems(self) -> tuple[FigureDelta, ...]:
        """The figures that keep the verdict from PASS."""
        return tuple(figure for figure in self.figures if figure.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE))


def baseline_lines(comparison: Comparison) -> list[str]:
    """The word over both runs, each figure that lost too much, and what was not compared, as lines for a terminal."""
    asked = [figure for figure in comparison.figures if figure.asked and figure.baseline is not None]
    count = f"{len(comparison.problems)} of {len(asked)} figures"
    problems = [
        f"  {figure.name}: {figure.detail} {figure.loss_unit if figure.loss is not None else ''}".rstrip()
        for figure in comparison.problems
    ]
    unjudged = [] if any(figure.verdict is not Verdict.NOT_RUN for figure in asked) else [f"  {NOTHING_JUDGED}"]
    left = sum(not figure.asked for figure in comparison.figures)
    left_out = [f"  not compared, {NOT_ASKED}: {left} figures of the baseline"] if left else []
    new = sum(figure.baseline is None for figure in comparison.figures)
    left_out += [f"  not compared, as the baseline does not have them: {new} figures of this run"] if new else []
    slower = [f"  slower: {delta}" for delta in comparison.slower[:SLOWER_SHOWN]]
    return [f"BASELINE: {comparison.verdict} ({count})", *problems, *unjudged, *left_out, *slower]


def compare(baseline: Acceptance, current: Acceptance, spec: Spec) -> Comparison:
    """Compare two runs by the bounds of `spec`, that of the current one.

    Top-1 and Top-5 of every variant may lose what `accuracy.top1_drop_pp` and `top5_drop_pp` allow (the images are the
    same, so this is a difference of counts), a device's throughput `floor_margin_percent` of its machine class.
    BaselineError when checkpoint, data set, target or chip differ, or are not recorded; a data set need not be where
    only one of them, or none, has predictions. What the current run was not asked for is not compared.
    """
    _refuse_other_runs(baseline, current)
    figures = (*_accuracy(baseline, current, spec), *_throughput(baseline, current, spec))
    before, now = _decided(baseline.gates), _decided(current.gates)
    return Comparison(
        baseline_finished_utc=baseline.finished_utc,
        same_spec=_spec_digest(baseline) == _spec_digest(current),
        figures=figures,
        gates=tuple(_gate_delta(name, before[name], now[name]) for name in now if name in before),
        lost_gates=tuple(name for name in before if name not in now),
        new_gates=tuple(name for name in now if name not in before),
        verdict=_verdict([figure.verdict for figure in figures]),
        slower=slower_kinds(baseline, current),
    )


def _refuse_other_runs(baseline: Acceptance, current: Acceptance) -> None:
    _refuse_other("checkpoint", _checkpoint(baseline), _checkpoint(current))
    before, now = _dataset(baseline), _dataset(current)
    if (baseline.variants and current.variants) or (before is not None and now is not None):
        _refuse_other("data set", before, now)
    _refuse_other("target", baseline.target or None, current.target or None)
    if baseline.machine is not None and current.machine is not None:
        _refuse_other("chip", baseline.machine.soc, current.machine.soc)


def _refuse_other(what: str, before: str | None, now: str | None) -> None:
    if before is None or now is None:
        side = "the baseline" if before is None else "this run"
        raise BaselineError(f"{side} does not record its {what}, so the two runs cannot be compared")
    if before != now:
        raise BaselineError(
            f"the baseline was made with another {what}, so the two runs cannot be compared",
            measured=now,
            allowed=before,
            fix=f"name a baseline of the same {what}",
        )


def _checkpoint(run: Acceptance) -> str | None:
    digests: Iterable[InputDigest] = (digest for digest in run.digests if digest.name == "checkpoint")
    return next((digest.sha256 for digest in digests), None)


def _dataset(run: Acceptance) -> str | None:
    data = run.dataset
    return None if data is None else f"{data.images} images, ids {data.ids_sha256}, content {data.images_sha256}"


def _spec_digest(run: Acceptance) -> str | None:
    return run.spec.json_sha256 if run.spec else None


def _accuracy(baseline: Acceptance, current: Acceptance, spec: Spec) -> list[FigureDelta]:
    def name(variant: VariantRecord) -> str:
        return variant.name

    pairs = _joined(baseline.variants, current.variants, name)
    asked = {result.id.variant for result in current.gates}

    def delta(before: VariantRecord | None, now: VariantRecord | None, index: int) -> FigureDelta:
        found = _top_k_delta(before, now, index, spec)
        return found if now or current.interrupted or (before and before.name in asked) else _not_asked(found)

    return [delta(before, now, index) for before, now in pairs for index in range(5)]


def _top_k_delta(before: VariantRecord | None, now: VariantRecord | None, index: int, spec: Spec) -> FigureDelta:
    was, top = (variant.accuracy[index] if variant else None for variant in (before, now))
    known = before or now
    assert known is not None
    k = index + 1
    loss = 100 * (was.right - top.right) / was.images if was and top else None
    allowed = getattr(spec.accuracy, JUDGED_AT[k]).at_most if k in JUDGED_AT else None
    verdict, detail = _judged(loss, allowed, lost=was is not None and top is None)
    return FigureDelta(
        name=f"{known.name} Top-{k}",
        unit="percent",
        baseline=was.percent if was else None,
        current=top.percent if top else None,
        loss=loss,
        loss_unit="pp",
        allowed=allowed,
        verdict=verdict,
        detail=detail,
    )


def _throughput(baseline: Acceptance, current: Acceptance, spec: Spec) -> list[FigureDelta]:
    def key(entry: DeviceThroughput) -> tuple[int, str]:
        return entry.batch, entry.mode

    pairs = _joined(baseline.device_throughput, current.device_throughput, key)
    on_device = current.target == TargetKind.ASCEND
    asked = {result.id.batch for result in current.gates if result.id.startswith(OM_PERF)}

    def delta(before: DeviceThroughput | None, now: DeviceThroughput | None) -> FigureDelta:
        found = _rate_delta(before, now, spec if on_device else None)
        return found if now or current.interrupted or (before and before.batch in asked) else _not_asked(found)

    return [delta(before, now) for before, now in pairs]


def _not_asked(figure: FigureDelta) -> FigureDelta:
    """A figure of the baseline that the run was not asked for, so that it lost nothing."""
    return replace(figure, allowed=None, verdict=Verdict.NOT_RUN, detail=f"not compared, {NOT_ASKED}", asked=False)


def _rate_delta(before: DeviceThroughput | None, now: DeviceThroughput | None, spec: Spec | None) -> FigureDelta:
    """`spec` None: the figures are a simulator's, of which nothing is said."""
    known = before or now
    assert known is not None
    was, rate = (entry.images_per_second_per_chip if entry else None for entry in (before, now))
    loss = 100 * (was - rate) / was if was is not None and rate is not None else None
    device = spec.device(known.soc) if spec else None
    allowed = device.floor_margin_percent.value if device else None
    busy = [*(before.busy if before else ()), *(now.busy if now else ())]
    verdict, detail = _judged(loss, allowed, lost=was is not None and rate is None)
    if busy and allowed is not None:
        verdict, detail = Verdict.INCONCLUSIVE, f"the device was busy: {'; '.join(busy)}"
    return FigureDelta(
        name=f"bs{known.batch} {known.mode}",
        unit="images/s per chip",
        baseline=was,
        current=rate,
        loss=loss,
        loss_unit="percent",
        allowed=allowed,
        verdict=verdict,
        detail=detail,
    )


def _judged(loss: float | None, allowed: float | None, *, lost: bool) -> tuple[Verdict, str]:
    if allowed is None:
        return Verdict.NOT_RUN, "the port sets no bound on this figure"
    if loss is None:
        return (Verdict.INCONCLUSIVE, "measured in the baseline, not now") if lost else (Verdict.NOT_RUN, "new")
    return (Verdict.PASS, "") if loss <= allowed else (Verdict.FAIL, f"lost {loss:.4g}, allowed {allowed:.4g}")


def _verdict(verdicts: Sequence[Verdict]) -> Verdict:
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.PASS if Verdict.PASS in verdicts and Verdict.INCONCLUSIVE not in verdicts else Verdict.INCONCLUSIVE


def _decided(gates: Sequence[GateResult]) -> dict[str, Check]:
    return {result.id: result.check for result in gates if result.check.verdict is not Verdict.NOT_RUN}


def _gate_delta(name: str, before: Check, now: Check) -> GateDelta:
    was, measured = before.measured, now.measured
    delta = measured - was if isinstance(measured, float) and isinstance(was, float) else None
    return GateDelta(id=name, baseline=before, current=now, delta=delta)


def _joined(before: Sequence[T], now: Sequence[T], key: Callable[[T], object]) -> list[tuple[T | None, T | None]]:
    """Pairs of the same key in the order of the baseline, then what is new."""
    old, new = {key(entry): entry for entry in before}, {key(entry): entry for entry in now}
    return [(old.get(name), new.get(name)) for name in (*old, *(name for name in new if name not in old))]
