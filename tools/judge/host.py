"""Two engines of this host measured in turn: only their ratio matters, never the machine's speed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tools.base.errors import SuiteError


def ratio(candidate_seconds_per_image: Sequence[float], reference_seconds_per_image: Sequence[float]) -> float:
    """The candidate's throughput over the reference's: the median over rounds of the ratio inside each round.

    SuiteError unless the samples are pairs of positive times, at least one.
    """
    ours, theirs = candidate_seconds_per_image, reference_seconds_per_image
    if len(ours) != len(theirs) or not ours or min(*ours, *theirs) <= 0:
        raise SuiteError(
            "the samples are not pairs of positive times", measured=f"{len(ours)} and {len(theirs)} samples"
        )
    return statistics.median(slow / quick for quick, slow in zip(ours, theirs))
