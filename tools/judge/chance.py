"""Does the reference classify these images at all? At chance level nothing can be lost, and every drop passes."""

from __future__ import annotations

import math

from tools.judge.label_order import label_words
from tools.judge.predictions import TopFive
from tools.judge.results import Check, Verdict

DOUBT = 1e-3
"""How likely guessing may be to get as many images right as were got right."""
USEFUL = 0.25
"""A reference of any use covers a quarter of the way from chance to 100 %; published ones cover half and more."""
CERTAINTY = 3
"""FAIL takes this many times the images that a reference of use needs on average; with fewer it stays open."""


def above_chance(top: TopFive, classes: int) -> Check:
    """Whether guessing among so many classes explains the Top-1, by Chernoff's bound on the binomial tail.

    The bound exp(-n KL(k/n || 1/classes)) is at least the probability that n guesses get k right, so that PASS is
    never too early. Where a shifted label would have been right far more often, the check says so.
    """
    chance, right = 1 / classes, top.top_k(1).percent / 100
    needed = CERTAINTY * math.ceil(SURPRISE / divergence(chance + USEFUL * (1 - chance), chance)) if classes > 1 else 0
    passed = right > chance and top.images * divergence(right, chance) >= SURPRISE
    enough = top.images >= needed
    verdict = Verdict.PASS if passed else Verdict.FAIL if enough else Verdict.INCONCLUSIVE
    return Check(
        measured=top.top_k(1).percent,
        threshold=f"> {100 * chance:.4g}, beyond guessing",
        unit="percent",
        verdict=verdict,
        detail="" if passed else _detail(top, enough=enough, needed=needed),
        source=f"{classes} classes; guessing may explain it with a probability of {DOUBT:g} at most",
    )


SURPRISE = -math.log(DOUBT)
"""The same in nats: what images x divergence must reach."""


def divergence(share: float, chance: float) -> float:
    """Kullback-Leibler divergence of two Bernoulli distributions, in nats: how surprising a share is by chance.

    Infinite where the chance is 0 or 1 and the share is not."""
    terms = ((share, chance), (1 - share, 1 - chance))
    return sum(one * math.log(one / other) if other > 0 else math.inf for one, other in terms if one > 0)


def _detail(top: TopFive, *, enough: bool, needed: int) -> str:
    if not enough:
        return f"too few images to tell the reference from guessing: {top.images} of {needed}"
    return f"the reference does not classify these images: {label_words(top)}"
