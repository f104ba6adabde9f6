"""What a passed check could not have seen: the share of wrong labels, or of wrong bins, that is too small for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.judge.chance import SURPRISE, divergence
from tools.judge.paired import BISECTIONS, CONFIDENCE
from tools.judge.reference import independent_images

if TYPE_CHECKING:
    from tools.judge.numbers import AtMost, Fact


def wrong_labels_percent(published: Fact, error: AtMost, images: int, classes: int, *, whole: bool) -> float:
    """The largest share of wrong labels beside which Top-1 can still pass, in percent.

    A wrong label makes a right image wrong. The true Top-1 may lie `error` above the published one and the counted
    one as far below; a part of the data set (not `whole`) is refuted only below what so few images explain.
    """
    most = min(100.0, published.value + error.at_most) / 100
    least = max(0.0, published.value - error.at_most) / 100
    lowest = least if whole else _lowest_explained(least, independent_images(images, min(images, classes)))
    return 100 * (1 - lowest / most) if most else 100.0


def _lowest_explained(share: float, images: float) -> float:
    """The smallest share that so many images can show by chance where the true one is `share`, by bisection."""
    refuted, explained = 0.0, share
    if images * divergence(refuted, share) < SURPRISE:
        return 0.0
    for _ in range(BISECTIONS):
        middle = (refuted + explained) / 2
        if images * divergence(middle, share) < SURPRISE:
            explained = middle
        else:
            refuted = middle
    return explained


def wrong_bins_percent(looked_at: int, images: int) -> float:
    """The smallest share of images whose wrong bins the comparison finds at least one of in 95 of 100 runs, in percent.

    Half of those looked at are drawn by chance from all (tools/data/parity_sample.py); none of `wrong` images is
    among them with the probability (images - drawn choose wrong) / (images choose wrong).
    """
    return unseen_percent(looked_at // 2, images)


def unseen_percent(drawn: int, images: int) -> float:
    """The smallest share of wrong ones among `images` of which `drawn` by chance hold at least one in 95 of 100 runs,
    in percent."""
    unseen = 1.0
    for wrong in range(1, images + 1):
        unseen *= max(0, images - drawn - wrong + 1) / (images - wrong + 1)
        if unseen <= 1 - CONFIDENCE:
            return 100 * wrong / images
    return 100.0
