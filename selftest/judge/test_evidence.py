"""What follows from a run's answers, whoever gives them: a variant's losses, the chip, a variant's record."""

from __future__ import annotations

from array import array
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tools.judge.accuracy import Loss, doubted, judge_loss
from tools.judge.evidence import OWNER, Evidence, variant_record
from tools.judge.ids import ONNX, PTH, Variant, om
from tools.judge.image_records import DatasetRecord
from tools.judge.numbers import AtMost
from tools.judge.prediction_records import VariantRecord
from tools.judge.predictions import TopFive, pair, top_five
from tools.judge.reference import doubt
from tools.judge.results import Verdict
from tools.ports.spec import PUBLISHED_SPEC, load_spec

IMAGES = 80
SPEC = load_spec(PUBLISHED_SPEC)
BOUNDS = {
    name: AtMost(at_most=at_most, unit="pp", source=name)
    for name, at_most in (("top1_drop_pp", 40.0), ("top5_drop_pp", 30.0), ("tight_drop_pp", 2.0))
}
ACCURACY = replace(
    SPEC.accuracy,
    pth_top1=None,
    pth_top5=None,
    top1_drop_pp=BOUNDS["top1_drop_pp"],
    top5_drop_pp=BOUNDS["top5_drop_pp"],
    tight_drop_pp=BOUNDS["tight_drop_pp"],
)
ASKED = replace(SPEC, kind="sample", accuracy=ACCURACY)
DATA = DatasetRecord(IMAGES, False, None, "i" * 64, "c" * 64, "l" * 64, 0, (), "")


def predicted(variant: Variant, right: int, within_five: int) -> TopFive:
    """Predictions of label 0: first in `right` images, among the five best in `within_five`."""
    rows = [
        [0, 1, 2, 3, 4] if image < right else [1, 2, 3, 4, 0] if image < within_five else [1, 2, 3, 4, 5]
        for image in range(IMAGES)
    ]
    scores = array("f", [5, 4, 3, 2, 1] * IMAGES)
    return top_five(variant, array("q", [name for row in rows for name in row]), scores, array("q", [0] * IMAGES))


TOP = {PTH: predicted(PTH, 60, 75), ONNX: predicted(ONNX, 50, 70), om(4): predicted(om(4), 59, 75)}


def run(strict: bool = False, spec: Any = ASKED, **answers: Any) -> Evidence:  # noqa: ANN401 - any answer
    """A run that gives these answers and dies at every other question."""
    known = {"top_five": lambda _, variant: TOP[variant], "dataset": lambda _: DATA, **answers}
    questions: dict[str, Any] = {name: known.get(name) for name in Evidence.__abstractmethods__}
    kind: Any = type("Answers", (Evidence,), questions)
    made: Evidence = kind(spec, on_device=True, strict=strict, tolerate_busy=False)
    return made


def judged(variant: Variant, k: int, margin: str, *, strict: bool) -> Loss:
    """The loss by the spec's bounds."""
    table = pair(TOP[PTH], TOP[variant], k)
    return judge_loss(table, k=k, margin=BOUNDS[margin], tight=BOUNDS["tight_drop_pp"], strict=strict)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("variant", [ONNX, om(4)])
def test_a_loss_is_the_variants_own_by_the_bounds_of_its_k(variant: Variant, strict: bool) -> None:
    evidence = run(strict)
    assert evidence.loss(variant, 1) == judged(variant, 1, "top1_drop_pp", strict=strict)
    assert evidence.loss(variant, 5) == judged(variant, 5, "top5_drop_pp", strict=strict)
    assert evidence.loss(variant, 1) is evidence.loss(variant, 1)


def test_beside_a_reference_that_is_none_nothing_is_proven() -> None:
    guessed = {**TOP, PTH: predicted(PTH, 0, 0), ONNX: predicted(ONNX, 0, 0)}
    found = run(top_five=lambda _, variant: guessed[variant]).loss(ONNX, 1)
    why = doubt(guessed[PTH], DATA, ASKED)
    assert why
    table = pair(guessed[PTH], guessed[ONNX], 1)
    plain = judge_loss(table, k=1, margin=BOUNDS["top1_drop_pp"], tight=BOUNDS["tight_drop_pp"], strict=False)
    assert found == doubted(plain, why)
    assert (found.check.verdict, why in found.check.detail) == (Verdict.INCONCLUSIVE, True)


def test_the_embedded_sample_says_nothing_of_other_weights() -> None:
    guessed = {**TOP, PTH: predicted(PTH, 0, 0), ONNX: predicted(ONNX, 0, 0)}
    spec, data = replace(ASKED, kind="published"), replace(DATA, embedded_sample=True)
    found = run(spec=spec, top_five=lambda _, variant: guessed[variant], dataset=lambda _: data).loss(ONNX, 1)
    assert doubt(guessed[PTH], data, spec) == ""
    assert "no reference" not in found.check.detail


def test_a_run_keeps_what_it_was_asked_for() -> None:
    evidence = run(strict=True)
    assert (evidence.spec, evidence.on_device, evidence.strict, evidence.tolerate_busy) == (ASKED, True, True, False)


@pytest.mark.parametrize("soc", ["Ascend310", "Ascend310P3", "Ascend999"])
def test_the_chip_is_the_machines(soc: str) -> None:
    assert run(machine=lambda _: SimpleNamespace(soc=soc)).device_class() == SPEC.device(soc)


def test_what_a_variant_predicted_goes_into_the_record() -> None:
    agreements: dict[Variant, Any] = {ONNX: "of the ONNX file", om(4): "of the OM"}
    evidence = run(agreement=lambda _, variant: agreements[variant])
    accuracy = TOP[PTH].accuracy
    assert variant_record(evidence, PTH, "p") == VariantRecord(PTH, None, "p", accuracy, (), None)
    for variant, batch in ((ONNX, None), (om(4), 4)):
        losses = (evidence.loss(variant, 1), evidence.loss(variant, 5))
        record = VariantRecord(variant, batch, "m", TOP[variant].accuracy, losses, agreements[variant])
        assert variant_record(evidence, variant, "m") == record


def test_the_checkpoint_predicts_under_another_name() -> None:
    assert OWNER == {"pth": "checkpoint"}
