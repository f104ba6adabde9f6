"""Two models on the same images: the 2x2 table and what follows from it, with the standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
CONTINUITY = 0.5
BISECTIONS = 64


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval; the name of the field that holds it says the unit."""

    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class PairedTable:
    """How many images both models got right, only the pth (lost), only the candidate (gained), and neither."""

    both_right: int
    lost: int
    gained: int
    both_wrong: int

    def __post_init__(self) -> None:
        if min(self.both_right, self.lost, self.gained, self.both_wrong) < 0 or self.images < 1:
            raise ValueError(f"{self} is not a table of counts over at least one image")

    @property
    def images(self) -> int:
        """The number of images, the denominator of every ratio here."""
        return self.both_right + self.lost + self.gained + self.both_wrong

    @property
    def drop_pp(self) -> float:
        """Accuracy of the pth minus that of the candidate, in percentage points; negative for a gain.

        One division of whole numbers, so that a drop of exactly 1 pp compares equal to 1.0.
        """
        return 100 * (self.lost - self.gained) / self.images


def wilson_percent(right: int, images: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of one accuracy, in percent.

    Source: E. B. Wilson, JASA 22 (1927) 209-212. ValueError unless 0 <= right <= images and images >= 1.
    """
    if not 0 <= right <= images or images < 1:
        raise ValueError(f"{right} of {images} is not a proportion")
    z = _two_sided_z(confidence)
    share, shrink = right / images, 1 + z * z / images
    centre = (share + z * z / (2 * images)) / shrink
    half = z * math.sqrt(share * (1 - share) / images + z * z / (4 * images * images)) / shrink
    # At none and all the limits are 0 and 1, which rounding would miss.
    low = 0.0 if right == 0 else centre - half
    high = 1.0 if right == images else centre + half
    return Interval(low=100 * low, high=100 * high, confidence=confidence)


def mcnemar_p(table: PairedTable) -> float:
    """Exact two-sided McNemar p: twice the tail of Binomial(lost + gained, 1/2), at most 1; 1 without discordance.

    Source: F. Mosteller, Biometrics 8 (1952) 220-226. Sums the tail downwards from its largest term; a p below 1e-308
    is returned as 0.
    """
    discordant, fewer = table.lost + table.gained, min(table.lost, table.gained)
    total = term = 1.0
    for index in range(fewer, 0, -1):
        term *= index / (discordant - index + 1)
        total += term
        if term < total * 1e-17:
            break
    return min(1.0, 2 * (math.comb(discordant, fewer) / (1 << discordant)) * total)


def loss_interval_pp(table: PairedTable, confidence: float = CONFIDENCE, continuity: float = CONTINUITY) -> Interval:
    """Score interval of the loss (pth minus candidate) in percentage points, with a continuity correction.

    Source: T. Tango, Statistics in Medicine 17 (1998) 891-908: all differences that the score test for paired
    proportions does not reject. `continuity` is taken off |lost - gained - images x difference| before dividing by its
    standard error, half the step of that count, as F. Yates (J. R. Stat. Soc. Suppl. 1 (1934) 217-235) does for a 2x2
    table. Without it the exact coverage falls to 93.1 % (300 images, 1.5 % discordant, nearly all of them lost); with
    it no case looked at lies below 95 % (docs/statistics.md).
    """
    z = _two_sided_z(confidence)
    return Interval(
        low=-100 * _upper_limit(table.gained, table.lost, table.images, z, continuity),
        high=100 * _upper_limit(table.lost, table.gained, table.images, z, continuity),
        confidence=confidence,
    )


def images_needed(table: PairedTable, margin_pp: float, confidence: float = CONFIDENCE) -> int | None:
    """How many images bring the upper limit of the loss below `margin_pp` if both rates stay as observed.

    With the shares of lost and gained images fixed, the variance V per image at the margin is fixed too, and
    n (margin - drop) - 1/2 = z sqrt(n V) is a quadratic in sqrt(n). None when the observed drop is not below the
    margin: no number of images proves that. An estimate for planning: about an even chance to succeed with it.
    """
    room = (margin_pp - table.drop_pp) / 100
    if room <= 0:
        return None
    z, margin = _two_sided_z(confidence), margin_pp / 100
    spread = z * math.sqrt(_variance(table.lost, table.gained, table.images, margin) / table.images)
    root = (spread + math.sqrt(spread * spread + 4 * CONTINUITY * room)) / (2 * room)
    return math.floor(root * root) + 1


def _two_sided_z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _variance(lost: int, gained: int, images: int, difference: float) -> float:
    """Variance of lost - gained if the true difference were `difference` (Tango's constrained maximum likelihood)."""
    linear = (2 * images - lost + gained) * difference - lost - gained
    constant = gained * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear * linear + 8 * images * constant))
    share_gained = (root - linear) / (4 * images)
    return max(0.0, images * (2 * share_gained + difference * (1 - difference)))


def _upper_limit(lost: int, gained: int, images: int, z: float, continuity: float) -> float:
    """The largest difference (a proportion) that the score test does not reject, by bisection from above."""
    accepted, rejected = (lost - gained) / images, 1.0
    for _ in range(BISECTIONS):
        middle = (accepted + rejected) / 2
        excess = images * middle - (lost - gained) - continuity
        if excess > z * math.sqrt(_variance(lost, gained, images, middle)):
            rejected = middle
        else:
            accepted = middle
    return rejected
