"""Why a reference may get so few images right: labels off by one, in another order, or of other images."""

from __future__ import annotations

import operator
from collections import Counter, defaultdict

from tools.judge.predictions import TopFive

TEN_TIMES = 10
"""What explains the labels must get so many times the images right that the labels as they are do."""
PLAIN = 0.25
"""... and this share of all, which no mere chance does."""
OTHER_ORDER = "labels are probably in another order (devkit ids, from 1, by synset)"


def label_words(top: TopFive) -> str:
    """The likeliest reason in words: what can be told from the predictions is said with its figure."""
    asked = max(TEN_TIMES * _right(top, 0), top.images * PLAIN)
    shifted = {shift: _right(top, shift) for shift in (1, -1)}
    best = max(shifted, key=lambda shift: shifted[shift])
    if shifted[best] > asked:
        percent = 100 * shifted[best] / top.images
        return f"with labels moved by {best:+d} Top-1 would be {percent:.1f} %: is `model.label_offset` right?"
    consistent = _consistent(top)
    if consistent > asked:
        percent = 100 * consistent / top.images
        return f"{OTHER_ORDER}: images of one label do get one class, another than the label ({percent:.1f} % of them)"
    return f"{OTHER_ORDER}, or labels, recipe, network or weights are of others"


def _right(top: TopFive, shift: int) -> int:
    """Images whose best class is the label moved by so much."""
    return sum(map(operator.eq, top.columns[0], (label + shift for label in top.labels)))


def _consistent(top: TopFive) -> int:
    """Images whose best class is the one that most other images of their label get; none where a label has one image.

    It is what Top-1 would be if labels were renamed by the other images alone, so that no image speaks for itself. No
    class is the new name of two labels: a network that always says the same is not consistent.
    """
    of_label: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for label, best in zip(top.labels, top.columns[0]):
        of_label[label][best] += 1
    renamed: dict[int, int] = {}
    for counts in of_label.values():
        (best, most), *rest = counts.most_common(2)
        second = rest[0][1] if rest else 0
        if most - 1 > second:
            renamed[best] = max(most, renamed.get(best, 0))
    return sum(renamed.values())
