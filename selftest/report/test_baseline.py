"""Two runs side by side: what was lost, what is allowed, and when nothing can be said."""

from __future__ import annotations

import dataclasses

import pytest

from selftest.report.bundles import Change, failed
from selftest.report.conftest import Written
from tools.base.errors import Stage
from tools.judge.acceptance import Acceptance, InputDigest
from tools.judge.image_records import DatasetRecord
from tools.judge.machine_records import MachineRecord
from tools.judge.op_profile import OperatorProfile, OperatorTime
from tools.judge.results import Verdict
from tools.judge.spec import Spec
from tools.report.baseline import BaselineError, Comparison, FigureDelta, baseline_lines, compare
from tools.report.html import read_spec

replace = dataclasses.replace


@pytest.fixture(scope="module")
def spec(accepted: Written) -> Spec:
    found = read_spec(accepted.folder, accepted.run)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def run(accepted: Written) -> Acceptance:
    return accepted.run


def with_rights(run: Acceptance, name: str, k: int, right: int) -> Acceptance:
    """The run with another number of right images at Top-k of one variant."""
    variants = []
    for variant in run.variants:
        tops = list(variant.accuracy)
        if variant.name == name:
            tops[k - 1] = replace(tops[k - 1], right=right, percent=100 * right / tops[k - 1].images)
        variants.append(replace(variant, accuracy=tuple(tops)))
    return replace(run, variants=tuple(variants))


def with_rate(run: Acceptance, batch: int, rate: float, busy: tuple[str, ...] = ()) -> Acceptance:
    """The run with another throughput at one batch size."""
    entries = tuple(
        replace(entry, images_per_second_per_chip=rate, busy=busy) if entry.batch == batch else entry
        for entry in run.device_throughput
    )
    return replace(run, device_throughput=entries)


def without_bs32(run: Acceptance) -> Acceptance:
    return replace(run, variants=tuple(variant for variant in run.variants if variant.batch != 32))


def figure(comparison: Comparison, name: str) -> FigureDelta:
    return next(found for found in comparison.figures if found.name == name)


def test_a_run_is_as_good_as_itself(run: Acceptance, spec: Spec) -> None:
    comparison = compare(run, run, spec)
    assert comparison.verdict is Verdict.PASS
    assert (comparison.problems, comparison.lost_gates, comparison.new_gates) == ((), (), ())
    assert not any(gate.changed for gate in comparison.gates)
    assert len(comparison.figures) == 5 * len(run.variants) + len(run.device_throughput)
    assert comparison.same_spec


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize(("lost", "verdict"), [(20, Verdict.PASS), (21, Verdict.FAIL), (-100, Verdict.PASS)])
def test_accuracy_may_lose_the_margin_and_not_one_image_more(
    k: int, lost: int, verdict: Verdict, run: Acceptance, spec: Spec
) -> None:
    """2000 images and a margin of 1 pp: 20 images."""
    before = next(variant for variant in run.variants if variant.name == "om_bs4")
    now = with_rights(run, "om_bs4", k, before.accuracy[k - 1].right - lost)
    comparison = compare(run, now, spec)
    found = figure(comparison, f"om_bs4 Top-{k}")
    assert found.loss == 100 * lost / 2000
    assert (found.verdict, comparison.verdict) == (verdict, verdict)


def test_accuracies_without_a_bound_are_shown_and_not_judged(run: Acceptance, spec: Spec) -> None:
    comparison = compare(run, with_rights(run, "om_bs4", 3, 1), spec)
    found = figure(comparison, "om_bs4 Top-3")
    assert (found.allowed, found.verdict, comparison.verdict) == (None, Verdict.NOT_RUN, Verdict.PASS)
    assert found.loss is not None
    assert found.loss > 1


@pytest.mark.parametrize(("share", "verdict"), [(0.951, Verdict.PASS), (0.949, Verdict.FAIL), (1.2, Verdict.PASS)])
def test_throughput_may_lose_the_floors_margin(share: float, verdict: Verdict, run: Acceptance, spec: Spec) -> None:
    before = run.device_throughput[3].images_per_second_per_chip
    comparison = compare(run, with_rate(run, 16, share * before), spec)
    found = figure(comparison, "bs16 dataset")
    assert found.loss == pytest.approx(100 * (1 - share))
    assert (found.allowed, found.verdict, comparison.verdict) == (5.0, verdict, verdict)


def test_exactly_the_margin_is_allowed(run: Acceptance, spec: Spec) -> None:
    comparison = compare(with_rate(run, 16, 100.0), with_rate(run, 16, 95.0), spec)
    assert comparison.verdict is Verdict.PASS


def test_a_busy_device_leaves_the_question_open(run: Acceptance, spec: Spec) -> None:
    comparison = compare(run, with_rate(run, 16, 1.0, busy=("device 0: another process",)), spec)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "another process" in figure(comparison, "bs16 dataset").detail


def test_a_simulators_throughput_is_not_judged(simulated: Written, spec: Spec) -> None:
    comparison = compare(simulated.run, with_rate(simulated.run, 16, 0.001), spec)
    assert figure(comparison, "bs16 dataset").verdict is Verdict.NOT_RUN
    assert comparison.verdict is Verdict.PASS


def test_a_figure_that_is_gone_keeps_the_word_open(run: Acceptance, spec: Spec) -> None:
    comparison = compare(run, without_bs32(run), spec)
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert [found.name for found in comparison.problems] == ["om_bs32 Top-1", "om_bs32 Top-5"]


def test_a_new_figure_is_no_problem(run: Acceptance, spec: Spec) -> None:
    comparison = compare(without_bs32(run), run, spec)
    assert comparison.verdict is Verdict.PASS
    assert figure(comparison, "om_bs32 Top-1").detail == "new"


def test_nothing_in_common_is_no_pass(run: Acceptance, spec: Spec) -> None:
    bare = replace(run, variants=(), device_throughput=())
    assert compare(bare, bare, spec).verdict is Verdict.INCONCLUSIVE


def test_a_loss_outweighs_what_is_open(run: Acceptance, spec: Spec) -> None:
    now = with_rate(without_bs32(run), 1, 1.0)
    assert compare(run, now, spec).verdict is Verdict.FAIL


def test_lost_new_and_changed_gates(run: Acceptance, rejected: Written, spec: Spec) -> None:
    fewer = replace(run, gates=run.gates[1:])
    assert compare(run, fewer, spec).lost_gates == ("checkpoint.md5",)
    assert compare(fewer, run, spec).new_gates == ("checkpoint.md5",)
    comparison = compare(run, failed("om.compiled[bs4]", "E40021")(replace(run, gates=rejected.run.gates)), spec)
    changed = {gate.id: gate for gate in comparison.gates if gate.changed}
    slow = changed["om.perf.images_per_second_per_chip[bs1]"]
    assert (slow.baseline.verdict, slow.current.verdict) == (Verdict.PASS, Verdict.FAIL)
    rates = [found.device_throughput[0].images_per_second_per_chip for found in (rejected.run, run)]
    assert slow.delta == pytest.approx(rates[0] - rates[1])
    assert changed["om.compiled[bs4]"].delta is None


def test_a_gate_that_did_not_run_is_lost(run: Acceptance, spec: Spec) -> None:
    first, *rest = run.gates
    skipped = replace(first, check=replace(first.check, verdict=Verdict.NOT_RUN))
    assert compare(run, replace(run, gates=[skipped, *rest]), spec).lost_gates == (first.id,)


def other_checkpoint(run: Acceptance) -> Acceptance:
    digests: tuple[InputDigest, ...] = run.digests
    return replace(run, digests=(replace(digests[0], sha256="00" * 32), *digests[1:]))


def other_images(run: Acceptance) -> Acceptance:
    dataset: DatasetRecord | None = run.dataset
    assert dataset is not None
    return replace(run, dataset=replace(dataset, images_sha256="00" * 32))


def other_chip(run: Acceptance) -> Acceptance:
    machine: MachineRecord | None = run.machine
    assert machine is not None
    return replace(run, machine=replace(machine, soc="Ascend310P3"))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (other_checkpoint, "another checkpoint"),
        (other_images, "another data set"),
        (other_chip, "another chip"),
        (lambda run: replace(run, target="simulator"), "another target"),
        (lambda run: replace(run, digests=()), "does not record its checkpoint"),
        (lambda run: replace(run, dataset=None), "does not record its data set"),
        (lambda run: replace(run, target=""), "does not record its target"),
    ],
)
def test_strangers_are_not_compared(change: Change, what: str, run: Acceptance, spec: Spec) -> None:
    with pytest.raises(BaselineError, match=what):
        compare(change(run), run, spec)
    with pytest.raises(BaselineError, match=what):
        compare(run, change(run), spec)


def of_stages(run: Acceptance, *stages: Stage) -> Acceptance:
    """The run as it would be had a marker been given: `-m perf` reads no labels and makes no predictions."""
    perf = stages == (Stage.PERF,)
    gates = tuple(result for result in run.gates if result.stage in stages)
    rates = run.device_throughput if Stage.PERF in stages else ()
    return replace(
        run,
        gates=gates,
        variants=() if perf else run.variants,
        dataset=None if perf else run.dataset,
        device_throughput=rates,
    )


@pytest.mark.parametrize("whole", [True, False])
def test_a_run_of_throughput_alone_is_compared_by_its_throughput(whole: bool, run: Acceptance, spec: Spec) -> None:
    perf = of_stages(run, Stage.PERF)
    baseline = run if whole else perf
    comparison = compare(baseline, perf, spec)
    assert comparison.verdict is Verdict.PASS
    left = [f"  not compared, as this run was not asked for it: {5 * len(run.variants)} figures of the baseline"]
    assert baseline_lines(comparison) == ["BASELINE: PASS (0 of 5 figures)", *(left if whole else [])]
    slower = compare(baseline, with_rate(perf, 16, 1.0), spec)
    assert (slower.verdict, [found.name for found in slower.problems]) == (Verdict.FAIL, ["bs16 dataset"])


def test_a_run_of_accuracy_alone_is_compared_by_its_accuracy(run: Acceptance, spec: Spec) -> None:
    accuracy = of_stages(run, Stage.CHECKPOINT, Stage.ONNX, Stage.PREPROCESSING, Stage.OM, Stage.ACCURACY)
    comparison = compare(run, accuracy, spec)
    assert (comparison.verdict, comparison.problems) == (Verdict.PASS, ())
    assert baseline_lines(comparison)[1].endswith(f": {len(run.device_throughput)} figures of the baseline")
    assert compare(run, without_bs32(accuracy), spec).verdict is Verdict.INCONCLUSIVE


def test_what_one_side_alone_has_is_said_to_be_uncompared(run: Acceptance, spec: Spec) -> None:
    accuracy = of_stages(run, Stage.CHECKPOINT, Stage.ONNX, Stage.PREPROCESSING, Stage.OM, Stage.ACCURACY)
    perf, tops, rates = of_stages(run, Stage.PERF), 5 * len(run.variants), len(run.device_throughput)
    for before, now, old, new in ((accuracy, perf, tops, rates), (perf, accuracy, rates, tops)):
        assert baseline_lines(compare(before, now, spec)) == [
            "BASELINE: INCONCLUSIVE (0 of 0 figures)",
            "  the two runs have no figure in common that the port judges; a simulator's throughput is never judged",
            f"  not compared, as this run was not asked for it: {old} figures of the baseline",
            f"  not compared, as the baseline does not have them: {new} figures of this run",
        ]
    assert baseline_lines(compare(accuracy, run, spec)) == [
        f"BASELINE: PASS (0 of {tops} figures)",
        f"  not compared, as the baseline does not have them: {rates} figures of this run",
    ]


def test_a_run_that_was_cut_short_has_lost_what_it_did_not_come_to(run: Acceptance, spec: Spec) -> None:
    cut = replace(of_stages(run, Stage.PERF), interrupted="Ctrl-C")
    assert compare(run, cut, spec).verdict is Verdict.INCONCLUSIVE


def test_two_simulators_throughputs_are_no_pass_and_a_line_says_why(simulated: Written, spec: Spec) -> None:
    perf = of_stages(simulated.run, Stage.PERF)
    assert baseline_lines(compare(perf, perf, spec)) == [
        "BASELINE: INCONCLUSIVE (0 of 5 figures)",
        "  the two runs have no figure in common that the port judges; a simulator's throughput is never judged",
    ]


def test_another_spec_is_said(run: Acceptance, spec: Spec) -> None:
    assert run.spec is not None
    assert not compare(replace(run, spec=replace(run.spec, json_sha256="00" * 32)), run, spec).same_spec


def test_operators_that_became_slower_are_listed_and_not_judged(run: Acceptance, spec: Spec) -> None:
    def profiled(conv_us: float, matmul_us: float) -> Acceptance:
        kinds = (("Conv2D", conv_us), ("MatMulV2", matmul_us))
        operators = tuple(OperatorTime(kind, kind, "AI_CORE", 5, us, "", (), ()) for kind, us in kinds)
        return replace(run, profiles=(OperatorProfile(16, 0, "op_summary", (), 5, 0, 1, operators, ()),))

    compared = compare(profiled(100, 200), profiled(150, 190), spec)
    assert list(map(str, compared.slower)) == ["bs16 Conv2D: 20 -> 30 us an execution (+50.0 %)"]
    assert compared.verdict is compare(run, run, spec).verdict
    assert "  slower: bs16 Conv2D: 20 -> 30 us an execution (+50.0 %)" in baseline_lines(compared)
    assert compare(run, profiled(1, 1), spec).slower == ()
