"""From logits to accuracy: the place of every image's label among a variant's top five."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.base.errors import AccuracyError
from tools.engines.predictions import IMAGES_AT_ONCE, Predictions, gate_of
from tools.engines.topk import top_k
from tools.judge.accuracy import TopK, label_places, top1_to_top5
from tools.judge.agreement import Agreement, measure, summarise


@dataclass(frozen=True)
class Scored:
    """One variant: id -> place of the label (1..5, 0 where it is not among the top five), and Top-1 to Top-5."""

    variant: str
    places: Mapping[str, int]
    accuracy: tuple[TopK, ...]


def score(predictions: Predictions, labels: Mapping[str, int]) -> Scored:
    """Score a variant; SuiteError when its ids are not exactly those of the labels."""
    top5 = dict(zip(predictions.ids, top_k(predictions.logits).tolist(), strict=True))
    places = label_places(top5, labels, variant=predictions.variant)
    return Scored(predictions.variant, places, top1_to_top5(places))


def agree(pth: Predictions, candidate: Predictions, *, near_tie_logits: float) -> Agreement:
    """Hold a variant's logits against the checkpoint's, image by image; AccuracyError when the ids differ."""
    if pth.ids != candidate.ids:
        raise AccuracyError(
            "the images are not the same, or not in the same order",
            gate=gate_of(candidate.variant, "ids"),
            where=candidate.variant,
        )
    starts = range(0, len(pth.ids), IMAGES_AT_ONCE)
    blocks = (slice(start, start + IMAGES_AT_ONCE) for start in starts)
    measured = (measure(pth.ids[rows], pth.logits[rows], candidate.logits[rows]) for rows in blocks)
    return summarise(measured, near_tie_logits=near_tie_logits)
