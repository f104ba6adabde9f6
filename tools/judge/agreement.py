"""Do two models compute the same logits? What Top-1 hides: cosine, error, flips and changed top fives per image."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tools.judge.checks import within
from tools.judge.handover import first_few
from tools.judge.numbers import AtLeast, AtMost
from tools.judge.results import Check
from tools.judge.systematic import ColumnSums, Estimate, Systematic, estimate, worst_column

WORST_IMAGES = 10


@dataclass(frozen=True)
class ImageAgreement:
    """How far one image's logits lie apart.

    `cosine_distance` is 1 - cosine, exact down to 1e-16; `max_abs_error` in logits; `flip_gap` is None when both models
    name the same class, else how far ahead, in pth's logits, pth's class was of the one that the candidate names (0 for
    a tie): the noise that a harmless flip would need. `slope_error` is the slope of a regression of the candidate's
    logits on pth's, less 1, None where pth's are all equal; `mean_error` the mean signed error in logits.
    """

    id: str
    cosine_distance: float
    max_abs_error: float
    flip_gap: float | None
    top5_set_changed: bool
    slope_error: float | None
    mean_error: float


@dataclass(frozen=True)
class Unusable:
    """An image whose logits cannot be compared, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Measured:
    """One block of images; blocks are summarised together, so 50,000 x 1000 logits never lie in memory at once."""

    images: tuple[ImageAgreement, ...]
    unusable: tuple[Unusable, ...]
    columns: ColumnSums


@dataclass(frozen=True)
class Agreement:
    """The summary over all images; the four figures and `systematic` are None when no image was usable.

    `flipped` and `flipped_beyond_near_tie` are image ids; `worst` are the ids with the largest cosine distance.
    """

    images: int
    unusable: tuple[Unusable, ...]
    min_cosine: float | None
    mean_cosine_distance: float | None
    max_abs_error_logits: float | None
    top5_set_changed_percent: float | None
    systematic: Systematic | None
    near_tie_logits: float
    flipped: tuple[str, ...]
    flipped_beyond_near_tie: tuple[str, ...]
    worst: tuple[str, ...]


def summarise(blocks: Iterable[Measured], *, near_tie_logits: float) -> Agreement:
    """Gather the blocks; a flip is within a near tie when its gap is at most `near_tie_logits`."""
    images: list[ImageAgreement] = []
    unusable: list[Unusable] = []
    columns: list[ColumnSums] = []
    for block in blocks:
        images += block.images
        unusable += block.unusable
        columns.append(block.columns)
    flips = [image for image in images if image.flip_gap is not None]
    beyond = [image.id for image in flips if image.flip_gap is not None and image.flip_gap > near_tie_logits]
    worst = heapq.nlargest(WORST_IMAGES, images, key=lambda image: image.cosine_distance)
    count = len(images)
    return Agreement(
        images=count + len(unusable),
        unusable=tuple(unusable),
        min_cosine=1 - worst[0].cosine_distance if images else None,
        mean_cosine_distance=math.fsum(image.cosine_distance for image in images) / count if images else None,
        max_abs_error_logits=max(image.max_abs_error for image in images) if images else None,
        top5_set_changed_percent=100 * sum(image.top5_set_changed for image in images) / count if images else None,
        systematic=_systematic(images, columns) if images else None,
        near_tie_logits=near_tie_logits,
        flipped=tuple(image.id for image in flips),
        flipped_beyond_near_tie=tuple(beyond),
        worst=tuple(image.id for image in worst),
    )


def _systematic(images: list[ImageAgreement], columns: list[ColumnSums]) -> Systematic:
    slopes = {image.id: image.slope_error for image in images if image.slope_error is not None}
    classes, column, of_column = worst_column(columns, len(images))
    worst = max(slopes, key=lambda name: abs(slopes[name]), default="")
    return Systematic(
        classes=classes,
        slope_error=estimate(list(slopes.values())) if slopes else Estimate(0.0, None),
        mean_error=estimate([image.mean_error for image in images]),
        column=column,
        column_error=of_column,
        image_slope_error=abs(slopes[worst]) if slopes else 0.0,
        image=worst,
    )


def check_min_cosine(agreement: Agreement, bound: AtLeast) -> Check:
    """The worst image's cosine: one swapped or stale dump is enough to fail, which a mean would hide."""
    return _within(agreement.min_cosine, bound, agreement.worst)


def check_mean_cosine_distance(agreement: Agreement, bound: AtMost) -> Check:
    """The mean of 1 - cosine: many small errors (bfloat16, int8, rounded text dumps) that no single image shows."""
    return _within(agreement.mean_cosine_distance, bound, agreement.worst)


def check_max_abs_error(agreement: Agreement, bound: AtMost) -> Check:
    """The largest error of any logit of any image."""
    return _within(agreement.max_abs_error_logits, bound, agreement.worst)


def check_flips_beyond_near_tie(agreement: Agreement, bound: AtMost) -> Check:
    """Number of images that changed class although pth was not near a tie."""
    return _within(float(len(agreement.flipped_beyond_near_tie)), bound, agreement.flipped_beyond_near_tie)


def check_top5_set_changed(agreement: Agreement, bound: AtMost) -> Check:
    """Share of images whose set of five best classes changed, in percent."""
    return _within(agreement.top5_set_changed_percent, bound, agreement.worst)


def check_slope_error(agreement: Agreement, bound: AtMost) -> Check:
    """All logits times a factor: cosines do not see it, and of a factor near 1 no error is large."""
    return _certain(agreement, bound, lambda found: ("slope less 1", found.slope_error, 1))


def check_mean_error(agreement: Agreement, bound: AtMost) -> Check:
    """All logits moved the same way, by less than rounding moves one of them."""
    return _certain(agreement, bound, lambda found: ("mean signed error", found.mean_error, 1))


def check_column_error(agreement: Agreement, bound: AtMost) -> Check:
    """One class favoured in all images: a bias that was lost, or rounded coarsely."""
    return _certain(
        agreement, bound, lambda found: (f"mean error of class {found.column}", found.column_error, found.classes)
    )


def check_image_slope_error(agreement: Agreement, bound: AtMost) -> Check:
    """Some images scaled, whose direction stays: the worst one is enough."""
    found = agreement.systematic
    return _within(None if found is None else found.image_slope_error, bound, (found.image,) if found else ())


def _certain(agreement: Agreement, bound: AtMost, which: Callable[[Systematic], tuple[str, Estimate, int]]) -> Check:
    """The part of an effect that chance does not explain; it and its standard error are told beside."""
    if agreement.systematic is None:
        return _within(None, bound, ())
    images = agreement.images - len(agreement.unusable)
    name, effect, among = which(agreement.systematic)
    error = "unknown" if effect.standard_error is None else f"{effect.standard_error:.3g}"
    detail = f"{name} {effect.value:.6g}, standard error {error} over {images} images; judged is what is certain"
    return within(effect.certain(images, among), bound, detail=detail)


def _within(measured: float | None, bound: AtLeast | AtMost, ids: tuple[str, ...]) -> Check:
    detail = f"see {first_few(ids)}" if ids else "no usable image"
    return within(math.nan if measured is None else measured, bound, detail=detail)


CHECKS: dict[str, Callable[[Agreement, Any], Check]] = {
    "min_cosine": check_min_cosine,
    "mean_cosine_distance": check_mean_cosine_distance,
    "max_abs_error": check_max_abs_error,
    "flips_beyond_near_tie": check_flips_beyond_near_tie,
    "top5_set_changed_percent": check_top5_set_changed,
    "slope_error": check_slope_error,
    "mean_error": check_mean_error,
    "column_error": check_column_error,
    "image_slope_error": check_image_slope_error,
}
"""By the name of the bound in the spec, which is the gate's too."""
