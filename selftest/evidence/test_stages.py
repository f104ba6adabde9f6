"""What each gate asks of the evidence: which fact it looks at, and which bound of the spec it is held against.

Every fact here differs from every other one, so that a gate that looked at its neighbour's would show.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from selftest.evidence.bundles import CLASSES, DIGEST, Made, World
from tools.judge.checks import complete, conserved, made, none_of, same, within
from tools.judge.device import fastest, floor, idle, plausible, slowest_rates, stated
from tools.judge.device_numbers import Seat
from tools.judge.facts import (
    BatchErrors,
    BinFacts,
    CheckerFacts,
    CheckpointFacts,
    LogitErrors,
    OnnxFacts,
    ParityFacts,
    WeightFacts,
)
from tools.judge.gates import judge
from tools.judge.handover import handover
from tools.judge.ids import ONNX, PTH, Variant, om
from tools.judge.published import published_accuracy
from tools.judge.results import Check, Verdict
from tools.judge.throughput import check_reported

WORLD = World(images=40, margin_pp=60.0, tight_pp=50.0, logit_noise=0.4, batches=(1, 4), runs=2)
NAMES = "guide, pth2onnx.py"
WEIGHTS = "4 bit for bit, 5 recomputed in float64, 2 without use"


def odd(on_device: bool = True, **changes: Any) -> Made:  # noqa: ANN401 - of World
    """A run in which every fact is another one."""
    run = Made(dataclasses.replace(WORLD, on_device=on_device, **changes))
    for name, fact in {
        "checkpoint": CheckpointFacts(
            13, 14, ("m",), ("u", "v"), tuple(f"s{n}: [{n}], not [9]" for n in range(1, 5)), ("f",) * 5, "c" * 64
        ),
        "onnx": OnnxFacts(("ai.onnx 11", "x 1"), ("i", "j"), ("o", "p"), ("Conv",) * 7),
        "checker": CheckerFacts("a complaint"),
        "weights": WeightFacts(("w",) * 6, 15, exact=4, recomputed=5, foreign=1, unused=("n",) * 2),
        "logit_errors": LogitErrors(images=32, to_reference=0.25, between_batches=0.125),
        "bins": BinFacts(("a",) * 1, ("b",) * 2, ("c",) * 3, among=9),
        "parity": ParityFacts(("x",) * 8, ("y",) * 4, against="torchvision's transforms"),
        "batch_errors": BatchErrors((1, 4), 40, 0.0625),
    }.items():
        setattr(run, name, lambda fact=fact: fact)
    return run


def steps(step: str) -> Any:  # noqa: ANN401 - a hand-over
    """Another loss at each step: its letters are what was taken."""
    return handover(f"giver of {step}", ("a", "b", "c", "d"), f"taker of {step}", dict.fromkeys(step))


def expected(run: Made) -> dict[str, Check]:
    """The answer of every gate that this run asks, made from its facts by the comparisons of tools/judge/checks.py."""
    spec, facts = run.spec, run.checkpoint()
    weights, bins, recipe = run.weights(), run.bins(), spec.preprocessing.source
    tensors = partial(none_of, among=14, source=spec.model.name)
    return {
        "checkpoint.md5": same(
            str(spec.checkpoint.md5), str(spec.checkpoint.md5), unit="md5", source=spec.checkpoint.source
        ),
        "checkpoint.loads": made("13 tensors"),
        "checkpoint.keys": dataclasses.replace(
            tensors(("m", "u", "v"), unit="tensors odd"),
            measured="1 missing, 2 unexpected of 14",
            detail="1 missing: m; 2 unexpected: u, v",
        ),
        "checkpoint.shapes": dataclasses.replace(
            tensors(("s1", "s2", "s3", "s4"), unit="tensors misshapen"),
            detail="4 of another shape: s1: [1], not [9], s2: [2], not [9], s3: [3], not [9], … 1 more",
        ),
        "checkpoint.finite": tensors(facts.not_finite, unit="tensors not finite"),
        "onnx.export": made("7 nodes"),
        "onnx.checker": same("a complaint", "accepted", unit="answer", source="onnx.checker with full shape inference"),
        "onnx.opset": same("ai.onnx 11, x 1", "ai.onnx 11", unit="opset", source=spec.onnx.opset.source),
        "onnx.input": same("i; j", str(spec.input()), unit="input", source=NAMES),
        "onnx.output": same("o; p", str(spec.output()), unit="output", source=NAMES),
        "onnx.weights": none_of(weights.offenders, among=15, unit="tensors", source=WEIGHTS),
        "onnx.logits_abs_error": within(0.25, spec.onnx.logits_abs_error),
        "onnx.batch_invariance_abs_error": within(0.125, spec.onnx.batch_invariance_abs_error),
        "preprocessing.labels": made("40 labels"),
        "preprocessing.bin_size": none_of(bins.wrong_size, among=9, unit="bins of other size", source=recipe),
        "preprocessing.finite": none_of(bins.not_finite, among=9, unit="bins not finite", source=recipe),
        "preprocessing.value_range": none_of(bins.out_of_range, among=9, unit="bins out of range", source=recipe),
        "preprocessing.torchvision_parity": none_of(("y",) * 4, among=8, unit="bins differing", source=recipe),
        "om.toolkit": made(f"{run.target}, ais_bench"),
        "om.device": made("Ascend310, device 0 (NPU 1 chip 0)"),
        "om.compiled[bs4]": made("om_bs4"),
        "om.batch_invariance_abs_error": within(0.0625, spec.om.batch_bound(on_device=run.on_device)),
    }


@pytest.mark.parametrize("on_device", [True, False])
def test_each_gate_looks_at_its_own_fact(on_device: bool) -> None:
    run = odd(on_device)
    answers = expected(run)
    assert {name: judge(name, run) for name in answers} == answers


def test_each_hand_over_is_its_own_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    run = odd()
    monkeypatch.setattr(run, "handover", steps)
    for gate, step in {"ids": "labels", "images": "images", "bins": "bins", "info": "info"}.items():
        assert judge(f"preprocessing.{gate}", run) == conserved(steps(step))
    assert judge("pth.accuracy.ids", run) == conserved(steps("pth"))
    assert judge("onnx.accuracy.ids", run) == conserved(steps("onnx"))
    assert judge("om.accuracy.ids[bs4]", run) == conserved(steps("om_bs4"))
    assert judge("om.ran[bs4]", run) == made("6 outputs")


def test_whole_hand_overs_are_counted() -> None:
    run = odd()
    assert judge("preprocessing.images", run) == made("40 images")
    assert judge("om.ran[bs4]", run) == made("40 outputs")
    for name in ("pth.accuracy.ids", "onnx.accuracy.ids", "om.accuracy.ids[bs1]"):
        assert judge(name, run).measured == "40 ids"


def test_where_predictions_are_not_there_their_ids_are_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    run = odd()

    def missing(variant: Variant) -> Any:  # noqa: ANN401 - none
        raise LookupError(variant)

    monkeypatch.setattr(run, "top_five", missing)
    with pytest.raises(LookupError):
        judge("onnx.accuracy.ids", run)
    monkeypatch.setattr(run, "handover", steps)
    assert judge("onnx.accuracy.ids", run).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("on_device", "missing", "verdict"),
    [(True, 0, Verdict.PASS), (False, 0, Verdict.PASS), (True, 2, Verdict.FAIL), (False, 2, Verdict.NOT_RUN)],
)
def test_fewer_images_fail_on_a_device_and_are_owed_on_a_simulator(
    on_device: bool, missing: int, verdict: Verdict
) -> None:
    run = odd(on_device, missing_images=missing)
    answer = complete("2 missing" if missing else "", run.spec.dataset.images, required=on_device)
    assert judge("preprocessing.dataset_complete", run) == answer
    assert answer.verdict is verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, Verdict.PASS),
        ({"images_sha256": "0" * 64}, Verdict.FAIL),
        ({"embedded_sample": False}, Verdict.PASS),
        ({"embedded_sample": False, "images_sha256": "0" * 64}, Verdict.FAIL),
        ({"foreign_ids": 1}, Verdict.NOT_RUN),
        ({"limit": 30, "images": 30}, Verdict.NOT_RUN),
    ],
)
def test_the_samples_images_are_pinned_where_they_are_the_samples(
    change: dict[str, Any], verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = odd(kind="sample")
    data = dataclasses.replace(run.dataset(), **change)
    monkeypatch.setattr(run, "dataset", lambda: data)
    check = judge("preprocessing.images_sha256", run)
    assert (check.verdict, check.unit) == (verdict, "sha256")
    if verdict is Verdict.PASS:
        assert check == same(DIGEST, DIGEST, unit="sha256", source=run.spec.dataset.source)


def test_the_samples_tensors_are_pinned() -> None:
    run = odd(kind="sample")
    asked = run.spec.checkpoint
    expected_ = same("c" * 64, str(asked.content_sha256), unit="sha256", source=asked.source)
    assert judge("checkpoint.content_sha256", run) == expected_


# --- Offline models ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 4])
def test_an_om_is_described_as_asked_for_its_batch(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run = odd()
    fine = none_of((), among=1, unit="mismatches", source="atc --mode=1, and the file's own bytes")
    assert judge(f"om.described[bs{batch}]", run) == fine
    other = run.described(8)
    monkeypatch.setattr(run, "described", lambda _: other)
    check = judge(f"om.described[bs{batch}]", run)
    assert check.verdict is Verdict.FAIL
    assert f"asked for was actual_input_1 DT_FLOAT [{batch}, 3, 224, 224]" in check.detail


def test_an_om_of_another_chip_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = odd()
    (board,) = run.machine().boards
    other = dataclasses.replace(board, device=3, seat=Seat(3, 0, 3, None))
    machine = dataclasses.replace(run.machine(), soc="Ascend310P3", devices=(0, 3), boards=(board, other))
    monkeypatch.setattr(run, "machine", lambda: machine)
    assert "asked for Ascend310P3, the OM is Ascend310" in judge("om.described[bs1]", run).detail
    assert judge("om.device", run) == made("Ascend310P3, device 0 (NPU 1 chip 0), device 3")


def test_only_the_name_of_an_om_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    run = odd()
    digest = dataclasses.replace(run.digest("om_bs4"), path="<cache>/a/b.om")
    monkeypatch.setattr(run, "digest", lambda name: digest if name == "om_bs4" else None)
    assert judge("om.compiled[bs4]", run) == made("b.om")


# --- Accuracy ------------------------------------------------------------------------------------------------------

VARIANTS = {"pth": PTH, "onnx": ONNX, "om_bs4": om(4)}


@pytest.mark.parametrize("variant", VARIANTS.values())
def test_every_row_of_a_variant_is_finite(variant: Variant) -> None:
    assert judge(variant.gate("finite"), odd()) == made("40 rows")


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("variant", [ONNX, om(4)])
def test_a_drop_is_the_variants_own_at_its_k(variant: Variant, k: int) -> None:
    run = odd()
    assert judge(variant.gate(f"top{k}_drop_pp"), run) == run.loss(variant, k).check


@pytest.mark.parametrize("missing", [0, 2])
@pytest.mark.parametrize("k", [1, 5])
def test_a_published_accuracy_is_held_against_the_same_k(k: int, missing: int) -> None:
    run = odd(missing_images=missing)
    asked, device, gap = run.spec.accuracy, run.device_class(), run.gap()
    assert device is not None
    whose = {PTH: "the checkpoint's", om(4): f"the OM's on {device.soc}"}
    at = {
        PTH: {1: (asked.pth_top1, asked.pth_top1_error_pp), 5: (asked.pth_top5, asked.pth_top5_error_pp)},
        om(4): {1: (device.om_top1, device.om_top1_error_pp), 5: (device.om_top5, device.om_top5_error_pp)},
    }
    for variant, bounds in at.items():
        published, error = bounds[k]
        counted = published_accuracy(
            run.top_five(variant).top_k(k), published, error, whose=whose[variant], incomplete=gap
        )
        assert judge(variant.gate(f"top{k}_error_pp"), run) == counted


Ask = Callable[[Any, Any], Check]
AGREEMENT: dict[str, Ask] = {
    "min_cosine": lambda found, asked: within(found.min_cosine, asked.min_cosine),
    "mean_cosine_distance": lambda found, asked: within(found.mean_cosine_distance, asked.mean_cosine_distance),
    "max_abs_error": lambda found, asked: within(found.max_abs_error_logits, asked.max_abs_error),
    "flips_beyond_near_tie": lambda found, asked: within(
        float(len(found.flipped_beyond_near_tie)), asked.flips_beyond_near_tie
    ),
    "top5_set_changed_percent": lambda found, asked: within(
        found.top5_set_changed_percent, asked.top5_set_changed_percent
    ),
    "slope_error": lambda found, asked: within(found.systematic.slope_error.certain(found.images), asked.slope_error),
    "mean_error": lambda found, asked: within(found.systematic.mean_error.certain(found.images), asked.mean_error),
    "column_error": lambda found, asked: within(
        found.systematic.column_error.certain(found.images, CLASSES), asked.column_error
    ),
    "image_slope_error": lambda found, asked: within(found.systematic.image_slope_error, asked.image_slope_error),
}


@pytest.mark.parametrize("on_device", [True, False])
@pytest.mark.parametrize("question", AGREEMENT)
def test_logits_are_held_against_the_bounds_of_where_they_were_computed(question: str, on_device: bool) -> None:
    run = odd(on_device)
    asked = run.spec.agreement
    for variant, bounds in {ONNX: asked.onnx, om(4): asked.om(on_device=on_device)}.items():
        check, ours = judge(variant.gate(question), run), AGREEMENT[question](run.agreement(variant), bounds)
        assert dataclasses.replace(check, detail="") == ours, variant


# --- Throughput ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("busy", [(), ("device 0: AI core at 87 %",)])
@pytest.mark.parametrize("tolerated", [True, False])
def test_throughput_is_the_batches_own(busy: tuple[str, ...], tolerated: bool) -> None:
    run = odd(busy=busy, tolerate_busy=tolerated, reported_over_samples=1.5)
    for batch in (1, 4):
        found, at = run.device_throughput(batch), f"[bs{batch}]"
        device = run.device_class()
        assert judge(f"om.perf.device_idle{at}", run) == idle(busy, tolerated=tolerated)
        reported = check_reported(stated(found.runs), run.spec.om.reported_rate_error_percent)
        assert judge(f"om.perf.reading{at}", run) == reported
        counted = floor(slowest_rates(found.runs), device, batch, busy=busy)
        assert judge(f"om.perf.images_per_second_per_chip{at}", run) == counted
        flops = run.spec.model.flops_per_image
        assert judge(f"om.perf.plausible{at}", run) == plausible(fastest(found.runs), device, flops, batch)
        ratio = within(run.host_throughput(batch).ratio, run.spec.host_perf.onnx_to_torch)
        assert judge(f"host.perf.onnx_to_torch{at}", run) == ratio


def test_a_batch_without_a_figure_has_no_floor_and_the_chips_own_ceiling() -> None:
    run = odd()
    run.readings[64] = [[dataclasses.replace(run.readings[4][0][0], batch=64)]]
    assert judge("om.perf.images_per_second_per_chip[bs64]", run).verdict is Verdict.NOT_JUDGED
    found, device = run.device_throughput(64), run.device_class()
    assert device is not None
    ceiling = device.ceiling(64, run.spec.model.flops_per_image)
    assert ceiling is not None
    assert judge("om.perf.plausible[bs64]", run) == within(fastest(found.runs), ceiling)
