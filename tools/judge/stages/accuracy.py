"""Gates of Top-1 to Top-5 and of the logits, for every variant on the same images."""

from __future__ import annotations

from functools import partial
from typing import Callable

from tools.base.errors import Stage
from tools.judge import agreement, ids
from tools.judge.chance import above_chance
from tools.judge.checks import conserved, made, not_judged, not_run
from tools.judge.evidence import Evidence
from tools.judge.gate import Basis, Gate, Inventory, Judge, Where
from tools.judge.ids import ONNX, PTH, GateId, Variant
from tools.judge.published import published_accuracy
from tools.judge.reference import of_reference, shortfall
from tools.judge.remarks import OWN_PREDICTIONS
from tools.judge.results import Check

GATES = Inventory()


def _predicted(variant: Variant, evidence: Evidence) -> Check:
    handed = conserved(evidence.handover(variant))
    if handed.passed:
        evidence.top_five(variant)
    return handed


def _finite(variant: Variant, evidence: Evidence) -> Check:
    return made(f"{evidence.top_five(variant).images} rows")


def _above_chance(variant: Variant, evidence: Evidence) -> Check:
    if evidence.dataset().embedded_sample and evidence.spec.kind != "sample":
        return not_run("the embedded sample's labels mean nothing to other weights", threshold="-", unit="percent")
    if evidence.spec.kind == "sample" and evidence.dataset().labels_by_reference:
        return not_judged(OWN_PREDICTIONS, unit="percent")
    return above_chance(evidence.top_five(variant), evidence.spec.classes)


def _drop(k: int, variant: Variant, evidence: Evidence) -> Check:
    return evidence.loss(variant, k).check


def _reference_published(k: int, variant: Variant, evidence: Evidence) -> Check:
    published, error = of_reference(evidence.spec.accuracy, k)
    top = evidence.top_five(variant)
    return published_accuracy(
        top.top_k(k),
        published,
        error,
        whose="the checkpoint's",
        incomplete=evidence.gap(),
        refuted=shortfall(top, evidence.dataset(), evidence.spec, k),
    )


def _om_published(k: int, variant: Variant, evidence: Evidence) -> Check:
    asked = evidence.device_class()
    if asked is None:
        return not_judged(f"nothing is known about {evidence.machine().soc}", unit="pp")
    published, error = (asked.om_top1, asked.om_top1_error_pp) if k == 1 else (asked.om_top5, asked.om_top5_error_pp)
    measured, whose = evidence.top_five(variant).top_k(k), f"the OM's on {asked.soc}"
    return published_accuracy(measured, published, error, whose=whose, incomplete=evidence.gap())


def _agrees(question: str, variant: Variant, evidence: Evidence) -> Check:
    asked = evidence.spec.agreement_bounds(variant.kind, on_device=evidence.on_device)
    return agreement.CHECKS[question](evidence.agreement(variant), getattr(asked, question))


OfVariant = Callable[[Variant, Evidence], Check]


def _of(kind: str, judge: OfVariant) -> Judge:
    """The judge of a gate about one variant's predictions: of the OM, the one of the batch size."""
    return lambda evidence, batch: judge(ids.om(batch) if kind == "om" else Variant(kind), evidence)


def _accuracy(kind: str, *gates: tuple[str, str, OfVariant], basis: Basis, where: Where = Where.ALWAYS) -> list[Gate]:
    return [
        Gate(
            id=GateId(f"{kind}.accuracy.{name}"),
            stage=Stage.ACCURACY,
            question=question,
            judge=_of(kind, judge),
            basis=basis,
            per_batch=kind == "om",
            where=where,
        )
        for name, question, judge in gates
    ]


def _compared(kind: str, what: str) -> list[Gate]:
    """A variant held against the checkpoint: what Top-1 shows, and what it hides, asked of every image's logits."""
    again = (
        ("min_cosine", f"Do {what}'s logits point where the checkpoint's do, for the worst image?"),
        ("mean_cosine_distance", f"Do {what}'s logits point there on average, to rounding?"),
        ("max_abs_error", f"Is no logit of {what} further off than its arithmetic explains?"),
    )
    systematic = (
        ("slope_error", f"Are {what}'s logits of the checkpoint's size, not all a little larger or smaller?"),
        ("mean_error", f"Are {what}'s logits as often too high as too low?"),
        ("column_error", f"Does {what} favour no class over all images?"),
        ("image_slope_error", f"Is no image's output of {what} scaled?"),
    )
    from_top_five = (
        ("flips_beyond_near_tie", f"Does {what}'s top class change at near ties only?"),
        ("top5_set_changed_percent", f"Do {what}'s five best classes stay, but for a few images?"),
    )
    same = Where.SAME_PIXELS if kind == "om" else Where.ALWAYS
    return [
        *_accuracy(
            kind,
            ("top1_drop_pp", f"Does {what} keep the checkpoint's Top-1 on the same images?", partial(_drop, 1)),
            ("top5_drop_pp", f"Does {what} keep the checkpoint's Top-5 on the same images?", partial(_drop, 5)),
            basis=Basis.RECOMPUTED,
        ),
        *_agreement(kind, again, Basis.JUDGED_AGAIN, same),
        *_agreement(kind, from_top_five, Basis.RECOMPUTED, same),
        *_agreement(kind, systematic, Basis.JUDGED_AGAIN, same),
    ]


def _agreement(kind: str, questions: tuple[tuple[str, str], ...], basis: Basis, where: Where) -> list[Gate]:
    """Gates that hold a variant's logits, or what follows from them, against the checkpoint's."""
    judges = ((name, text, partial(_agrees, name)) for name, text in questions)
    return _accuracy(kind, *judges, basis=basis, where=where)


GATES += [
    *_accuracy(
        PTH,
        ("ids", "Has the checkpoint given one prediction for every label?", _predicted),
        ("finite", "Are the checkpoint's logits finite for every image?", _finite),
        ("above_chance", "Does the checkpoint classify these images at all, beyond guessing?", _above_chance),
        (
            "top1_error_pp",
            "Does the checkpoint reach its published Top-1 on the full data set?",
            partial(_reference_published, 1),
        ),
        (
            "top5_error_pp",
            "Does the checkpoint reach its published Top-5 on the full data set?",
            partial(_reference_published, 5),
        ),
        basis=Basis.RECOMPUTED,
    ),
    *_accuracy(
        ONNX,
        ("ids", "Has the ONNX file given one prediction for every label?", _predicted),
        ("finite", "Are the ONNX file's logits finite for every image?", _finite),
        basis=Basis.RECOMPUTED,
    ),
    *_compared(ONNX, "the ONNX file"),
    *_accuracy(
        "om",
        ("ids", "Has the OM given one prediction for every label?", _predicted),
        ("finite", "Is every output of the OM whole, of the right width, and finite?", _finite),
        basis=Basis.RECOMPUTED,
    ),
    *_compared("om", "the OM"),
    *_accuracy(
        "om",
        (
            "top1_error_pp",
            "Does the OM reach the published OM's Top-1 on the full data set?",
            partial(_om_published, 1),
        ),
        (
            "top5_error_pp",
            "Does the OM reach the published OM's Top-5 on the full data set?",
            partial(_om_published, 5),
        ),
        basis=Basis.RECOMPUTED,
        where=Where.DEVICE,
    ),
]
