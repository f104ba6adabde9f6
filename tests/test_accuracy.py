"""Stage accuracy: Top-1 and Top-5 of the checkpoint and of what was made from it, on the same images."""

from __future__ import annotations

import pytest

from fixtures.gates import JudgeGate
from tools.conservation import handover
from tools.dataset import LabelledImages
from tools.engines.predictions import Predictions
from tools.judge.accuracy import compare
from tools.judge.checks import conserved, made
from tools.judge.published import published_accuracy
from tools.scoring import Scored
from tools.spec import Spec

pytestmark = pytest.mark.accuracy


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
def test_onnx_keeps_top1(pth_scored: Scored, onnx_scored: Scored, spec: Spec, gate: JudgeGate) -> None:
    asked = spec.accuracy
    loss = compare(
        pth_scored.places, onnx_scored.places, k=1, margin=asked.top1_drop_pp, tight=asked.tight_drop_pp, strict=False
    )
    judged = gate(loss.check)
    assert judged.passed, judged.message


@pytest.mark.gate("onnx.accuracy.top5_drop_pp")
def test_onnx_keeps_top5(pth_scored: Scored, onnx_scored: Scored, spec: Spec, gate: JudgeGate) -> None:
    asked = spec.accuracy
    loss = compare(
        pth_scored.places, onnx_scored.places, k=5, margin=asked.top5_drop_pp, tight=asked.tight_drop_pp, strict=False
    )
    judged = gate(loss.check)
    assert judged.passed, judged.message
