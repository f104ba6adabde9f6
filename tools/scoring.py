"""From logits to accuracy: the place of every image's label among a variant's top five."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.engines.predictions import Predictions
from tools.judge.accuracy import TopK, label_places, top1_to_top5
from tools.judge.topk import top_k


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
