"""Stage accuracy: Top-1 and Top-5 of the checkpoint and of what was made from it, on the same images."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from _pytest.mark.structures import ParameterSet

from fixtures.accuracy import Compared
from fixtures.gates import JudgeGate
from tools.data.dataset import LabelledImages
from tools.engines.predictions import Predictions
from tools.engines.scoring import Scored
from tools.judge import agreement
from tools.judge.agreement import Agreement
from tools.judge.checks import conserved, made
from tools.judge.handover import handover
from tools.judge.published import published_accuracy
from tools.judge.results import Check
from tools.judge.spec import AtLeast, AtMost, Device, LogitAgreement, Spec

pytestmark = pytest.mark.accuracy

CheckAgreement = Callable[[Agreement, AtMost | AtLeast], Check]
AGREEMENT = (
    (agreement.check_min_cosine, "min_cosine"),
    (agreement.check_mean_cosine_distance, "mean_cosine_distance"),
    (agreement.check_max_abs_error, "max_abs_error"),
    (agreement.check_flips_beyond_near_tie, "flips_beyond_near_tie"),
    (agreement.check_top5_set_changed, "top5_set_changed_percent"),
)


def agreement_gates(variant: str) -> list[ParameterSet]:
    """One gate for each thing that Top-1 hides; the bound of the spec has the gate's name."""
    return [
        pytest.param(check, name, id=name, marks=pytest.mark.gate(f"{variant}.accuracy.{name}"))
        for check, name in AGREEMENT
    ]


@pytest.mark.gate("pth.accuracy.ids")
def test_pth_predicts_every_label(dataset: LabelledImages, pth_predictions: Predictions, gate: JudgeGate) -> None:
    judged = gate(conserved(handover("labels", dataset.labels, "pth predictions", pth_predictions.ids)))
    assert judged.passed, judged.message


@pytest.mark.gate("pth.accuracy.finite")
def test_pth_logits_are_finite(pth_predictions: Predictions, gate: JudgeGate) -> None:
    judged = gate(made(f"{len(pth_predictions.ids)} rows"))
    assert judged.passed, judged.message


@pytest.mark.gate("pth.accuracy.top1_error_pp")
def test_pth_reaches_its_published_top1(pth_scored: Scored, dataset_gap: str, spec: Spec, gate: JudgeGate) -> None:
    asked = spec.accuracy
    judged = gate(
        published_accuracy(pth_scored.accuracy[0], asked.pth_top1, asked.pth_top1_error_pp, incomplete=dataset_gap)
    )
    assert judged.passed, judged.message


@pytest.mark.gate("pth.accuracy.top5_error_pp")
def test_pth_reaches_its_published_top5(pth_scored: Scored, dataset_gap: str, spec: Spec, gate: JudgeGate) -> None:
    asked = spec.accuracy
    judged = gate(
        published_accuracy(pth_scored.accuracy[4], asked.pth_top5, asked.pth_top5_error_pp, incomplete=dataset_gap)
    )
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.accuracy.ids")
def test_onnx_predicts_every_label(dataset: LabelledImages, onnx_predictions: Predictions, gate: JudgeGate) -> None:
    judged = gate(conserved(handover("labels", dataset.labels, "onnx predictions", onnx_predictions.ids)))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.accuracy.finite")
def test_onnx_logits_are_finite(onnx_predictions: Predictions, gate: JudgeGate) -> None:
    judged = gate(made(f"{len(onnx_predictions.ids)} rows"))
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.accuracy.top1_drop_pp")
def test_onnx_keeps_top1(onnx_compared: Compared, gate: JudgeGate) -> None:
    judged = gate(onnx_compared.top1_loss.check)
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.accuracy.top5_drop_pp")
def test_onnx_keeps_top5(onnx_compared: Compared, gate: JudgeGate) -> None:
    judged = gate(onnx_compared.top5_loss.check)
    assert judged.passed, judged.message


@pytest.mark.parametrize(("check", "bound"), agreement_gates("onnx"))
def test_onnx_logits_agree_with_pth(
    check: CheckAgreement, bound: str, onnx_compared: Compared, spec: Spec, gate: JudgeGate
) -> None:
    judged = gate(check(onnx_compared.agreement, getattr(spec.agreement.onnx, bound)))
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.accuracy.ids")
def test_om_predicts_every_label(
    dataset: LabelledImages, om_predictions: Callable[[int], Predictions], batch: int, gate: JudgeGate
) -> None:
    judged = gate(conserved(handover("labels", dataset.labels, "om predictions", om_predictions(batch).ids)))
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.accuracy.finite")
def test_om_logits_are_finite(om_predictions: Callable[[int], Predictions], batch: int, gate: JudgeGate) -> None:
    judged = gate(made(f"{len(om_predictions(batch).ids)} rows"))
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.accuracy.top1_drop_pp")
def test_om_keeps_top1(om_compared: Callable[[int], Compared], batch: int, gate: JudgeGate) -> None:
    judged = gate(om_compared(batch).top1_loss.check)
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.accuracy.top5_drop_pp")
def test_om_keeps_top5(om_compared: Callable[[int], Compared], batch: int, gate: JudgeGate) -> None:
    judged = gate(om_compared(batch).top5_loss.check)
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.parametrize(("check", "bound"), agreement_gates("om"))
def test_om_logits_agree_with_pth(
    check: CheckAgreement,
    bound: str,
    om_compared: Callable[[int], Compared],
    om_bounds: LogitAgreement,
    batch: int,
    gate: JudgeGate,
) -> None:
    judged = gate(check(om_compared(batch).agreement, getattr(om_bounds, bound)))
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.accuracy.top1_error_pp")
def test_om_reaches_the_published_top1(
    om_compared: Callable[[int], Compared], batch: int, device: Device, dataset_gap: str, gate: JudgeGate
) -> None:
    top1 = om_compared(batch).scored.accuracy[0]
    judged = gate(published_accuracy(top1, device.om_top1, device.om_top1_error_pp, incomplete=dataset_gap))
    assert judged.passed, judged.message


@pytest.mark.npu
@pytest.mark.gate("om.accuracy.top5_error_pp")
def test_om_reaches_the_published_top5(
    om_compared: Callable[[int], Compared], batch: int, device: Device, dataset_gap: str, gate: JudgeGate
) -> None:
    top5 = om_compared(batch).scored.accuracy[4]
    judged = gate(published_accuracy(top5, device.om_top5, device.om_top5_error_pp, incomplete=dataset_gap))
    assert judged.passed, judged.message
