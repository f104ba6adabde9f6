"""Does the checkpoint do on these images what was published for it? A part of the data set can refute that too.

Where it does not, or where guessing explains what it does, nothing follows from a candidate that does the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.judge.chance import SURPRISE, above_chance, divergence
from tools.judge.dataset import ports_own
from tools.judge.label_order import label_words
from tools.judge.results import Verdict

if TYPE_CHECKING:
    from tools.judge.accuracy import TopK
    from tools.judge.image_records import DatasetRecord
    from tools.judge.numbers import AtMost, Fact
    from tools.judge.predictions import TopFive
    from tools.judge.spec import Accuracy, Spec

RESEMBLANCE = 0.25
"""How much two images of one class are alike in being right or wrong (intraclass correlation). Accuracies by class of
AlexNet spread by 22 percentage points about 57 %, which is 0.2; a folder of ten classes is no sample of a thousand."""
HALF = 0.5
"""Below this share of the published accuracy labels are likelier at fault than recipe or weights."""


def of_reference(asked: Accuracy, k: int) -> tuple[Fact | None, AtMost]:
    """The checkpoint's published Top-k, None where there is none, and how far it may be missed."""
    return (asked.pth_top1, asked.pth_top1_error_pp) if k == 1 else (asked.pth_top5, asked.pth_top5_error_pp)


def independent_images(images: int, classes_seen: int) -> float:
    """How many images of classes drawn one by one would say as much as these, of which each class has several."""
    return images / (1 + (images / classes_seen - 1) * RESEMBLANCE)


def departs(measured: TopK, published: Fact, error: AtMost, classes_seen: int) -> int:
    """-1 where an accuracy lies below the published one by more than the number of images explains, 1 above, else 0.

    By Chernoff's bound on the binomial tail, as tools/judge/chance.py: a right reference fails once in 1000 times at
    most, and far more seldom.
    """
    share, images = measured.percent / 100, independent_images(measured.images, classes_seen)
    least = max(0.0, published.value - error.at_most) / 100
    most = min(100.0, published.value + error.at_most) / 100
    if share < least and images * divergence(share, least) >= SURPRISE:
        return -1
    return 1 if share > most and images * divergence(share, most) >= SURPRISE else 0


def shortfall(top: TopFive, data: DatasetRecord, spec: Spec, k: int) -> str:
    """By how much the checkpoint misses its published Top-k on the port's own images, and the likeliest reason.

    Empty where the number of images explains it, where nobody published a figure, and on other images.
    """
    published, error = of_reference(spec.accuracy, k)
    if published is None or not ports_own(data, spec):
        return ""
    measured = top.top_k(k)
    if departs(measured, published, error, len(set(top.labels))) >= 0:
        return ""
    why = "labels, recipe, network or weights are not those that it was published for"
    if measured.percent < HALF * published.value:
        why = label_words(top)
    seen = f"Top-{k} is {measured.percent:.3f} % on {measured.images} images, published {published.value} %"
    return f"{seen} ({published.source}), which so many images do not explain: {why}"


def doubt(top: TopFive, data: DatasetRecord, spec: Spec) -> str:
    """Why the checkpoint is no reference on these images, empty where nothing speaks against it."""
    if not (data.embedded_sample and spec.kind != "sample"):
        check = above_chance(top, spec.classes)
        if check.verdict is Verdict.FAIL:
            return f"Top-1 of {check.measured:.3f} % is explained by guessing"
    return shortfall(top, data, spec, 1) or shortfall(top, data, spec, 5)
